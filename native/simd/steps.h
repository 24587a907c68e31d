// The arithmetic of the elementwise functions, a vector at a time. Their kernels and `finish` both use this code, so a
// function gives the same bits on its own and as the last step of another. Formulas: the page on activation functions.
// A NaN goes through all of them.
#pragma once
#include "simd/math.h"

namespace kn::KN_TARGET {

inline vec relu(vec X) { return select(X < 0, zero(), X); }
inline vec relu_backward(vec dY, vec Y) { return select(Y > 0, dY, zero()); }

inline vec leaky_relu(vec X, float slope) { return select(X < 0, slope * X, X); }
inline vec leaky_relu_backward(vec dY, vec X, float slope) { return select(X > 0, dY, slope * dY); }

inline vec elu(vec X, float alpha) {
    const ivec negative = X < 0;
    return select(negative, alpha * expm1_of_negative(select(negative, X, zero())), X);
}
inline vec elu_backward(vec dY, vec Y, float alpha) { return select(Y > 0, dY, dY * (Y + alpha)); }

inline vec gelu(vec X) { return X * normal(X).cdf; }
inline vec gelu_backward(vec dY, vec X) {
    const Normal n = normal(X);
    return dY * (n.cdf + X * n.pdf);
}

inline vec silu(vec X) { return X * sigmoid(X); }
inline vec silu_backward(vec dY, vec X) {
    const vec S = sigmoid(X);
    return dY * (S * (1.0f + X * (1.0f - S)));
}

inline vec tanh_backward(vec dY, vec Y) { return dY * (1.0f - Y * Y); }
inline vec sigmoid_backward(vec dY, vec Y) { return dY * (Y * (1.0f - Y)); }

inline vec add(vec A, vec B) { return A + B; }

}  // namespace kn::KN_TARGET
