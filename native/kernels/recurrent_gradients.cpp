// The gradients of recurrent weights, dW = Σ h_beforeᵀ·dz over all steps and examples, as one matrix product.
//
// The states that the steps began with are copied into scratch; the product does the rest and adds once where it is told
// to add. No remainders here.
#include "gemm.h"
#include "states_before.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

void recurrent_gradients(const args::recurrent_gradients& a, Context&) {
    float* before = scratch(Slot::first, static_cast<size_t>(a.n * a.t * a.k));
    states_before(a, before);
    gemm({.m = a.k, .n = a.j, .k = a.n * a.t, .A = {before, 1, a.k}, .B = {a.dZ, a.j, 1}, .C = a.dW, .width = a.j,
          .add = (a.add & 1) != 0});
}

}  // namespace kn::KN_TARGET
