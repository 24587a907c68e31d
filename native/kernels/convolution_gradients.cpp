// The row conv2d_gradients: dF[p,q,d,k] = Σ over pixels of X · dY, db[k] = Σ over pixels of dY.
//
// Seen as a matrix product: rows m = (p, q, channel) of the filter, columns k, summed over pixels. Loops: tasks (chunk
// of the pixels x part of the columns: what threads share) - blocks of at most `most_pixels` pixels - batches of rows -
// blocks of 2 vectors of columns - blocks of rows (convolution_block.h, where sums are held in registers).
// L1: the panel of dY, packed as [pixel][2 vectors], for all rows of a batch. L2: the window of X with its border of
// zeros, the panels of all columns of the part, and the sums of the part.
// Remainders: rows in run_rows; columns by zeros in the panel and a masked store.
// How many chunks there are follows from the sizes alone; their sums are added up in order, then once to dF: the bits
// do not depend on threads, and "add" adds one finished sum.
#include "kernels/convolution_axis.h"
#include "kernels/convolution_block.h"
#include "kernels/convolution_window.h"
#include "kernels/winograd.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

constexpr int64_t most_pixels = 192, most_rows = 480, most_chunks = 8;
constexpr int64_t sums_bytes = int64_t{4} << 20;

struct Gradients {
    const args::conv2d_gradients& a;
    Axis y, x;
    int64_t write;                             // output channels of a group
    int64_t blocks, all_blocks;                // blocks of columns: of a group, of all groups
    int64_t rows;                              // p q d
    int64_t images, rows_y, columns_x;         // pixels of a block
    int64_t over_n, over_y, over_x;            // how many blocks
    int64_t chunks, shares;
    float* sums;                               // [chunk][block of columns][row][one or two vectors], a row more for db

    int64_t pixel_blocks() const { return over_n * over_y * over_x; }
    int64_t size() const { return (rows + 1) * block_columns; }
    int64_t columns(int64_t block) const { return smaller(block_columns, write - block % blocks * block_columns); }
    int64_t width(int64_t block) const { return vectors_for(columns(block)) * lanes; }
    float* sum(int64_t chunk, int64_t block) const { return sums + (chunk * all_blocks + block) * size(); }
};

Gradients plan(const args::conv2d_gradients& a) {
    Gradients g{a, forward_axis(a.h, a.i, a.p, a.stride[0], a.dilation[0], a.padding[0]),
                forward_axis(a.w, a.j, a.q, a.stride[1], a.dilation[1], a.padding[2]),
                a.k / a.groups, 0, 0, a.p * a.q * a.d, 1, 1, 1, 0, 0, 0, 1, 1, nullptr};
    g.blocks = parts(g.write, block_columns);
    g.all_blocks = a.groups * g.blocks;
    g.columns_x = parts(a.j, parts(a.j, most_pixels));
    g.rows_y = parts(a.i, parts(a.i, larger(1, most_pixels / g.columns_x)));
    if (g.rows_y == a.i && g.columns_x == a.j)
        g.images = larger(1, smaller(most_pixels / (a.i * a.j), a.n / most_chunks));
    g.over_n = parts(a.n, g.images);
    g.over_y = parts(a.i, g.rows_y);
    g.over_x = parts(a.j, g.columns_x);
    const int64_t bytes = larger(1, g.all_blocks * g.size() * 4);
    g.chunks = larger(1, smaller(smaller(most_chunks, sums_bytes / bytes), g.pixel_blocks()));
    g.shares = larger(1, smaller(parts(most_chunks, g.chunks), g.all_blocks));
    return g;
}

struct Block {
    Range n, i, j;
    int64_t pixels() const { return n.size() * i.size() * j.size(); }
};

Block pixel_block(const Gradients& g, int64_t at) {
    const int64_t x = at % g.over_x, y = at / g.over_x % g.over_y, n = at / g.over_x / g.over_y;
    return {{n * g.images, smaller(g.a.n, (n + 1) * g.images)},
            {y * g.rows_y, smaller(g.a.i, (y + 1) * g.rows_y)},
            {x * g.columns_x, smaller(g.a.j, (x + 1) * g.columns_x)}};
}

// dY of a block of pixels and a block of columns as [pixel][V vectors]; adds its columns up for db.
template <int V>
void pack(const Gradients& g, const Block& b, int64_t block, float* panel, float* db) {
    const int64_t columns = g.columns(block), last = columns - (V - 1) * lanes;
    const float* dY = g.a.dY + block / g.blocks * g.write + block % g.blocks * block_columns;
    vec total[V];
    for (int v = 0; v < V; ++v) total[v] = load(db + v * lanes);
    for (int64_t n = b.n.begin; n < b.n.end; ++n)
        for (int64_t i = b.i.begin; i < b.i.end; ++i) {
            const float* from = dY + ((n * g.a.i + i) * g.a.j + b.j.begin) * g.a.k;
            for (int64_t j = b.j.begin; j < b.j.end; ++j, from += g.a.k, panel += V * lanes)
                for (int v = 0; v < V; ++v) {
                    const bool whole = v < V - 1 || last == lanes;
                    const vec d = whole ? load(from + v * lanes) : load(from + v * lanes, last);
                    store(panel + v * lanes, d);
                    total[v] += d;
                }
        }
    for (int v = 0; v < V; ++v) store(db + v * lanes, total[v]);
}

// Where the pixels of a block lie, seen from the place that the first pixel's tap meets.
Walk walk_pixels(const Gradients& g, const Block& b, const Window& w, int64_t* offsets) {
    const int64_t step = g.x.stride * w.pixel;
    const bool single = b.j.size() < 8;
    int64_t* to = offsets;
    for (int64_t n = 0; n < b.n.size(); ++n)
        for (int64_t i = 0; i < b.i.size(); ++i) {
            const int64_t at = n * w.image + i * g.y.stride * w.row;
            for (int64_t j = 0; j < (single ? b.j.size() : 1); ++j) *to++ = at + j * step;
        }
    return {offsets, to - offsets, single ? 1 : b.j.size(), step};
}

void add_block(const Gradients& g, const Block& b, int64_t chunk, Range columns) {
    const Window w = window(g.a.X, g.a.h, g.a.w, g.a.c, b.n, {g.y.begin(b.i.begin), g.y.end(b.i.end - 1)},
                            {g.x.begin(b.j.begin), g.x.end(b.j.end - 1)}, Slot::second);
    int64_t offsets[most_pixels];
    const Walk walk = walk_pixels(g, b, w, offsets);
    float* panels = scratch(Slot::third, static_cast<size_t>(columns.size() * most_pixels * block_columns));
    for (int64_t t = columns.begin; t < columns.end; ++t) {
        float* panel = panels + (t - columns.begin) * most_pixels * block_columns;
        float* db = g.sum(chunk, t) + g.rows * g.width(t);
        g.width(t) == lanes ? pack<1>(g, b, t, panel, db) : pack<2>(g, b, t, panel, db);
    }
    for (int64_t group = columns.begin / g.blocks; group * g.blocks < columns.end; ++group) {
        const Range mine{larger(columns.begin, group * g.blocks), smaller(columns.end, (group + 1) * g.blocks)};
        for (int64_t first = 0; first < g.rows; first += most_rows) {
            const float* rows[most_rows];
            const int64_t count = smaller(most_rows, g.rows - first);
            for (int64_t r = 0; r < count; ++r) {
                const int64_t m = first + r, d = m % g.a.d, q = m / g.a.d % g.a.q, p = m / g.a.d / g.a.q;
                rows[r] = w.data + p * g.y.gap * w.row + q * g.x.gap * w.pixel + group * g.a.d + d;
            }
            for (int64_t t = mine.begin; t < mine.end; ++t)
                run_rows(keep_sums(rows, walk, panels + (t - columns.begin) * most_pixels * block_columns,
                                   g.sum(chunk, t) + first * g.width(t), true),
                         count, vectors_for(g.columns(t)));
        }
    }
}

// Adds up the chunks of one row of sums and stores it: row `rows` is db.
void reduce_row(const Gradients& g, int64_t row, float* to, bool add) {
    for (int64_t block = 0; block < g.all_blocks; ++block) {
        const int64_t first = block % g.blocks * block_columns;
        float* out = to + block / g.blocks * g.write + first;
        for (int64_t v = 0; v < block_columns && first + v < g.write; v += lanes) {
            vec total = zero();
            for (int64_t chunk = 0; chunk < g.chunks; ++chunk)
                total += load(g.sum(chunk, block) + row * g.width(block) + v);
            const int64_t count = smaller(lanes, g.write - first - v);
            store(out + v, add ? load(out + v, count) + total : total, count);
        }
    }
}

}  // namespace

void conv2d_gradients(const args::conv2d_gradients& a, Context&) {
    if (winograd::fits(a)) return winograd::gradients(a);
    if (is_depthwise(a.groups, a.d, a.k / a.groups)) return depthwise_gradients(a);
    Gradients g = plan(a);
    g.sums = scratch(Slot::first, static_cast<size_t>(g.chunks * g.all_blocks * g.size()));
    const double products = 2.0 * static_cast<double>(a.n * a.i * a.j * g.rows * a.k);
    parallel(g.chunks * g.shares, products / static_cast<double>(g.chunks * g.shares), [&](int64_t task) {
        const int64_t chunk = task / g.shares, part = task % g.shares, all = g.pixel_blocks();
        const Range columns{g.all_blocks * part / g.shares, g.all_blocks * (part + 1) / g.shares};
        float* sums = g.sum(chunk, columns.begin);
        for (int64_t i = 0; i < columns.size() * g.size(); ++i) sums[i] = 0;
        for (int64_t at = all * chunk / g.chunks; at < all * (chunk + 1) / g.chunks; ++at)
            add_block(g, pixel_block(g, at), chunk, columns);
    });
    constexpr int64_t rows_a_task = 64;
    const double sums = static_cast<double>(rows_a_task * a.k * (g.chunks + 1));
    parallel(parts(g.rows, rows_a_task), 8 * sums, [&](int64_t task) {
        for (int64_t row = task * rows_a_task; row < smaller(g.rows, (task + 1) * rows_a_task); ++row)
            reduce_row(g, row, a.dF + row * a.k, a.add & 1);
    });
    if (a.db != nullptr) reduce_row(g, g.rows, a.db, a.add & 2);
}

}  // namespace kn::KN_TARGET
