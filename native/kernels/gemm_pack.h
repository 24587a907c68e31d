// Copies parts of A and B into the order in which gemm_block.h reads them.
#pragma once
#include "kernels/gemm.h"
#include "kernels/gemm_block.h"

namespace kn::KN_TARGET {

// Rows 0 … k - 1 of B, `columns` columns, as k rows of `width` floats: the rest of each row is 0. `width` is a multiple
// of the vector.
void pack_columns(const Matrix& B, int64_t k, int64_t columns, int64_t width, float* to);

// A tile of `rows` rows of A, k columns, column by column: to[p * rows + i]. `to` has a vector of room behind its end,
// which is overwritten.
void pack_rows(const Matrix& A, int64_t rows, int64_t k, float* to);

}  // namespace kn::KN_TARGET
