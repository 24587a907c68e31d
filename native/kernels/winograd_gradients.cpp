// Winograd's weight gradients F(3 x 3, 4 x 4): dF = Aᵀ [ Σ over tiles of V ⊙ D ] A, V = Bᵀ x B of the 6 x 6 tiles of X,
// D = G dy Gᵀ of the 4 x 4 tiles of dY, where "⊙" is, for each of the 36 points, a matrix product (channels x tiles) ·
// (tiles x filters). 36 products instead of 144 a tile; the sum is turned back only once.
//
// Loops: batches of tiles - both transforms (threads share blocks of tiles) - points and blocks of 2 vectors of filters
// (threads share them; convolution_block.h: rows are channels, summed over the tiles of the batch). Every sum belongs
// to one task and grows batch by batch in the order of the tiles: no partial sums, the same bits for any threads.
// L1: the panel of D of one point and block. L2: V of a point. V and D of a batch and the sums lie in shared scratch.
// Remainders: outputs beyond the map are zeros in D; channels by masked loads, filters by zeros and a masked store.
#include "kernels/winograd.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET::winograd {
namespace {

constexpr int64_t batch_bytes = 6 << 20, most_batch = 256, tiles_a_block = 16;

struct Job {
    const args::conv2d_gradients& a;
    TileCut cut;
    int64_t filters;                // blocks of filters
    int64_t depth, room;            // of V; tiles that a batch has room for
    int64_t plane_v, plane_d, plane_s;
    float *V, *D, *S;               // [point][tile][depth], [point][block][tile][width], [point][block][channel][width]
    float *db, *db_blocks;          // [filter] and [block of tiles in the batch][filter], padded to whole blocks

    int64_t columns(int64_t block) const { return smaller(block_columns, a.k - block * block_columns); }
    int64_t width(int64_t block) const { return vectors_for(columns(block)) * lanes; }
};

// G dy Gᵀ of one tile and one vector of filters: dY[row][pixel], to D[point]; returns Σ dy.
[[gnu::always_inline]] inline vec transform_tile(const float* const (&row)[outputs], const int64_t (&pixel)[outputs],
                                                 int64_t columns, int64_t count, float* D, int64_t plane) {
    vec total = zero(), half[points][outputs];
    for (int j = 0; j < outputs; ++j) {
        vec column[outputs], turned[points];
        for (int i = 0; i < outputs; ++i) {
            const float* p = row[i] + j * pixel[i];
            column[i] = j >= columns ? zero() : count >= lanes ? load(p) : load(p, count);
        }
        total += (column[0] + column[1]) + (column[2] + column[3]);
        filter(column, turned);
        for (int i = 0; i < points; ++i) half[i][j] = turned[i];
    }
    for (int i = 0; i < points; ++i) {
        vec r[points];
        filter(half[i], r);
        for (int j = 0; j < points; ++j, D += plane) store(D, r[j]);
    }
    return total;
}

// The same for one row of tiles; tiles of `width` floats follow each other in D.
vec transform_row(const Job& w, int64_t n, int64_t y, Range x, int64_t k, int64_t count, int64_t width, float* D) {
    static const float zeros[lanes] = {};
    const auto& a = w.a;
    const float* row[outputs];
    int64_t pixel[outputs];
    for (int i = 0; i < outputs; ++i) {
        const int64_t at = y * outputs + i;
        row[i] = at < a.i ? a.dY + ((n * a.i + at) * a.j + x.begin * outputs) * a.k + k : zeros;
        pixel[i] = at < a.i ? a.k : 0;
    }
    const int64_t plane = w.plane_d, whole = smaller(x.end, a.j / outputs), rest = a.j - whole * outputs;
    vec total = zero();
    for (int64_t tile = x.begin; tile < x.end; ++tile, D += width) {
        if (tile < whole && count >= lanes) total += transform_tile(row, pixel, outputs, lanes, D, plane);
        else total += transform_tile(row, pixel, tile < whole ? outputs : rest, count, D, plane);
        for (int i = 0; i < outputs; ++i) row[i] += outputs * pixel[i];
    }
    return total;
}

// Both transforms of a block of tiles, the `first` tile of which has that place in the batch.
void transform(const Job& w, const Tiles& tiles, int64_t first, float* db) {
    const auto& a = w.a;
    transform_input({a.X, a.h, a.w, a.c, -a.padding[0], -a.padding[2], w.V + first * w.depth, w.plane_v, w.depth},
                    tiles);
    for (int64_t block = 0; block < w.filters; ++block) {
        const int64_t width = w.width(block);
        for (int64_t v = 0; v < width; v += lanes) {
            const int64_t k = block * block_columns + v;
            float* D = w.D + block * w.room * block_columns + first * width + v;
            vec total = zero();
            for (int64_t n = tiles.n.begin; n < tiles.n.end; ++n)
                for (int64_t y = tiles.y.begin; y < tiles.y.end; ++y, D += tiles.x.size() * width)
                    total += transform_row(w, n, y, tiles.x, k, a.k - k, width, D);
            store(db + k, total);
        }
    }
}

void add_products(const Job& w, int64_t point, int64_t block, int64_t tiles, bool resume) {
    constexpr int64_t most_rows = 480;
    const float* rows[most_rows];
    const int64_t offset = 0, width = w.width(block);
    float* sums = w.S + point * w.plane_s + block * w.a.c * block_columns;
    const float* panel = w.D + point * w.plane_d + block * w.room * block_columns;
    for (int64_t c = 0; c < w.a.c; c += most_rows) {
        const int64_t count = smaller(most_rows, w.a.c - c);
        for (int64_t r = 0; r < count; ++r) rows[r] = w.V + point * w.plane_v + c + r;
        run_rows(keep_sums(rows, {&offset, 1, tiles, w.depth}, panel, sums + c * width, resume), count,
                 vectors_for(w.columns(block)));
    }
}

// One batch: blocks begin … end-1 of tiles.
void add_batch(const Job& w, Range blocks) {
    const int64_t padded_k = w.filters * block_columns;
    const double vectors = static_cast<double>(w.cut.most() * (w.a.c + w.a.k)) / lanes;
    parallel(blocks.size(), 16.0 * 100 * vectors, [&](int64_t i) {
        int64_t first = 0;
        for (int64_t before = 0; before < i; ++before) first += w.cut.block(blocks.begin + before).count();
        transform(w, w.cut.block(blocks.begin + i), first, w.db_blocks + i * padded_k);
    });
    int64_t tiles = 0;
    for (int64_t i = 0; i < blocks.size(); ++i) {
        tiles += w.cut.block(blocks.begin + i).count();
        for (int64_t k = 0; k < padded_k; k += lanes)
            store(w.db + k, load(w.db + k) + load(w.db_blocks + i * padded_k + k));
    }
    parallel(planes * w.filters, 2.0 * static_cast<double>(tiles * w.a.c * block_columns), [&](int64_t i) {
        add_products(w, i / w.filters, i % w.filters, tiles, blocks.begin > 0);
    });
}

// Aᵀ S A of one channel and one vector of filters, stored or added to dF.
void store_channel(const Job& w, int64_t c, int64_t block, int64_t v) {
    const auto& a = w.a;
    const float* s = w.S + block * a.c * block_columns + c * w.width(block) + v;
    const int64_t k = block * block_columns + v, count = smaller(lanes, a.k - k);
    vec half[taps][points];
    for (int j = 0; j < points; ++j) {
        vec column[points], turned[taps];
        for (int i = 0; i < points; ++i) column[i] = load(s + (i * points + j) * w.plane_s);
        output(column, turned);
        for (int i = 0; i < taps; ++i) half[i][j] = turned[i];
    }
    for (int i = 0; i < taps; ++i) {
        vec row[taps];
        output(half[i], row);
        for (int j = 0; j < taps; ++j) {
            float* out = a.dF + ((i * taps + j) * a.c + c) * a.k + k;
            store(out, a.add & 1 ? load(out, count) + row[j] : row[j], count);
        }
    }
}

void store_bias(const Job& w) {
    for (int64_t k = 0; k < w.a.k; k += lanes) {
        const int64_t count = smaller(lanes, w.a.k - k);
        const vec total = load(w.db + k);
        store(w.a.db + k, w.a.add & 2 ? load(w.a.db + k, count) + total : total, count);
    }
}

}  // namespace

bool fits(const args::conv2d_gradients& a) {
    return a.n > 0 && a.groups == 1 && a.p == taps && a.q == taps && a.stride[0] == 1 && a.stride[1] == 1 &&
           a.dilation[0] == 1 && a.dilation[1] == 1 && worth_it(a.n, a.i, a.j, a.c, a.k);
}

void gradients(const args::conv2d_gradients& a) {
    Job w{a, TileCut(a.n, parts(a.i, outputs), parts(a.j, outputs), tiles_a_block), parts(a.k, block_columns),
          padded(a.c), 0, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr};
    if (w.depth % 64 == 0) w.depth += 16;      // channels 256 bytes apart would share a few cache sets
    const int64_t padded_k = w.filters * block_columns, bytes = planes * 4 * (w.depth + padded_k) * w.cut.most();
    const int64_t blocks = larger(1, smaller(batch_bytes / bytes, most_batch / w.cut.most()));
    w.room = blocks * w.cut.most();
    w.plane_v = w.room * w.depth + 16;
    w.plane_d = w.room * padded_k + 16;
    w.plane_s = a.c * padded_k + 16;
    const int64_t floats = planes * (w.plane_v + w.plane_d + w.plane_s) + (1 + blocks) * padded_k;
    w.V = scratch(Slot::first, static_cast<size_t>(floats));
    w.D = w.V + planes * w.plane_v;
    w.S = w.D + planes * w.plane_d;
    w.db = w.S + planes * w.plane_s;
    w.db_blocks = w.db + padded_k;
    for (int64_t k = 0; k < padded_k; ++k) w.db[k] = 0;
    for (int64_t first = 0; first < w.cut.blocks(); first += blocks)
        add_batch(w, {first, smaller(w.cut.blocks(), first + blocks)});
    parallel(a.c, 16.0 * 80 * static_cast<double>(padded_k) / lanes, [&](int64_t c) {
        for (int64_t block = 0; block < w.filters; ++block)
            for (int64_t v = 0; v < w.width(block); v += lanes) store_channel(w, c, block, v);
    });
    if (a.db != nullptr) store_bias(w);
}

}  // namespace kn::KN_TARGET::winograd
