// The transforms of Winograd's convolution F(4, 3): 4 outputs of a filter of 3 from 6 products instead of 12.
//
//     y = Aᵀ [ (G g) ⊙ (Bᵀ d) ]       d: 6 inputs, g: 3 filter cells, y: 4 outputs;  y_i = Σ_u d_{i+u} g_u
//
// Inputs and filter are polynomials, evaluated at 0, ±a, ±b and ∞, multiplied there, and turned back. In two
// dimensions each transform runs over columns, then rows: 36 products instead of 144 for 4 x 4 outputs.
// The weight gradients are F(3, 4) with the same points: 3 outputs (dF) of a "filter" of 4 (dY), the same Bᵀ.
// The usual points 1 and 2 lose 2 bits against these; a and b are such that every entry of A and B is exact.
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET::winograd {

constexpr int outputs = 4, taps = 3, points = outputs + taps - 1, planes = points * points;

constexpr float a = 0.75f, b = 1.5f, aa = a * a, bb = b * b;
constexpr float scale_0 = 1 / (aa * bb), scale_a = 1 / (2 * aa * (aa - bb)), scale_b = 1 / (2 * bb * (bb - aa));

// Bᵀ d, 6 to 6.
[[gnu::always_inline]] inline void input(const vec (&d)[6], vec (&r)[6]) {
    const vec A = broadcast(a), B = broadcast(b), AA = broadcast(-aa), BB = broadcast(-bb);
    const vec even_a = fma(BB, d[2], d[4]), odd_a = fma(BB, d[1], d[3]);
    const vec even_b = fma(AA, d[2], d[4]), odd_b = fma(AA, d[1], d[3]);
    const vec product = broadcast(aa * bb), total = broadcast(-(aa + bb));
    r[0] = fma(product, d[0], fma(total, d[2], d[4]));
    r[1] = fma(A, odd_a, even_a);
    r[2] = fma(-A, odd_a, even_a);
    r[3] = fma(B, odd_b, even_b);
    r[4] = fma(-B, odd_b, even_b);
    r[5] = fma(product, d[1], fma(total, d[3], d[5]));
}

// G g, n to 6, for n = 3 (filters) and n = 4 (output gradients).
template <int n>
[[gnu::always_inline]] inline void filter(const vec (&g)[n], vec (&r)[6]) {
    vec odd_a = broadcast(a) * g[1], odd_b = broadcast(b) * g[1];
    if constexpr (n == 4) {
        odd_a = fma(broadcast(a * aa), g[3], odd_a);
        odd_b = fma(broadcast(b * bb), g[3], odd_b);
    }
    const vec even_a = fma(broadcast(aa), g[2], g[0]), even_b = fma(broadcast(bb), g[2], g[0]);
    r[0] = broadcast(scale_0) * g[0];
    r[1] = broadcast(scale_a) * (even_a + odd_a);
    r[2] = broadcast(scale_a) * (even_a - odd_a);
    r[3] = broadcast(scale_b) * (even_b + odd_b);
    r[4] = broadcast(scale_b) * (even_b - odd_b);
    r[5] = g[n - 1];
}

// Aᵀ m, 6 to n, for n = 4 (outputs) and n = 3 (weight gradients).
template <int n>
[[gnu::always_inline]] inline void output(const vec (&m)[6], vec (&y)[n]) {
    const vec even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = fma(broadcast(b), odd_b, broadcast(a) * odd_a);
    y[2] = fma(broadcast(bb), even_b, broadcast(aa) * even_a);
    if constexpr (n == 4) y[3] = fma(broadcast(b * bb), odd_b, fma(broadcast(a * aa), odd_a, m[5]));
    else y[2] += m[5];
}

}  // namespace kn::KN_TARGET::winograd
