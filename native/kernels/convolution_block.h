// The one inner loop of all direct convolutions: sum[r][·] += Σ_t rows[r][offset(t)] · panel[t][·].
//
// Forward and backward pass: a row is a pixel, t runs over taps and channels, the panel holds packed filters.
// Weight gradients: a row is a tap and channel, t runs over pixels, the panel holds packed output gradients.
// In registers: `block_rows` x 2 vectors of sums, two vectors of the panel, one broadcast (6 x 2 + 3 of 16 registers
// with AVX2, 14 x 2 + 3 of 32 with AVX-512). That keeps both multiply-add units busy: 12 sums hide their latency of 4,
// and a step of 12 needs 8 loads. The panel is made to stay in L1. Remainders: rows are split so that no block is
// much smaller than the others; columns are padded with zeros in the panel and masked in the store.
#pragma once
#include "simd/finish.h"
#include "simd/steps.h"

namespace kn::KN_TARGET {

constexpr int block_rows = registers == 16 ? 6 : lanes == 16 ? 14 : 12;
constexpr int block_vectors = 2;
constexpr int64_t block_columns = block_vectors * lanes;

// The last block of columns takes one vector where that is enough; panel and sums are then that much narrower.
inline int vectors_for(int64_t columns) { return columns > lanes ? 2 : 1; }

// The offsets of t: `runs` runs of `length` places each, `step` floats apart.
struct Walk {
    const int64_t* offsets;
    int64_t runs, length, step;
    int64_t steps() const { return runs * length; }
};

// What is done to a sum on its way to the output. No step and the two commonest single steps are done in registers,
// with the arithmetic of their kernels; for any other the sums go to a tile in L1, and `finish` takes them from there.
enum class Last { store, relu, relu_backward, steps };

inline Last last_of(const Finish& finish) {
    if (finish.count == 0) return Last::store;
    if (finish.count > 1) return Last::steps;
    const Step step = static_cast<Step>(finish.entries[0].code);
    return step == Step::relu ? Last::relu : step == Step::relu_backward ? Last::relu_backward : Last::steps;
}
// The operand of that single step; the output itself, never read, where there is none.
inline const float* operand_of(const Finish& finish, const float* out) {
    return finish.count == 1 && finish.entries[0].array ? finish.entries[0].array : out;
}

// Stores x to out, its operand lies at `operand`; `count` lanes, or all.
template <Last last>
[[gnu::always_inline]] inline void store_last(float* out, vec x, const float* operand) {
    if constexpr (last == Last::relu) x = relu(x);
    if constexpr (last == Last::relu_backward) x = relu_backward(x, load(operand));
    store(out, x);
}
template <Last last>
[[gnu::always_inline]] inline void store_last(float* out, vec x, const float* operand, int64_t count) {
    if constexpr (last == Last::relu) x = relu(x);
    if constexpr (last == Last::relu_backward) x = relu_backward(x, load(operand, count));
    store(out, x, count);
}

struct BlockJob {
    const float* const* rows;      // where each row begins
    Walk walk;
    const float* panel;            // walk.steps() x vectors * lanes
    float* sums;                   // rows x vectors * lanes: where sums are kept between two calls
    bool resume;                   // go on from `sums`, else from `start` (null: from zero)
    const float* start;            // vectors * lanes floats
    float* out;                    // where finished sums go; null: back to `sums`
    const int64_t* places;         // place of each row in `out`, and in `operand`
    Last last;
    const float* operand;          // of the last step
    int64_t columns;               // lanes stored to `out`: all of the vectors' lanes, or all but some of the last's
};

// A job whose sums stay in `sums`, to be added to or to be taken from there.
inline BlockJob keep_sums(const float* const* rows, const Walk& walk, const float* panel, float* sums, bool resume) {
    return {rows, walk, panel, sums, resume, nullptr, nullptr, nullptr, Last::store, nullptr, 0};
}

template <int R, int V>
[[gnu::always_inline]] inline void multiply_step(vec (&sum)[R][V], const float* const (&row)[R], int64_t at,
                                                 const float* panel) {
    vec b[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) b[v] = load(panel + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
        const vec a = broadcast(row[r][at]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[r][v] = fma(a, b[v], sum[r][v]);
    }
}

template <int R, int V>
[[gnu::always_inline]] inline void accumulate(vec (&sum)[R][V], const float* const (&row)[R], const Walk& walk,
                                              const float* panel) {
    if (walk.length == 1) {
        for (int64_t run = 0; run < walk.runs; ++run, panel += V * lanes)
            multiply_step<R, V>(sum, row, walk.offsets[run], panel);
        return;
    }
    for (int64_t run = 0; run < walk.runs; ++run) {
        int64_t at = walk.offsets[run];
        for (int64_t t = walk.length; t > 0; --t, at += walk.step, panel += V * lanes)
            multiply_step<R, V>(sum, row, at, panel);
    }
}

template <int R, int V, Last last>
[[gnu::always_inline]] inline void store_block(const vec (&sum)[R][V], const BlockJob& job, int64_t first) {
    const int64_t rest = job.columns - (V - 1) * lanes;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
        float* out = job.out + job.places[first + r];
        const float* operand = job.operand + job.places[first + r];
#pragma GCC unroll 2
        for (int v = 0; v < V - 1; ++v) store_last<last>(out + v * lanes, sum[r][v], operand + v * lanes);
        if (rest == lanes) store_last<last>(out + (V - 1) * lanes, sum[r][V - 1], operand + (V - 1) * lanes);
        else store_last<last>(out + (V - 1) * lanes, sum[r][V - 1], operand + (V - 1) * lanes, rest);
    }
}

// `blocks` blocks of R rows, from row `first` on.
template <int R, int V>
void run_blocks(const BlockJob& job, int64_t first, int64_t blocks) {
    for (int64_t block = 0; block < blocks; ++block, first += R) {
        const float* row[R];
        vec sum[R][V];
        float* kept = job.sums + first * V * lanes;
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            row[r] = job.rows[first + r];
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v)
                sum[r][v] = job.resume ? load(kept + (r * V + v) * lanes)
                            : job.start ? load(job.start + v * lanes) : zero();
        }
        accumulate<R, V>(sum, row, job.walk, job.panel);
        if (job.out == nullptr) {
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
                for (int v = 0; v < V; ++v) store(kept + (r * V + v) * lanes, sum[r][v]);
        } else if (job.last == Last::relu) {
            store_block<R, V, Last::relu>(sum, job, first);
        } else if (job.last == Last::relu_backward) {
            store_block<R, V, Last::relu_backward>(sum, job, first);
        } else {
            store_block<R, V, Last::store>(sum, job, first);
        }
    }
}

// All rows of a job: whole blocks, then the remainder, together with one whole block cut into two like parts.
// The sums of a row do not depend on the block it falls into.
void run_rows(const BlockJob& job, int64_t rows, int vectors);

}  // namespace kn::KN_TARGET
