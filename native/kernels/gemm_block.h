// The inmost loop of the matrix product: a block of C, some rows by some vectors, stays in registers while k runs.
//
// Each step of k loads the vectors of one row of B and multiplies them by one number of each row of A, broadcast. As
// many rows and vectors as fit: with 16 registers 6 x 2 (12 sums, 2 of B, 1 of A), with 32 registers 14 x 2. Two
// multiply-adds a cycle with a latency of 4 need at least 8 sums, so a block of fewer rows is wider. Products of few
// rows get the width of their height; of many rows all blocks have the greatest height or one less.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

constexpr int most_rows = registers == 32 ? 14 : 6;

// Vectors of C a block of `rows` rows takes.
constexpr int most_vectors(int rows) {
    if (registers == 32) return rows <= 3 ? 8 : rows == 4 ? 6 : rows == 5 ? 5 : rows <= 7 ? 4 : rows <= 9 ? 3 : 2;
    return rows == 1 ? 8 : rows == 2 ? 4 : rows <= 4 ? 3 : 2;
}
constexpr int widest = 8;

struct Block {
    int64_t k;
    const float* a;             // element (i, p) of A at a[i * row + p * column]
    int64_t row, column;
    const float* b;             // row p of B at b + p * stride, whole vectors
    int64_t stride;
    const float* before;        // sums of the parts of k so far, or null
    int64_t before_stride;
    const float* bias;          // one row, added last, or null
    float* out;
    int64_t out_stride;
};

using BlockKernel = void (*)(const Block&);

// `along_column`: the stride of A that is 1 is that along a column (packed, or transposed), else that along a row.
BlockKernel block_kernel(int rows, int vectors, bool along_column);

}  // namespace kn::KN_TARGET
