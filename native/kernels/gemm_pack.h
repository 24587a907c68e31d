// Copies parts of A and B into the order in which gemm_block.h reads them.
#pragma once
#include "kernels/gemm.h"
#include "kernels/gemm_block.h"

namespace kn::KN_TARGET {

// Rows 0 … k - 1 of B, `columns` columns, as k rows of `width` floats, the rest of each row 0. `width` is a multiple of
// the vector.
void pack_columns(const Matrix& B, int64_t k, int64_t columns, int64_t width, float* to);

constexpr int64_t most_tiles = 48;          // packed at a time

// Rows starts[0] … starts[tiles] - 1 of A, k columns, in tiles from starts[t] on. Each is stored column by column, its
// element (i, p) at to[starts[t] * k + p * rows of the tile + i]. A has `last` rows in all.
void pack_tiles(const Matrix& A, const int64_t* starts, int64_t tiles, int64_t last, int64_t k, float* to);

}  // namespace kn::KN_TARGET
