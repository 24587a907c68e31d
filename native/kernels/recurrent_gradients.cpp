// The gradients of recurrent weights, dW = Σ h_beforeᵀ·dz over all steps and examples, as one matrix product.
//
// The states that the steps began with are H moved by one step, the initial state (or 0) at each example's first step
// and 0 at steps that do not count. They are copied so into scratch, shared among threads; the product does the rest and
// adds once where it is told to add. No remainders here.
#include "copy.h"
#include "gemm.h"
#include "lstm.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

void recurrent_gradients(const args::recurrent_gradients& a, Context&) {
    float* before = scratch(Slot::first, static_cast<size_t>(a.n * a.t * a.k));
    parallel(a.n, 16 * static_cast<double>(a.t * a.k), [&](int64_t i) {
        const int64_t steps = steps_of(a.lengths, i, a.t), size = a.t * a.k;
        const float *H = a.H + i * size, *h0 = a.h0 ? a.h0 + i * a.k : nullptr;
        float* to = before + i * size;
        clear_run(to, size);
        if (steps == 0) return;
        const int64_t moved = (steps - 1) * a.k;
        copy_run(a.reverse ? to : to + a.k, a.reverse ? H + a.k : H, moved);
        if (h0) copy_run(a.reverse ? to + moved : to, h0, a.k);
    });
    gemm({.m = a.k, .n = a.j, .k = a.n * a.t, .A = {before, 1, a.k}, .B = {a.dZ, a.j, 1}, .C = a.dW, .width = a.j,
          .add = (a.add & 1) != 0});
}

}  // namespace kn::KN_TARGET
