// Sums over the rows of a matrix (n, c), the work of batch and layer norm: how the rows are cut into parts, and how the
// columns are run through.
//
// A part is a piece of whole rows of about 64 KB (at least 16 rows): it stays in L2 while it is read twice. Where a row
// is narrow or no multiple of a block of four vectors, `fold` rows are read as one wide row, so that vectors are full;
// the columns that belong to the same channel are added up afterwards, and the rows left over make a part of their own.
// Parts depend on the sizes alone, and their sums are added in their order: any number of threads gives the same bits.
#pragma once
#include "rows.h"

namespace kn::KN_TARGET {

constexpr int64_t block = 4 * lanes;            // columns whose sums stay in registers

struct Part {
    int64_t begin, rows, width;                 // elements [begin, begin + rows * width)
    int64_t number;
};

class Parts {
public:
    // `most` folded rows at most: 1 where a row has parameters of its own.
    explicit Parts(int64_t n, int64_t c, int64_t most = block) : channels(c) {
        if (n == 0 || c == 0) return;
        if (most > 1 && c < 64 && c % block) {
            fold = block;
            for (int64_t d = c; d % 2 == 0; d /= 2) fold /= 2;
            if (n < 16 * fold) fold = 1;
        }
        width = fold * c;
        wide_rows = n / fold;
        rows_left = n % fold;
        rows = (1 << 14) / width;
        if (rows < 16) rows = 16;
        whole = (wide_rows + rows - 1) / rows;
        count = whole + (rows_left > 0);
    }

    Part operator[](int64_t i) const {
        if (i == whole) return {wide_rows * width, rows_left, channels, i};
        const int64_t left = wide_rows - i * rows;
        return {i * rows * width, left < rows ? left : rows, width, i};
    }

    double elements() const { return static_cast<double>(rows * width); }      // of a usual part

    int64_t channels, fold = 1, width = 0, count = 0;

private:
    int64_t wide_rows = 0, rows_left = 0, rows = 1, whole = 0;
};

template <int n>
struct Vectors {
    static constexpr int count = n;
};

// Vector v of a block of V; of a block of one, which may be the remainder, the first `count` lanes.
template <int V>
inline vec take(const float* p, int v, int64_t count) { return V > 1 ? load(p + v * lanes) : load_part(p, count); }
template <int V>
inline void put(float* p, int v, vec x, int64_t count) { V > 1 ? store(p + v * lanes, x) : store_part(p, x, count); }

// Calls f(Vectors<V>, j, count) for blocks of V vectors that cover the columns [0, width): four at a time, then single
// ones; `count` is the number of lanes of the last vector of the block.
template <class F>
inline void column_blocks(int64_t width, F&& f) {
    int64_t j = 0;
    for (; j + block <= width; j += block) f(Vectors<4>{}, j, int64_t{lanes});
    for (; j + lanes <= width; j += lanes) f(Vectors<1>{}, j, int64_t{lanes});
    if (j < width) f(Vectors<1>{}, j, width - j);
}

// Writes p[0 … c) again and again, until `width` floats are full.
inline void repeat(const float* p, int64_t c, int64_t width, float* to) {
    for (int64_t j = 0; j < width; j += c)
        for (int64_t i = 0; i < c; ++i) to[j + i] = p[i];
}

}  // namespace kn::KN_TARGET
