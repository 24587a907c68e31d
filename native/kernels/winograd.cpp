// Winograd's convolution, forward and (with the filter turned round) backward: Y = Aᵀ [ U ⊙ V ] A, U = G g Gᵀ,
// V = Bᵀ d B, where "⊙" is, for each of the 36 points, a matrix product (tiles x channels) · (channels x filters).
//
// Loops: blocks of tiles (what threads share) - input transform of the block - blocks of 2 vectors of filters - points
// (convolution_block.h: rows are tiles) - output transform, bias, finishing steps, the only store.
// L1: one point's panel of U. L2: V of the block, and the products of one block of filters. U, transformed once a
// call, lies in shared scratch and is read once a block of tiles: so a block has as many tiles as V has room in L2.
// Remainders: tiles beyond the map are computed and not stored; channels by masked loads, filters by zeros.
// Error: about 2e-6 of the largest output, some 3 times that of the direct sum (tests hold it under 1e-5).
#include "kernels/winograd.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET::winograd {
namespace {

constexpr int64_t input_bytes = 300 * 1024, least_tiles = 12, most_depth = 320;

struct Job {
    const Direct& job;
    TileCut cut;
    const float* U;                 // [block of filters][point][read][one or two vectors]
    const float* bias;              // padded to whole blocks
    int64_t depth, plane;           // of V; floats behind a plane keep the planes out of the same cache sets
    int64_t product;                // floats of one point's products, likewise

    int64_t columns(int64_t block) const { return smaller(block_columns, job.write - block * block_columns); }
    const float* filter(int64_t block) const { return U + block * planes * job.read * block_columns; }
};

// Filter cell (e, g) between channel r read and `columns` channels written from `first` on.
[[gnu::always_inline]] inline vec cell(const Direct& job, int64_t e, int64_t g, int64_t r, int64_t first,
                                       int64_t columns) {
    const Filter& f = job.filter;
    const int64_t p = job.y->filter_first + e * job.y->filter_step, q = job.x->filter_first + g * job.x->filter_step;
    const float* tap = f.F + (p * f.q + q) * f.d * f.k;
    if (!f.transposed) {
        const float* from = tap + r * f.k + first;
        return columns >= lanes ? load(from) : load(from, columns);
    }
    float gathered[lanes] = {};
    for (int64_t i = 0; i < smaller(columns, lanes); ++i) gathered[i] = tap[(first + i) * f.k + r];
    return load(gathered);
}

// U of channels `read` and one block of filters.
void transform_filter(const Job& w, int64_t block, Range read) {
    const int64_t columns = w.columns(block), vectors = vectors_for(columns), width = vectors * lanes;
    float* U = const_cast<float*>(w.filter(block));
    for (int64_t r = read.begin; r < read.end; ++r)
        for (int64_t v = 0; v < vectors; ++v) {
            vec half[points][taps];
            for (int g = 0; g < taps; ++g) {
                vec column[taps], turned[points];
                for (int e = 0; e < taps; ++e)
                    column[e] = cell(w.job, e, g, r, block * block_columns + v * lanes, columns - v * lanes);
                filter(column, turned);
                for (int i = 0; i < points; ++i) half[i][g] = turned[i];
            }
            for (int i = 0; i < points; ++i) {
                vec row[points];
                filter(half[i], row);
                for (int j = 0; j < points; ++j)
                    store(U + ((i * points + j) * w.job.read + r) * width + v * lanes, row[j]);
            }
        }
}

// Where outputs go: the array itself, or a tile in L1; floats between lines and between pixels.
struct Place {
    float* out;
    const float* operand;
    int64_t line, pixel;
};

// Aᵀ m A of one tile and one vector of filters; m has its points `plane` floats apart.
template <Last last>
[[gnu::always_inline]] inline void transform_output(const float* m, int64_t plane, vec bias, const Place& to) {
    vec half[outputs][points];
    for (int j = 0; j < points; ++j) {
        vec column[points], turned[outputs];
        for (int i = 0; i < points; ++i) column[i] = load(m + (i * points + j) * plane);
        output(column, turned);
        for (int i = 0; i < outputs; ++i) half[i][j] = turned[i];
    }
    for (int i = 0; i < outputs; ++i) {
        vec row[outputs];
        output(half[i], row);
        for (int j = 0; j < outputs; ++j) {
            const int64_t at = i * to.line + j * to.pixel;
            store_last<last>(to.out + at, row[j] + bias, to.operand + at);
        }
    }
}

// Tiles begin … end-1 of a row of tiles.
template <Last last>
void transform_tiles(const Job& w, Range tiles, int64_t block, const float* products, const Place& first) {
    const int64_t vectors = vectors_for(w.columns(block));
    for (int64_t tile = tiles.begin; tile < tiles.end; ++tile)
        for (int64_t v = 0; v < vectors; ++v) {
            const int64_t at = tile * outputs * first.pixel + v * lanes;
            transform_output<last>(products + (tile * vectors + v) * lanes, w.product,
                                   load(w.bias + block * block_columns + v * lanes),
                                   {first.out + at, first.operand + at, first.line, first.pixel});
        }
}

// The outputs of one row of tiles and one block of filters, from its products: whole tiles straight to their place,
// unless several steps or a remainder ask for a tile in L1.
void store_tiles(const Job& w, int64_t n, int64_t y, Range x, int64_t block, const float* products) {
    const Direct& job = w.job;
    const int64_t columns = w.columns(block), width = vectors_for(columns) * lanes, left = x.begin * outputs;
    const int64_t rows = smaller(outputs, job.out_h - y * outputs);
    const int64_t pixels = smaller(x.size() * outputs, job.out_w - left);
    const int64_t index = ((n * job.out_h + y * outputs) * job.out_w + left) * job.write + block * block_columns;
    const Last last = last_of(job.finish);
    const int64_t whole = rows == outputs && columns == width && last != Last::steps ? pixels / outputs : 0;
    const Place place{job.out + index, operand_of(job.finish, job.out) + index, job.out_w * job.write, job.write};
    const auto transform = last == Last::relu            ? transform_tiles<Last::relu>
                           : last == Last::relu_backward ? transform_tiles<Last::relu_backward>
                                                         : transform_tiles<Last::store>;
    transform(w, {0, whole}, block, products, place);
    if (whole == x.size()) return;
    const int64_t line = x.size() * outputs * width, begin = whole * outputs;
    float* tile = scratch(Slot::fourth, static_cast<size_t>(outputs * line));
    transform_tiles<Last::store>(w, {whole, x.size()}, block, products, {tile, tile, line, width});
    for (int64_t i = 0; i < rows; ++i)
        finish(job.finish, tile + i * line + begin * width, pixels - begin, columns, width, job.out,
               index + (i * job.out_w + begin) * job.write, job.write);
}

void multiply(const Job& w, const float* V, int64_t tiles, int64_t block, float* products) {
    const int vectors = vectors_for(w.columns(block));
    const float** rows = reinterpret_cast<const float**>(scratch(Slot::fourth, static_cast<size_t>(2 * tiles)));
    for (int64_t i = 0; i < tiles; ++i) rows[i] = V + i * w.depth;
    const float* panel = w.filter(block);
    for (int64_t point = 0; point < planes; ++point)
        for (int64_t c = 0; c < w.job.read; c += most_depth) {
            const int64_t offset = point * w.plane + c, depth = smaller(most_depth, w.job.read - c);
            run_rows({rows, {&offset, 1, depth, 1}, panel, products + point * w.product, c > 0, nullptr, nullptr,
                      nullptr, Last::store, nullptr, 0}, tiles, vectors);
            panel += depth * vectors * lanes;
        }
}

void convolve_tiles(const Job& w, const Tiles& tiles) {
    const Direct& job = w.job;
    float* V = scratch(Slot::second, static_cast<size_t>(planes * w.plane));
    float* products = scratch(Slot::third, static_cast<size_t>(planes * w.product));
    transform_input({job.in, job.y->in, job.x->in, job.read, job.y->first, job.x->first, V, w.plane, w.depth}, tiles);
    for (int64_t block = 0; block < parts(job.write, block_columns); ++block) {
        multiply(w, V, tiles.count(), block, products);
        const float* row = products;
        for (int64_t n = tiles.n.begin; n < tiles.n.end; ++n)
            for (int64_t y = tiles.y.begin; y < tiles.y.end; ++y) {
                store_tiles(w, n, y, tiles.x, block, row);
                row += tiles.x.size() * vectors_for(w.columns(block)) * lanes;
            }
    }
}

TileCut cut(const Direct& job) {
    const int64_t y = parts(job.out_h, outputs), x = parts(job.out_w, outputs), all = job.n * y * x;
    int64_t most = larger(least_tiles, input_bytes / (planes * 4 * padded(job.read)));
    most = smaller(most, larger(least_tiles, parts(all, 8)));
    return TileCut(job.n, y, x, most);
}

}  // namespace

bool fits(const Direct& job) {
    const Axis &y = *job.y, &x = *job.x;
    return job.phases_y == 1 && job.phases_x == 1 && job.groups == 1 && y.taps == taps && x.taps == taps &&
           y.stride == 1 && x.stride == 1 && y.gap == 1 && x.gap == 1 && job.read >= 16 && job.write >= 16 &&
           job.out_h >= outputs && job.out_w >= outputs;
}

void convolve(const Direct& given) {
    if (given.n == 0) return;
    const Axis y = *given.y, x = *given.x;               // they may lie in scratch
    Direct job = given;
    job.y = &y;
    job.x = &x;
    const int64_t blocks = parts(job.write, block_columns);
    float* bias = scratch(Slot::first, static_cast<size_t>(blocks * block_columns * (1 + planes * job.read)));
    for (int64_t i = 0; i < blocks * block_columns; ++i) bias[i] = job.bias && i < job.write ? job.bias[i] : 0;
    Job w{job, cut(job), bias + blocks * block_columns, bias, padded(job.read), 0, 0};
    w.plane = w.cut.most() * w.depth + 16;
    w.product = w.cut.most() * block_columns + 16;
    constexpr int64_t channels = 16;
    const int64_t over = parts(job.read, channels);
    parallel(blocks * over, 150.0 * channels * block_columns, [&](int64_t i) {
        const int64_t at = i % over * channels;
        transform_filter(w, i / over, {at, smaller(job.read, at + channels)});
    });
    const double cost = 2.0 * planes * static_cast<double>(w.cut.most() * job.read * job.write);
    parallel(w.cut.blocks(), cost, [&](int64_t i) { convolve_tiles(w, w.cut.block(i)); });
}

}  // namespace kn::KN_TARGET::winograd
