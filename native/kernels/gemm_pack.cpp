// See gemm_pack.h. What lies along the vectors is copied; what lies across is read in squares of lanes x lanes, turned
// over in registers. A last part of a square is loaded as zeros.
#include "kernels/gemm_pack.h"

#include "simd/transpose.h"

namespace kn::KN_TARGET {
namespace {

// to[c * stride + r] = from[r * row + c] for r < rows (at most lanes) and c < columns. Whole vectors are stored, 0 behind
// the last row, which the next column overwrites; but nothing at or behind to[room].
void turn(const float* from, int64_t row, int64_t rows, int64_t columns, float* to, int64_t stride, int64_t room) {
    for (int64_t c = 0; c < columns; c += lanes) {
        const int64_t n = columns - c < lanes ? columns - c : lanes;
        vec square[lanes] = {};
        for (int r = 0; r < lanes; ++r)
            if (r < rows) square[r] = n == lanes ? load(from + r * row + c) : load(from + r * row + c, n);
        transpose(square);
        for (int i = 0; i < lanes; ++i)
            if (i < n) {
                const int64_t at = (c + i) * stride;
                if (at + lanes <= room) store(to + at, square[i]);
                else store(to + at, square[i], room - at);
            }
    }
}

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
            turn(B.data + c * B.column, B.column, n, k, to + c, width, k * width - c);
        }
    } else {
        for (int64_t p = 0; p < k; ++p)
            for (int64_t c = 0; c < width; ++c)
                to[p * width + c] = c < columns ? B.data[p * B.row + c * B.column] : 0.0f;
    }
}

namespace {

// Rows lie along A: read in squares. The parts of a tile run backwards, since the last one stores too much.
void pack_across(const Matrix& A, int64_t rows, int64_t k, float* to) {
    for (int64_t r = (rows - 1) / lanes * lanes; r >= 0; r -= lanes)
        turn(A.data + r * A.row, A.row, rows - r < lanes ? rows - r : lanes, k, to + r, rows, rows * k - r);
}

// Columns lie along A: eight of them over all tiles, then the next eight, so that each line of memory is read once and
// neither what is read nor what is written crowds in one set of the cache. A column of a tile is copied in whole vectors,
// where its next columns overwrite what is too much; float by float at the end of a tile and of the matrix.
void pack_along(const Matrix& A, const int64_t* starts, int64_t tiles, int64_t last, int64_t k, float* to) {
    constexpr int64_t vectors = (most_rows + lanes - 1) / lanes, some = 8;
    for (int64_t first = 0; first < k; first += some)
        for (int64_t t = 0; t < tiles; ++t) {
            const int64_t begin = starts[t], rows = starts[t + 1] - begin, end = first + some < k ? first + some : k;
            const float* from = A.data + first * A.column + begin;
            float* tile = to + begin * k + first * rows;
            const bool room = begin + vectors * lanes <= last && (end - 1) * rows + vectors * lanes <= k * rows;
            for (int64_t p = first; p < end; ++p, from += A.column, tile += rows) {
                if (room) {
                    for (int64_t v = 0; v < vectors; ++v) store(tile + v * lanes, load(from + v * lanes));
                } else {
                    for (int64_t i = 0; i < rows; ++i) tile[i] = from[i];
                }
            }
        }
}

}  // namespace

void pack_tiles(const Matrix& A, const int64_t* starts, int64_t tiles, int64_t last, int64_t k, float* to) {
    if (A.row == 1) return pack_along(A, starts, tiles, last, k, to);
    for (int64_t t = 0; t < tiles; ++t) {
        const int64_t begin = starts[t], rows = starts[t + 1] - begin;
        const Matrix tile{A.data + begin * A.row, A.row, A.column};
        if (A.column == 1) {
            pack_across(tile, rows, k, to + begin * k);
        } else {
            for (int64_t p = 0; p < k; ++p)
                for (int64_t i = 0; i < rows; ++i)
                    to[begin * k + p * rows + i] = tile.data[i * A.row + p * A.column];
        }
    }
}

}  // namespace kn::KN_TARGET
