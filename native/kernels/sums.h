// Sums over rows, for the gradients of a bias.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

// out[j] = Σ_i X[i, j] (+ out[j] if `add`: the whole sum first, then added once). X (n, k).
void sum_rows(const float* X, int64_t n, int64_t k, float* out, bool add);

}  // namespace kn::KN_TARGET
