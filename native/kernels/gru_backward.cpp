// GRU, backward: from the last step to the first, then the gates turned round (the page on the GRU); δ of all gates and
// steps is kept, so that the weight gradients are matrix products later.
//
// A thread takes its examples through all steps, with the transposed weights in panels that were packed once
// (recurrent_product.h). What goes straight back to the state before, δh ⊙ z (reset before n: and q ⊙ r), is carried in a
// small array of the thread. Reset after, the step's product is (δa_r, δa_z, δa_n ⊙ r)·Wᵀ; the third part is no part of
// dZ, so these deltas lie in two small arrays that take turns. Reset before, it is (δa_r, δa_z)·(W_r, W_z)ᵀ, read where
// dZ has it, and a second product in the same step, q = δa_n·W_nᵀ, comes before δa_r.
#include "copy.h"
#include "recurrent_product.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// One example at one step. `later` are the deltas of the step run after it, `now` (reset after) those of this one; h is
// null where the state before is 0, M where the example has no mask.
struct Step {
    const float *dH, *G, *h, *later, *M;
    float *carry, *now, *dZ;
};

// `back` gives δh of the step before, `n` (reset before) q.
struct Weights {
    Panels back, n;
};

Weights pack_weights(const args::gru_backward& a) {
    const int64_t gates = a.before ? 2 : 3, rest = a.before ? 1 : 0;
    const size_t floats = Panels::floats(gates * a.k, a.k);
    float* memory = scratch(Slot::first, floats + Panels::floats(rest * a.k, a.k));
    const Weights w = {{gates * a.k, a.k, memory}, {rest * a.k, a.k, memory + floats}};
    pack_transposed(w.back, a.W, 3 * a.k);
    if (a.before) pack_transposed(w.n, a.W + 2 * a.k, 3 * a.k);
    return w;
}

// What a chunk has for itself: zeros, and for each of its examples what is carried and two times three deltas.
struct Own {
    int64_t k, width;
    float* memory;

    Own(int64_t k, int64_t examples, int64_t vectors) : k(k), width(vectors * lanes + 6 * k) {
        const int64_t floats = 3 * k + examples * width;
        memory = scratch(Slot::second, static_cast<size_t>(floats));
        clear_run(memory, floats);
    }
    const float* zeros() const { return memory; }
    float* deltas(int64_t i, int64_t s) const { return memory + 3 * k + i * width + (s & 1) * 3 * k; }
    float* carry(int64_t i) const { return memory + 3 * k + i * width + 6 * k; }
};

inline vec state(const Step& at, int64_t u, int64_t count) { return at.h ? load_part(at.h + u, count) : zero(); }

void step(const args::gru_backward& a, const Step* at, int64_t rows, const Weights& w, bool multiply) {
    const int64_t k = a.k;
    each_vector_of(rows, w.back, multiply, [&](int64_t r) { return at[r].later; },
                   [&](int64_t i, int64_t u, int64_t count, vec sum) {
        const float* G = at[i].G + u;
        float *dZ = at[i].dZ + u, *carry = at[i].carry + u;
        const vec r = load_part(G, count), z = load_part(G + k, count), n = load_part(G + 2 * k, count);
        const vec dh = load_part(at[i].dH + u, count) + (masked(sum, at[i].M, u, count) + load(carry));
        const vec dn = dh * (1.0f - z) * (1.0f - n * n);
        const vec dz = dh * (state(at[i], u, count) - n) * (z * (1.0f - z));
        store(carry, dh * z);
        store_part(dZ + k, dz, count);
        store_part(dZ + 2 * k, dn, count);
        if (a.before) return;
        const vec dr = dn * load_part(G + 3 * k, count) * (r * (1.0f - r));
        store_part(dZ, dr, count);
        store_part(at[i].now + u, dr, count);
        store_part(at[i].now + k + u, dz, count);
        store_part(at[i].now + 2 * k + u, dn * r, count);
    });
    if (!a.before) return;
    each_vector_of(rows, w.n, true, [&](int64_t r) { return at[r].dZ + 2 * k; },
                   [&](int64_t i, int64_t u, int64_t count, vec q) {
        const vec r = load_part(at[i].G + u, count);
        float* carry = at[i].carry + u;
        q = masked(q, at[i].M, u, count);
        store_part(at[i].dZ + u, q * state(at[i], u, count) * (r * (1.0f - r)), count);
        store(carry, fma(q, r, load(carry)));
    });
}

// The gradients of the initial state: the deltas of the first step times the weights, and what was carried.
void initial(const args::gru_backward& a, int64_t i, const Weights& w, const float* first, const float* carry) {
    const float* M = a.M ? a.M + i * a.k : nullptr;
    each_vector_of(1, w.back, true, [&](int64_t) { return first; }, [&](int64_t, int64_t u, int64_t count, vec sum) {
        store_part(a.dh0 + i * a.k + u, masked(sum, M, u, count) + load(carry + u), count);
    });
}

}  // namespace

void gru_backward(const args::gru_backward& a, Context&) {
    const Batch batch(a.n);
    const Weights w = pack_weights(a);
    parallel(batch.chunks, batch.cost(a.t, a.k, 3), [&](int64_t chunk) {
        const int64_t begin = batch.begin(chunk), end = batch.end(chunk);
        const Own own(a.k, end - begin, w.back.vectors);
        each_step_back<Step>(
            batch, chunk, a.lengths, a.t,
            [&](int64_t i, int64_t s, int64_t steps) -> Step {
                const int64_t now = i * a.t + place(s, steps, a.reverse);
                const float* h0 = a.h0 ? a.h0 + i * a.k : nullptr;
                const float* later = s + 1 == steps ? own.zeros()
                                     : a.before     ? a.dZ + place_after(now, a.reverse) * 3 * a.k
                                                    : own.deltas(i - begin, s + 1);
                return {a.dH + now * a.k, a.G + now * 4 * a.k, s > 0 ? a.H + place_before(now, a.reverse) * a.k : h0,
                        later, a.M ? a.M + i * a.k : nullptr, own.carry(i - begin), own.deltas(i - begin, s), a.dZ + now * 3 * a.k};
            },
            [&](const Step* at, int64_t rows, bool multiply) { step(a, at, rows, w, multiply); });
        for (int64_t i = begin; i < end; ++i) {
            const int64_t steps = steps_of(a.lengths, i, a.t), start = i * a.t + place(0, steps, a.reverse);
            clear_run(a.dZ + (i * a.t + steps) * 3 * a.k, (a.t - steps) * 3 * a.k);
            if (!a.dh0) continue;
            if (steps == 0) clear_run(a.dh0 + i * a.k, a.k);
            else initial(a, i, w, a.before ? a.dZ + start * 3 * a.k : own.deltas(i - begin, 0), own.carry(i - begin));
        }
    });
}

}  // namespace kn::KN_TARGET
