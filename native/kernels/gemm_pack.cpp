// See gemm_pack.h. What lies along the vectors is copied; what lies across is read in squares of lanes x lanes, turned
// over in registers. A last part of a square is loaded as zeros.
#include "kernels/gemm_pack.h"

#include "simd/transpose.h"

namespace kn::KN_TARGET {
namespace {

// to[c * stride + r] = from[r * row + c] for r < rows (at most lanes) and c < columns. Each stored vector is whole: what
// lies behind the last row is 0 or overwritten by the next column, so the caller leaves a vector of room at the end.
void turn(const float* from, int64_t row, int64_t rows, int64_t columns, float* to, int64_t stride) {
    for (int64_t c = 0; c < columns; c += lanes) {
        const int64_t n = columns - c < lanes ? columns - c : lanes;
        vec square[lanes] = {};
        for (int r = 0; r < lanes; ++r)
            if (r < rows) square[r] = n == lanes ? load(from + r * row + c) : load(from + r * row + c, n);
        transpose(square);
        for (int i = 0; i < lanes; ++i)
            if (i < n) store(to + (c + i) * stride, square[i]);
    }
}

vec load_some(const float* p, int64_t count) { return count >= lanes ? load(p) : load(p, count); }

}  // namespace

void pack_columns(const Matrix& B, int64_t k, int64_t columns, int64_t width, float* to) {
    if (B.column == 1) {
        for (int64_t p = 0; p < k; ++p)
            for (int64_t c = 0; c < width; c += lanes) {
                const float* from = B.data + p * B.row + c;
                const int64_t n = columns - c < lanes ? columns - c : lanes;
                store(to + p * width + c, n == lanes ? load(from) : load(from, n > 0 ? n : 0));
            }
    } else if (B.row == 1) {
        for (int64_t c = 0; c < width; c += lanes) {
            const int64_t n = columns - c < lanes ? columns - c : lanes;
            turn(B.data + c * B.column, B.column, n, k, to + c, width);
        }
    } else {
        for (int64_t p = 0; p < k; ++p)
            for (int64_t c = 0; c < width; ++c)
                to[p * width + c] = c < columns ? B.data[p * B.row + c * B.column] : 0.0f;
    }
}

void pack_rows(const Matrix& A, int64_t rows, int64_t k, float* to) {
    if (A.column == 1) {
        for (int64_t r = (rows - 1) / lanes * lanes; r >= 0; r -= lanes)    // backwards: the last part stores too much
            turn(A.data + r * A.row, A.row, rows - r < lanes ? rows - r : lanes, k, to + r, rows);
    } else if (A.row == 1) {
        for (int64_t p = 0; p < k; ++p)                 // likewise: the next column overwrites it
            for (int64_t i = 0; i < rows; i += lanes)
                store(to + p * rows + i, load_some(A.data + p * A.column + i, rows - i));
    } else {
        for (int64_t p = 0; p < k; ++p)
            for (int64_t i = 0; i < rows; ++i) to[p * rows + i] = A.data[i * A.row + p * A.column];
    }
}

}  // namespace kn::KN_TARGET
