// GRU, forward: gates r and z, then n from the reset state, then the mix of n and the state before (the page on the GRU).
//
// A thread takes its examples through all steps. A step is three products with panels that were packed once, one for
// each block of W (recurrent_product.h): r, z and n, each with what follows from it applied to a vector of units right
// there. Reset before n, the third product reads s = r ⊙ h, which the first has stored in G; reset after, it reads h like
// the others. Examples that are past their length are left out of a step.
#include "copy.h"
#include "recurrent_product.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// One example at one step; h, and `seen`, what the products see of it, are null where the state is 0.
struct Step {
    const float *Z, *h, *seen;
    float *H, *G;
};

struct Weights {
    Panels r, z, n;
};

Weights pack_weights(const args::gru& a) {
    const size_t floats = Panels::floats(a.k, a.k);
    const auto [memory, fresh] = place_to_pack(3 * floats);
    const Weights w = {{a.k, a.k, memory}, {a.k, a.k, memory + floats}, {a.k, a.k, memory + 2 * floats}};
    if (!fresh) return w;
    pack(w.r, a.W, 3 * a.k);
    pack(w.z, a.W + a.k, 3 * a.k);
    pack(w.n, a.W + 2 * a.k, 3 * a.k);
    return w;
}

inline vec or_zero(const float* h, int64_t u, int64_t count) { return h ? load_part(h + u, count) : zero(); }

void step(const args::gru& a, const Step* at, int64_t rows, const Weights& w) {
    const int64_t k = a.k;
    const bool multiply = rows > 0 && at[0].h;
    const auto seen = [&](int64_t r) { return at[r].seen; };
    const auto seen_by_n = [&](int64_t r) { return a.before ? at[r].G + 3 * k : at[r].seen; };
    each_vector_of(rows, w.r, multiply, seen, [&](int64_t i, int64_t u, int64_t count, vec sum) {
        const vec r = sigmoid(load_part(at[i].Z + u, count) + sum);
        store_part(at[i].G + u, r, count);
        if (a.before) store_part(at[i].G + 3 * k + u, r * or_zero(at[i].seen, u, count), count);
    });
    each_vector_of(rows, w.z, multiply, seen, [&](int64_t i, int64_t u, int64_t count, vec sum) {
        store_part(at[i].G + k + u, sigmoid(load_part(at[i].Z + k + u, count) + sum), count);
    });
    each_vector_of(rows, w.n, multiply, seen_by_n, [&](int64_t i, int64_t u, int64_t count, vec sum) {
        float* G = at[i].G + u;
        const vec x = load_part(at[i].Z + 2 * k + u, count), z = load_part(G + k, count);
        const vec s = a.b ? sum + load_part(a.b + u, count) : sum;
        const vec n = tanh(a.before ? x + s : fma(load_part(G, count), s, x));
        store_part(G + 2 * k, n, count);
        if (!a.before) store_part(G + 3 * k, s, count);
        store_part(at[i].H + u, fma(z, or_zero(at[i].h, u, count) - n, n), count);
    });
}

}  // namespace

void gru(const args::gru& a, Context&) {
    const Batch batch(a.n);
    const Weights w = pack_weights(a);
    parallel(batch.chunks, batch.cost(a.t, a.k, 3), [&](int64_t chunk) {
        const int64_t begin = batch.begin(chunk), floats = Mask::floats(a.M, batch.end(chunk) - begin, a.k);
        const Mask mask(a.M, a.k, begin, scratch(Slot::second, static_cast<size_t>(floats)));
        each_step<Step>(
            batch, chunk, a.lengths, a.t,
            [&](int64_t i, int64_t s, int64_t steps) -> Step {
                const int64_t now = i * a.t + place(s, steps, a.reverse), before = place_before(now, a.reverse);
                const float* h = s > 0 ? a.H + before * a.k : a.h0 ? a.h0 + i * a.k : nullptr;
                return {a.Z + now * 3 * a.k, h, mask.seen(i, h), a.H + now * a.k, a.G + now * 4 * a.k};
            },
            [&](const Step* at, int64_t rows) { step(a, at, rows, w); });
        for (int64_t i = begin; i < batch.end(chunk); ++i) {
            const int64_t steps = steps_of(a.lengths, i, a.t);
            clear_run(a.H + (i * a.t + steps) * a.k, (a.t - steps) * a.k);
            clear_run(a.G + (i * a.t + steps) * 4 * a.k, (a.t - steps) * 4 * a.k);
        }
    });
}

}  // namespace kn::KN_TARGET
