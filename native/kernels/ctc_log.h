// Logarithms of probabilities of a line, in double: sums of a thousand of them are compared.
#pragma once
#include <math.h>
#include <stdint.h>

namespace kn::KN_TARGET {

constexpr double never = -__builtin_inf();

// log(e^a + e^b), step by step as NumPy's logaddexp. Of two that are further apart the smaller one is no digit of the
// sum.
inline double log_add(double a, double b) {
    if (a == b) return a + 0.693147180559945309417232121458176568;
    const double d = a - b;
    if (d > 45) return a;
    if (d < -45) return b;
    if (d > 0) return a + ::log1p(::exp(-d));
    if (d <= 0) return b + ::log1p(::exp(d));
    return d;   // a NaN
}

// log softmax of one step: X (k) -> log_y (k).
inline void log_softmax(const float* X, int64_t k, double* log_y) {
    double most = X[0], sum = 0;
    for (int64_t c = 1; c < k; ++c) most = X[c] > most ? X[c] : most;
    for (int64_t c = 0; c < k; ++c) sum += ::exp(X[c] - most);
    const double log_sum = ::log(sum);
    for (int64_t c = 0; c < k; ++c) log_y[c] = X[c] - most - log_sum;
}

}  // namespace kn::KN_TARGET
