// The fully connected layer: Y = X W + b, dX = dY Wᵀ, dW = Xᵀ dY, db = Σ dY. Each is one matrix product (gemm.cpp has the
// loops); a transposed factor is the same memory with its strides exchanged.
#include "kernels/gemm.h"
#include "kernels/sums.h"

namespace kn::KN_TARGET {

void dense(const args::dense& a, Context& c) {
    gemm({.m = a.n, .n = a.k, .k = a.m, .A = {a.X, a.m, 1}, .B = {a.W, a.k, 1}, .C = a.Y, .width = a.k, .bias = a.b,
          .steps = {a.entries, a.count, &c}});
}

void dense_backward(const args::dense_backward& a, Context& c) {
    gemm({.m = a.n, .n = a.m, .k = a.k, .A = {a.dY, a.k, 1}, .B = {a.W, 1, a.k}, .C = a.dX, .width = a.m,
          .steps = {a.entries, a.count, &c}});
}

void dense_gradients(const args::dense_gradients& a, Context&) {
    gemm({.m = a.m, .n = a.k, .k = a.n, .A = {a.X, 1, a.m}, .B = {a.dY, a.k, 1}, .C = a.dW, .width = a.k,
          .add = (a.add & 1) != 0});
    if (a.db) sum_rows(a.dY, a.n, a.k, a.db, (a.add & 2) != 0);
}

}  // namespace kn::KN_TARGET
