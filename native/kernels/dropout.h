// Dropout of a run of elements, for its kernel and for `finish`.
#pragma once
#include "simd/philox.h"

namespace kn::KN_TARGET {

// Element i stays iff (word(i) >> 8) 2^-24 >= rate, which in whole numbers is exact: word(i) >> 8 >= ceil(2^24 rate).
struct Dropout {
    Stream stream;
    int32_t threshold;
    float scale;
    Dropout(const State& state, double rate, int64_t node);
};

// y[i] = x[i] / (1 - rate) where element index + i stays, else 0. x and y may be the same.
void dropout(const Dropout& d, const float* x, float* y, int64_t index, int64_t count);

}  // namespace kn::KN_TARGET
