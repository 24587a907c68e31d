// exp, log, tanh, sigmoid and the normal distribution, a vector at a time, as polynomials: error under 2 units in the
// last place against the true value; right at 0, at infinities and for NaN; results below the smallest normal number
// are 0.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

vec exp(vec x);
vec log(vec x);
vec tanh(vec x);
vec sigmoid(vec x);
vec normal_cdf(vec x);      // Phi(x), the share of a normal distribution below x
vec normal_pdf(vec x);

}  // namespace kn::KN_TARGET
