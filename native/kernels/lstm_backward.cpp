// LSTM, backward: from the last step to the first, δh = dH_t + δz_{t+1}·Wᵀ, then the gates turned round (the page on the
// LSTM); δz of all gates and steps is kept, so that the weight gradients are single matrix products later.
//
// As forward: a thread takes its examples through all steps, with Wᵀ in panels that were packed once
// (recurrent_product.h); the gates follow the product right there. δc is carried in a small array of the thread, tanh(c)
// is computed anew. dZ may lie over G: each element of G is read before dZ is written there.
#include "copy.h"
#include "recurrent_product.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// One example at one step. `later` is δz of the step run after it; c is null where the cell before it is 0, M where the
// example has no mask.
struct Step {
    const float *dH, *G, *C, *c, *later, *M;
    float *dc, *dZ;
};

// What came back through the gates of one vector of units.
inline void gates(const Step& at, int64_t k, int64_t u, int64_t count, vec dh) {
    const float* G = at.G + u;
    const vec i = load_part(G, count), f = load_part(G + k, count);
    const vec g = load_part(G + 2 * k, count), o = load_part(G + 3 * k, count);
    const vec T = tanh(load_part(at.C + u, count)), before = at.c ? load_part(at.c + u, count) : zero();
    dh = masked(dh, at.M, u, count) + load_part(at.dH + u, count);
    const vec dc = fma(dh * o, 1.0f - T * T, load(at.dc + u));
    store(at.dc + u, dc * f);
    float* dZ = at.dZ + u;
    store_part(dZ, dc * g * (i * (1.0f - i)), count);
    store_part(dZ + k, dc * before * (f * (1.0f - f)), count);
    store_part(dZ + 2 * k, dc * i * (1.0f - g * g), count);
    store_part(dZ + 3 * k, dh * T * (o * (1.0f - o)), count);
}

Step at_step(const args::lstm_backward& a, int64_t i, int64_t s, int64_t steps, float* dc, const float* zeros) {
    const int64_t now = i * a.t + place(s, steps, a.reverse), towards = a.reverse ? -1 : 1;
    return {a.dH + now * a.k, a.G + now * 4 * a.k, a.C + now * a.k,
            s > 0 ? a.C + (now - towards) * a.k : a.c0 ? a.c0 + i * a.k : nullptr,
            s + 1 < steps ? a.dZ + (now + towards) * 4 * a.k : zeros, a.M ? a.M + i * a.k : nullptr, dc,
            a.dZ + now * 4 * a.k};
}

// The gradients of the initial state: δz of the first step times Wᵀ, and what is left of δc.
void initial(const args::lstm_backward& a, const Batch& batch, int64_t chunk, const Panels& panels, float* dc,
             const float* zeros) {
    for (int64_t i = batch.begin(chunk); i < batch.end(chunk); ++i, dc += panels.vectors * lanes) {
        const int64_t steps = steps_of(a.lengths, i, a.t);
        if (a.dc0) copy_run(a.dc0 + i * a.k, dc, a.k);
        if (!a.dh0) continue;
        const float* M = a.M ? a.M + i * a.k : nullptr;
        const float* later = steps > 0 ? a.dZ + (i * a.t + place(0, steps, a.reverse)) * 4 * a.k : zeros;
        each_vector_of(1, panels, steps > 0, [&](int64_t) { return later; },
                       [&](int64_t, int64_t u, int64_t count, vec dh) {
                           store_part(a.dh0 + i * a.k + u, masked(dh, M, u, count), count);
                       });
    }
}

}  // namespace

void lstm_backward(const args::lstm_backward& a, Context&) {
    const Batch batch(a.n);
    const Panels panels(4 * a.k, a.k, scratch(Slot::first, Panels::floats(4 * a.k, a.k)));
    pack_transposed(panels, a.W, 4 * a.k);
    const int64_t width = panels.vectors * lanes;
    parallel(batch.chunks, batch.cost(a.t, a.k, 4), [&](int64_t chunk) {
        const int64_t begin = batch.begin(chunk), end = batch.end(chunk);
        float* zeros = scratch(Slot::second, static_cast<size_t>(4 * a.k + (end - begin) * width));
        float* dc = zeros + 4 * a.k;
        clear_run(zeros, 4 * a.k + (end - begin) * width);
        each_step_back<Step>(
            batch, chunk, a.lengths, a.t,
            [&](int64_t i, int64_t s, int64_t steps) {
                return at_step(a, i, s, steps, dc + (i - begin) * width, zeros);
            },
            [&](const Step* at, int64_t rows, bool multiply) {
                each_vector_of(rows, panels, multiply, [&](int64_t r) { return at[r].later; },
                               [&](int64_t r, int64_t u, int64_t count, vec dh) { gates(at[r], a.k, u, count, dh); });
            });
        for (int64_t i = begin; i < end; ++i) {
            const int64_t steps = steps_of(a.lengths, i, a.t);
            clear_run(a.dZ + (i * a.t + steps) * 4 * a.k, (a.t - steps) * 4 * a.k);
        }
        initial(a, batch, chunk, panels, dc, zeros);
    });
}

}  // namespace kn::KN_TARGET
