// Permute: the axes of an array of five axes in another order.
//
// Axes of size 1 fall away and axes that stay neighbours become one. Where the last axis stays the last, runs of it are
// copied, in the order of the output. Otherwise the axis whose elements lie side by side in X changes places with the
// one whose elements lie side by side in Y: strips of 32 along the former, tiles of 32 x 32 in L1, in them squares of
// one vector each way, turned over in registers; what is left of a strip or tile is copied one by one.
#include "copy.h"
#include "simd/transpose.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

constexpr int64_t tile = 32;

struct Axis {
    int64_t size, from, to;         // `from`, `to`: how far its neighbours lie apart in X and in Y
};

// Axes in the order of Y, and a position among them that moves on by one.
struct Walk {
    Axis axes[5];
    int64_t index[5];
    int count = 0;
    int64_t total = 1;
    int64_t from = 0, to = 0;

    void append(const Axis& a) {
        axes[count++] = a;
        total *= a.size;
    }

    Axis take(int at) {
        const Axis taken = axes[at];
        total /= taken.size;
        --count;
        for (int i = at; i < count; ++i) axes[i] = axes[i + 1];
        return taken;
    }

    void start(int64_t position) {
        from = to = 0;
        for (int i = count - 1; i >= 0; --i) {
            index[i] = position % axes[i].size;
            position /= axes[i].size;
            from += index[i] * axes[i].from;
            to += index[i] * axes[i].to;
        }
    }

    void next() {
        for (int i = count - 1; i >= 0; --i) {
            from += axes[i].from;
            to += axes[i].to;
            if (++index[i] < axes[i].size) return;
            from -= axes[i].size * axes[i].from;
            to -= axes[i].size * axes[i].to;
            index[i] = 0;
        }
    }
};

Walk axes_of(const args::permute& a) {
    const int64_t sizes[5] = {a.a, a.b, a.c, a.d, a.e};
    int64_t strides[5] = {0, 0, 0, 0, 1}, to = 1;
    for (int i = 3; i >= 0; --i) strides[i] = strides[i + 1] * sizes[i + 1];
    Walk walk;
    for (int64_t axis : a.axes)
        if (sizes[axis] != 1) {
            const Axis now = {sizes[axis], strides[axis], 0};
            Axis* before = walk.count ? &walk.axes[walk.count - 1] : nullptr;
            if (before && before->from == now.size * now.from) {
                before->size *= now.size;
                before->from = now.from;
                walk.total *= now.size;
            } else {
                walk.append(now);
            }
        }
    for (int i = walk.count - 1; i >= 0; --i) {
        walk.axes[i].to = to;
        to *= walk.axes[i].size;
    }
    return walk;
}

void copy_runs(const float* X, float* Y, const Walk& outer, int64_t run) {
    const Rows rows(outer.total, run);
    parallel(rows.chunks, 16.0 * static_cast<double>(rows.size * run), [&](int64_t chunk) {
        const int64_t begin = chunk * rows.size;
        const int64_t end = begin + rows.size < outer.total ? begin + rows.size : outer.total;
        Walk walk = outer;
        walk.start(begin);
        for (int64_t i = begin; i < end; ++i, walk.next()) copy_run(Y + walk.to, X + walk.from, run);
    });
}

// `rows` x `columns`: element (r, s) lies at r + s * from in X and at r * to + s in Y.
void turn_tile(const float* X, float* Y, int64_t rows, int64_t columns, int64_t from, int64_t to) {
    int64_t r = 0;
    for (; r + lanes <= rows; r += lanes) {
        int64_t s = 0;
        for (; s + lanes <= columns; s += lanes) {
            vec square[lanes];
            for (int i = 0; i < lanes; ++i) square[i] = load(X + r + (s + i) * from);
            transpose(square);
            for (int i = 0; i < lanes; ++i) store(Y + (r + i) * to + s, square[i]);
        }
        for (; s < columns; ++s)
            for (int64_t i = r; i < r + lanes; ++i) Y[i * to + s] = X[i + s * from];
    }
    for (; r < rows; ++r)
        for (int64_t s = 0; s < columns; ++s) Y[r * to + s] = X[r + s * from];
}

void turn(const float* X, float* Y, const Walk& outer, const Axis& rows, const Axis& columns) {
    const int64_t strips = (rows.size + tile - 1) / tile, work = tile * columns.size;
    const int64_t together = work < 1 << 13 ? (1 << 13) / work : 1, total = strips * outer.total;
    parallel((total + together - 1) / together, 16.0 * static_cast<double>(together * work), [&](int64_t chunk) {
        const int64_t end = (chunk + 1) * together < total ? (chunk + 1) * together : total;
        Walk walk = outer;
        for (int64_t i = chunk * together; i < end; ++i) {
            walk.start(i / strips);
            const int64_t r = i % strips * tile, height = rows.size - r < tile ? rows.size - r : tile;
            for (int64_t s = 0; s < columns.size; s += tile)
                turn_tile(X + walk.from + r + s * columns.from, Y + walk.to + r * rows.to + s, height,
                          columns.size - s < tile ? columns.size - s : tile, columns.from, rows.to);
        }
    });
}

}  // namespace

void permute(const args::permute& a, Context&) {
    Walk walk = axes_of(a);
    if (walk.total == 0) return;
    if (walk.count == 0) return copy_run(a.Y, a.X, 1);
    const Axis last = walk.take(walk.count - 1);
    if (last.from == 1) return copy_runs(a.X, a.Y, walk, last.size);
    int side_by_side = 0;
    while (walk.axes[side_by_side].from != 1) ++side_by_side;
    const Axis rows = walk.take(side_by_side);
    turn(a.X, a.Y, walk, rows, last);
}

}  // namespace kn::KN_TARGET
