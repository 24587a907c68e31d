// LSTM, forward: z = Z_t + h·W, then gates, cell and output of a step; Z, the part of the input, is given.
//
// The recurrent weights are packed once a call (once at all in a network frozen for inference), a panel for each vector
// of units: [row of W][gate i, f, g, o][lanes], the last panel filled up with zeros. A thread takes its examples through
// all steps; in a step the panels are run through from outside, so W is read once a step from L2, and inside the examples
// in blocks of 3 (6 with 32 registers): the four gates of a vector of units of all of them are summed in registers while
// the panel lies in L1, from h read number by number. Right there the gates are applied and G, C and H stored.
// Examples that are past their length are left out of the blocks. The last units are part of a vector.
#include "copy.h"
#include "recurrent.h"

namespace kn::KN_TARGET {
namespace {

// One example at one step; h (what the product sees of the state) and c are null where they are 0.
struct Step {
    const float *Z, *h, *c;
    float *H, *C, *G;
};

float* pack(const float* W, int64_t k) {
    const int64_t panels = (k + lanes - 1) / lanes, panel = 4 * lanes * k;
    const Kept place = place_to_pack(static_cast<size_t>(panels * panel));
    if (!place.fresh) return place.memory;
    parallel(panels, 32.0 * static_cast<double>(lanes * k), [&](int64_t i) {
        const int64_t u = i * lanes, count = k - u < lanes ? k - u : lanes;
        float* to = place.memory + i * panel;
        for (int64_t row = 0; row < k; ++row)
            for (int gate = 0; gate < 4; ++gate, to += lanes)
                store(to, load_part(W + row * 4 * k + gate * k + u, count));
    });
    return place.memory;
}

// z of the units u … u + count - 1 of R examples. Never inlined: with the gates around it the compiler would keep some
// of the sums in memory.
template <int R>
[[gnu::noinline]] void sums(const Step* at, const float* panel, int64_t k, int64_t u, int64_t count, vec (*to)[4]) {
    vec z[R][4];
    for (int r = 0; r < R; ++r)
        for (int gate = 0; gate < 4; ++gate) z[r][gate] = load_part(at[r].Z + gate * k + u, count);
    const float* h[R];
    for (int r = 0; r < R; ++r) h[r] = at[r].h;
    for (int64_t p = 0; h[0] && p < k; ++p, panel += 4 * lanes)
        for (int gate = 0; gate < 4; ++gate) {
            const vec w = load(panel + gate * lanes);
            for (int r = 0; r < R; ++r) z[r][gate] = fma(broadcast(h[r][p]), w, z[r][gate]);
        }
    for (int r = 0; r < R; ++r)
        for (int gate = 0; gate < 4; ++gate) to[r][gate] = z[r][gate];
}

// The gates and the cell of one example's units u … u + count - 1; o and c also into z.
inline void gates(const Step& at, vec (&z)[4], int64_t k, int64_t u, int64_t count) {
    const vec i = sigmoid(z[0]), f = sigmoid(z[1]), g = tanh(z[2]), o = sigmoid(z[3]);
    const vec before = at.c ? load_part(at.c + u, count) : zero();
    const vec c = fma(f, before, i * g);
    float* G = at.G + u;
    store_part(G, i, count);
    store_part(G + k, f, count);
    store_part(G + 2 * k, g, count);
    store_part(G + 3 * k, o, count);
    store_part(at.C + u, c, count);
    z[0] = o;
    z[1] = c;
}

void step(const Step* at, int64_t rows, const float* packed, int64_t k) {
    for (int64_t u = 0; u < k; u += lanes, packed += 4 * lanes * k)
        row_blocks(rows, [&](int64_t first, int64_t R) {
            const int64_t count = k - u < lanes ? k - u : lanes;
            vec z[most_abreast][4];
            with_count<most_abreast>(R, [&](auto r) { sums<r.value>(at + first, packed, k, u, count, z); });
            // Outputs behind the gates of all: a chain of exp, division, exp and division is too long to wait for.
            for (int64_t r = 0; r < R; ++r) gates(at[first + r], z[r], k, u, count);
            for (int64_t r = 0; r < R; ++r) store_part(at[first + r].H + u, z[r][0] * tanh(z[r][1]), count);
        });
}

Step at_step(const args::lstm& a, const Mask& mask, int64_t i, int64_t s, int64_t steps) {
    const int64_t now = i * a.t + place(s, steps, a.reverse), before = now + (a.reverse ? 1 : -1);
    Step at = {a.Z + now * 4 * a.k, a.h0 ? a.h0 + i * a.k : nullptr, a.c0 ? a.c0 + i * a.k : nullptr,
               a.H + now * a.k, a.C + now * a.k, a.G + now * 4 * a.k};
    if (s > 0) {
        at.h = a.H + before * a.k;
        at.c = a.C + before * a.k;
    }
    at.h = mask.seen(i, at.h);
    return at;
}

// Past its length an example's outputs and gates are 0, its cell stays what it is.
void fill_rest(const args::lstm& a, int64_t i, int64_t steps) {
    const float* c = a.c0 ? a.c0 + i * a.k : nullptr;
    if (!a.reverse && steps > 0) c = a.C + (i * a.t + steps - 1) * a.k;
    for (int64_t t = steps; t < a.t; ++t) {
        float* C = a.C + (i * a.t + t) * a.k;
        c ? copy_run(C, c, a.k) : clear_run(C, a.k);
    }
    clear_run(a.H + (i * a.t + steps) * a.k, (a.t - steps) * a.k);
    clear_run(a.G + (i * a.t + steps) * 4 * a.k, (a.t - steps) * 4 * a.k);
}

}  // namespace

void lstm(const args::lstm& a, Context&) {
    const Batch batch(a.n);
    const float* packed = pack(a.W, a.k);
    parallel(batch.chunks, batch.cost(a.t, a.k, 4), [&](int64_t chunk) {
        const int64_t begin = batch.begin(chunk), floats = Mask::floats(a.M, batch.end(chunk) - begin, a.k);
        const Mask mask(a.M, a.k, begin, scratch(Slot::second, static_cast<size_t>(floats)));
        each_step<Step>(
            batch, chunk, a.lengths, a.t,
            [&](int64_t i, int64_t s, int64_t steps) { return at_step(a, mask, i, s, steps); },
            [&](const Step* at, int64_t rows) { step(at, rows, packed, a.k); });
        for (int64_t i = begin; i < batch.end(chunk); ++i) fill_rest(a, i, steps_of(a.lengths, i, a.t));
    });
}

}  // namespace kn::KN_TARGET
