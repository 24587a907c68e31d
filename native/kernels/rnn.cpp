// The vanilla recurrent layer: h = tanh(Z_t + h·W), backward δz = (dH_t + δz_{t+1}·Wᵀ) ⊙ (1 - h²).
//
// A thread takes its examples through all steps, forward or backward, with W (or Wᵀ) in panels that were packed once
// (recurrent_product.h). Examples that are past their length are left out of a step. dZ may lie over dH or H: each
// element of theirs is read before dZ is written there, and δz of the step after is read in dZ.
#include "copy.h"
#include "recurrent_product.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// One example at one step, forward; h, what the product sees of the state, is null where that is 0.
struct Forward {
    const float *Z, *h;
    float* H;
};

// Backward: `later` is δz of the step run after it, M the mask of the example or null.
struct Backward {
    const float *dH, *H, *later, *M;
    float* dZ;
};

void states_of(const args::rnn& a, const Batch& batch, int64_t chunk, const Panels& panels) {
    const int64_t begin = batch.begin(chunk), floats = Mask::floats(a.M, batch.end(chunk) - begin, a.k);
    const Mask mask(a.M, a.k, begin, scratch(Slot::second, static_cast<size_t>(floats)));
    each_step<Forward>(
        batch, chunk, a.lengths, a.t,
        [&](int64_t i, int64_t s, int64_t steps) -> Forward {
            const int64_t now = i * a.t + place(s, steps, a.reverse), before = place_before(now, a.reverse);
            const float* h0 = a.h0 ? a.h0 + i * a.k : nullptr;
            return {a.Z + now * a.k, mask.seen(i, s > 0 ? a.H + before * a.k : h0), a.H + now * a.k};
        },
        [&](const Forward* at, int64_t rows) {
            each_vector_of(rows, panels, at[0].h, [&](int64_t r) { return at[r].h; },
                           [&](int64_t r, int64_t u, int64_t count, vec sum) {
                               store_part(at[r].H + u, tanh(load_part(at[r].Z + u, count) + sum), count);
                           });
        });
}

void deltas_of(const args::rnn_backward& a, const Batch& batch, int64_t chunk, const Panels& panels,
               const float* zeros) {
    each_step_back<Backward>(
        batch, chunk, a.lengths, a.t,
        [&](int64_t i, int64_t s, int64_t steps) -> Backward {
            const int64_t now = i * a.t + place(s, steps, a.reverse), after = place_after(now, a.reverse);
            const float* later = s + 1 == steps ? zeros : a.dZ + after * a.k;
            return {a.dH + now * a.k, a.H + now * a.k, later, a.M ? a.M + i * a.k : nullptr, a.dZ + now * a.k};
        },
        [&](const Backward* at, int64_t rows, bool later) {
            each_vector_of(rows, panels, later, [&](int64_t r) { return at[r].later; },
                           [&](int64_t r, int64_t u, int64_t count, vec sum) {
                               const vec h = load_part(at[r].H + u, count);
                               const vec dh = load_part(at[r].dH + u, count) + masked(sum, at[r].M, u, count);
                               store_part(at[r].dZ + u, dh * (1.0f - h * h), count);
                           });
        });
}

}  // namespace

void rnn(const args::rnn& a, Context&) {
    const Batch batch(a.n);
    const Kept place = place_to_pack(Panels::floats(a.k, a.k));
    const Panels panels(a.k, a.k, place.memory);
    if (place.fresh) pack(panels, a.W, a.k);
    parallel(batch.chunks, batch.cost(a.t, a.k, 1), [&](int64_t chunk) {
        states_of(a, batch, chunk, panels);
        for (int64_t i = batch.begin(chunk); i < batch.end(chunk); ++i) {
            const int64_t steps = steps_of(a.lengths, i, a.t);
            clear_run(a.H + (i * a.t + steps) * a.k, (a.t - steps) * a.k);
        }
    });
}

void rnn_backward(const args::rnn_backward& a, Context&) {
    const Batch batch(a.n);
    const Panels panels(a.k, a.k, scratch(Slot::first, Panels::floats(a.k, a.k)));
    pack_transposed(panels, a.W, a.k);
    parallel(batch.chunks, batch.cost(a.t, a.k, 1), [&](int64_t chunk) {
        float* zeros = scratch(Slot::second, static_cast<size_t>(a.k));
        clear_run(zeros, a.k);
        deltas_of(a, batch, chunk, panels, zeros);
        for (int64_t i = batch.begin(chunk); i < batch.end(chunk); ++i) {
            const int64_t steps = steps_of(a.lengths, i, a.t);
            clear_run(a.dZ + (i * a.t + steps) * a.k, (a.t - steps) * a.k);
            if (!a.dh0) continue;
            const float* M = a.M ? a.M + i * a.k : nullptr;
            const float* first = steps > 0 ? a.dZ + (i * a.t + place(0, steps, a.reverse)) * a.k : zeros;
            each_vector_of(1, panels, steps > 0, [&](int64_t) { return first; },
                           [&](int64_t, int64_t u, int64_t count, vec sum) {
                               store_part(a.dh0 + i * a.k + u, masked(sum, M, u, count), count);
                           });
        }
    });
}

}  // namespace kn::KN_TARGET
