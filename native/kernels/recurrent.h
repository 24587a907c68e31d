// What the recurrent kernels share: how the batch is cut, how long each example is, masks of states, and blocks of rows.
#pragma once
#include "rows.h"
#include "simd/vec.h"
#include "threads/keep.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

constexpr int most_abreast = registers == 32 ? 6 : 3;      // examples whose sums, four vectors each, stay in registers
constexpr int64_t most_examples = 64;                   // of a chunk: what it knows of them lies on the stack

// Each thread takes a piece of the batch through all steps, so nobody waits between steps. An example's numbers are the
// same in whatever piece it lies, so here, and only here, the pieces may follow the number of threads.
struct Batch {
    int64_t n, size, chunks;

    explicit Batch(int64_t n) : n(n) {
        const int64_t sharers = threads() > 0 ? threads() : 1;
        size = (n + sharers - 1) / sharers;
        if (size < most_abreast) size = most_abreast;
        if (size > most_examples) size = most_examples;
        chunks = (n + size - 1) / size;
    }
    int64_t begin(int64_t chunk) const { return chunk * size; }
    int64_t end(int64_t chunk) const { return begin(chunk) + size < n ? begin(chunk) + size : n; }
    double cost(int64_t t, int64_t k, int64_t gates) const {
        return static_cast<double>(size) * static_cast<double>(t) * static_cast<double>(gates * k * (2 * k + 20));
    }
};

// Where a layer packs its weights: they are kept from call to call in a network frozen for inference, else packed anew.
inline Kept place_to_pack(size_t floats) {
    const Kept own = kept(floats);
    return own.memory ? own : Kept{scratch(Slot::first, floats), true};
}

// Steps of example i that count.
inline int64_t steps_of(const int32_t* lengths, int64_t i, int64_t t) {
    if (!lengths) return t;
    return lengths[i] < 0 ? 0 : lengths[i] < t ? lengths[i] : t;
}

// The place of the s-th step run, of `steps`.
inline int64_t place(int64_t s, int64_t steps, int64_t reverse) { return reverse ? steps - 1 - s : s; }

// The place of the step run before the one at `now`, or, against the order, after it.
inline int64_t place_before(int64_t now, int64_t reverse) { return reverse ? now + 1 : now - 1; }
inline int64_t place_after(int64_t now, int64_t reverse) { return reverse ? now - 1 : now + 1; }

// With dropout of the state, M (n, k), the products of a step see h ⊙ M. A chunk has memory for what its examples see.
struct Mask {
    const float* M;
    int64_t k, begin;
    float* memory;

    // In a block of floats(examples, k) that starts at `memory`.
    Mask(const float* M, int64_t k, int64_t begin, float* memory) : M(M), k(k), begin(begin), memory(memory) {}
    static int64_t floats(const float* M, int64_t examples, int64_t k) { return M ? examples * k : 0; }

    // What the products see of the state h of example i; null where the state is 0.
    const float* seen(int64_t i, const float* h) const {
        if (!M || !h) return h;
        float* to = memory + (i - begin) * k;
        each_vector(0, k, [&](int64_t u, int64_t count) {
            store_part(to + u, load_part(h + u, count) * load_part(M + i * k + u, count), count);
        });
        return to;
    }
};

// What comes back through the products, or what they see, a vector of units at a time: x ⊙ M.
inline vec masked(vec x, const float* M, int64_t u, int64_t count) { return M ? x * load_part(M + u, count) : x; }

// Runs the examples of a chunk through all steps: for each step, entry(i, s, steps) of the examples that have it, side by
// side, then run(entries, rows). Examples that are done fall out.
template <class Step, class Entry, class Run>
inline void each_step(const Batch& batch, int64_t chunk, const int32_t* lengths, int64_t t, Entry&& entry,
                      Run&& run) {
    Step at[most_examples];
    for (int64_t s = 0; s < t; ++s) {
        int64_t rows = 0;
        for (int64_t i = batch.begin(chunk); i < batch.end(chunk); ++i) {
            const int64_t steps = steps_of(lengths, i, t);
            if (s < steps) at[rows++] = entry(i, s, steps);
        }
        if (rows == 0) return;
        run(at, rows);
    }
}

// The same from the last step to the first: run(entries, rows, later), where `later` says that an example has a step
// behind this one. Before their last step examples are not there.
template <class Step, class Entry, class Run>
inline void each_step_back(const Batch& batch, int64_t chunk, const int32_t* lengths, int64_t t, Entry&& entry,
                           Run&& run) {
    Step at[most_examples];
    for (int64_t s = t - 1; s >= 0; --s) {
        int64_t rows = 0;
        bool later = false;
        for (int64_t i = batch.begin(chunk); i < batch.end(chunk); ++i) {
            const int64_t steps = steps_of(lengths, i, t);
            if (s >= steps) continue;
            at[rows++] = entry(i, s, steps);
            later = later || s + 1 < steps;
        }
        if (rows > 0) run(at, rows, later);
    }
}

template <int n>
struct Count {
    static constexpr int value = n;
};

// Calls f(Count<rows>) for a number known at run time, from 1 to `most`.
template <int most, class F>
inline void with_count(int64_t rows, F&& f) {
    if constexpr (most == 1) f(Count<1>{});
    else if (rows == most) f(Count<most>{});
    else with_count<most - 1>(rows, f);
}

// Cuts `rows` into blocks of nearly equal size, none above most_abreast: f(first, rows of the block).
template <class F>
inline void row_blocks(int64_t rows, F&& f) {
    const int64_t blocks = (rows + most_abreast - 1) / most_abreast;
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t first = rows * b / blocks, last = rows * (b + 1) / blocks;
        f(first, last - first);
    }
}

}  // namespace kn::KN_TARGET
