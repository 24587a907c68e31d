// exp, log, tanh, sigmoid and the normal distribution, a vector at a time, as polynomials fitted for the smallest
// largest relative error. Error under 2 units in the last place against the true value (the distribution, a product of
// three: under 4); right at 0, at the infinities and for NaN; results below the smallest normal number are 0. The polynomials run from the highest power down.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

// c[0] x^(n-1) + … + c[n-1]
template <int n>
inline vec polynomial(vec x, const float (&c)[n]) {
    vec v = broadcast(c[0]);
    for (int i = 1; i < n; ++i) v = fma(v, x, broadcast(c[i]));
    return v;
}

constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;     // high has 9 bits: its products are exact
constexpr float log2_e = 1.44269504f;

// e^(x + low), |low| far below 1: x + low = n ln 2 + r with |r| <= ln 2 / 2, then 1 + r + r² P(r), times 2^n in two
// factors, since 2^128 alone is no float.
template <bool with_low>
inline vec exp_of_sum(vec x, vec low) {
    x = min(broadcast(89.0f), max(broadcast(-104.0f), x));              // a NaN stays one
    const vec whole = broadcast(12582912.0f);                           // 1.5 * 2^23: adding it rounds to an integer
    const vec shifted = fma(x, broadcast(log2_e), whole);
    const vec n = shifted - whole;
    const vec exact = fma(n, broadcast(-ln2_high), x);
    const vec high = with_low ? exact + low : exact;
    const vec r = fma(n, broadcast(-ln2_low), high);
    vec rest = fma(n, broadcast(-ln2_low), high - r);                   // what r lost in rounding
    if (with_low) rest += (exact - high) + low;
    const vec p = polynomial(r, {0.00138131424f, 0.00836941879f, 0.04166845604f, 0.16666515171f, 0.49999994039f});
    const vec e = 1.0f + (r + fma(r * r, p, rest));
    const ivec exponent = as_int(shifted) - 0x4b400000, half = exponent >> 1;
    return e * as_float((half + 127) << 23) * as_float((exponent - half + 127) << 23);
}

inline vec exp(vec x) { return exp_of_sum<false>(x, x); }

// e^x for x <= 0, in half the time: no power of two is too large, and what r loses in rounding is a quarter of a unit.
inline vec exp_of_negative(vec x) {
    x = max(broadcast(-88.0f), x);                                      // a NaN stays one
    const vec whole = broadcast(12582912.0f);
    const vec shifted = fma(x, broadcast(log2_e), whole);
    const vec n = shifted - whole;
    const vec r = fma(n, broadcast(-ln2_low), fma(n, broadcast(-ln2_high), x));
    const vec p = polynomial(r, {0.00138131424f, 0.00836941879f, 0.04166845604f, 0.16666515171f, 0.49999994039f});
    const vec e = 1.0f + fma(r * r, p, r);
    return e * as_float((as_int(shifted) - (0x4b400000 - 127)) << 23);  // 2^-127 is 0
}

// e^x - 1 for x <= 0.
inline vec expm1_of_negative(vec x) {
    const vec p = polynomial(x, {0.00015995683f, 0.00136370712f, 0.00832504406f, 0.04166527092f, 0.16666655242f, 0.5f});
    return select(x < -0.5f, exp_of_negative(x) - 1.0f, fma(x * x, p, x));
}

// x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = f - f²/2 + f³ P(f) with f = m - 1.
inline vec log(vec x) {
    const ivec bits = as_int(x) - 0x3f3504f3;                           // of sqrt(1/2)
    const vec e = __builtin_convertvector(bits >> 23, vec);
    const vec f = as_float((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    const vec p = polynomial(f, {0.06746601313f, -0.1167564094f, 0.11888174712f, -0.1240559145f, 0.14219550788f,
                                 -0.1666799634f, 0.20002119243f, -0.2500000894f, 0.33333313465f});
    const vec square = f * f;
    vec y = fma(square * f, p, e * ln2_low);
    y = fma(square, broadcast(-0.5f), y) + f;
    y = fma(e, broadcast(ln2_high), y);
    y = select(x < __FLT_MIN__, broadcast(-__builtin_inff()), y);
    y = select((x < 0) | (x != x), broadcast(__builtin_nanf("")), y);
    return select(x == __builtin_inff(), x, y);
}

// Of |x|: x + x³ P(x²) near 0, else 1 - 2 e^-2x / (1 + e^-2x); then the sign.
inline vec tanh(vec x) {
    const vec a = abs(x), square = a * a;
    const vec p = polynomial(square, {0.00214753695f, -0.0081826737f, 0.02170296758f, -0.0539472028f, 0.13333210349f,
                                      -0.3333333134f});
    const vec e = exp_of_negative(-(a + a)), far = 1.0f - (e + e) / (1.0f + e);
    return with_sign_of(select(a < 0.625f, fma(a * square, p, a), far), x);
}

// 1 / (1 + e^-x), below 0 as e^x / (1 + e^x): no exponential of a positive number. What 1 + e^x loses in rounding is
// taken off the quotient; the few bits of 1 / (1 + e^x) that this needs come from a line.
inline vec sigmoid(vec x) {
    const vec e = exp_of_negative(-abs(x)), sum = 1.0f + e, lost = e - (sum - 1.0f);
    const vec y = select(x < 0, e, broadcast(1.0f)) / sum;
    return y - y * lost * (0.957f - 0.471f * e);
}

struct Normal {
    vec cdf, pdf;
};

// The standard normal distribution Phi and its density phi, which share e^(-x²/2). Below 0
// Phi(-t) = e^(-t²/2) Q(t) with Q(t) (t + 4) a polynomial in (t - 4) / (t + 4); above, 1 - Phi(-x). The rounding error
// of t² would be multiplied by up to 80 in the exponent: it is worked out and taken along.
inline Normal normal(vec x) {
    const vec t = min(broadcast(16.0f), abs(x));                        // a NaN becomes 16 here and comes back below
    const vec square = t * t;
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_NEON)
    const vec error = fma(t, t, -square);
#else
    const vec high = as_float(as_int(t) & ~0xfff), low = t - high;      // halves of 12 bits: exact products
    const vec error = ((high * high - square) + 2.0f * high * low) + low * low;
#endif
    const vec e = exp_of_sum<true>(-0.5f * square, -0.5f * error);
    const vec scale = 1.0f / (t + 4.0f), u = (t - 4.0f) * scale;
    const vec q = polynomial(u, {-0.000124494821f, 0.0001958724751f, 0.0015767209697f, -0.003519479418f,
                                 -0.007529896218f, 0.0604045875370f, -0.186522737145f, 0.3871368765830f,
                                 -0.607896625995f, 0.7552851438522f});
    const vec tail = e * (q * scale);
    const vec missing = x - x;                                          // NaN where x is, or infinite
    const ivec is_nan = x != x;
    return {select(is_nan, missing, select(x < 0, tail, 1.0f - tail)),
            select(is_nan, missing, e * 0.39894228040143267794f)};
}

}  // namespace kn::KN_TARGET
