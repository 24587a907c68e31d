// The matrix product that other kernels call: C = A B, with bias, accumulation and finishing steps.
#pragma once
#include "simd/finish.h"

namespace kn::KN_TARGET {

// Element (i, j) lies at data[i * row + j * column]. One of the strides is 1 in all that is fast; a transposed matrix
// is the same memory with the strides exchanged.
struct Matrix {
    const float* data;
    int64_t row, column;
};

struct Product {
    int64_t m, n, k;                // C is (m, n), the sums run over k
    Matrix A, B;                    // (m, k) and (k, n)
    float* C;                       // rows `width` floats apart, columns side by side; no part of A or B
    int64_t width;
    const float* bias = nullptr;    // (n,) added to every row
    bool add = false;               // C += A B: the whole sum is formed first, then added once
    Finish steps = {nullptr, 0, nullptr};   // indices count from C: element (i, j) is i * width + j
};

// Threads share the work unless it is called inside `parallel`. The order of every sum depends on the sizes alone.
// k = 0 gives C = 0 (+ bias, steps).
void gemm(const Product& product);

}  // namespace kn::KN_TARGET
