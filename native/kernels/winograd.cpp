// Winograd's convolution, forward and (with the filter turned round) backward: Y = Aᵀ [ U ⊙ V ] A, where "⊙" is, for
// each of the 36 points, a matrix product (tiles x channels) · (channels x filters).
//
// Many tiles: threads share blocks of tiles. Loops: input transform of the block - blocks of 2 vectors of filters -
// points (convolution_block.h: rows are tiles) - output transform. U, made once a call, lies in shared scratch and is
// read once a block of tiles: so a block has as many tiles as its V and products have room for in L2.
// A network frozen for inference keeps U.
// Few tiles (small maps, one image): V is shared, threads share blocks of filters, whose U is made and used in L2.
// L1: one point's panel of U. L2: V of the block, and the products of one block of filters.
// Remainders: tiles beyond the map are computed and not stored; channels by masked loads, filters by zeros.
// Error: about 2e-6 of the largest output, some 3 times that of the direct sum (tests hold it under 1e-5).
#include "kernels/winograd.h"
#include "threads/keep.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET::winograd {
namespace {

constexpr int64_t block_bytes = 352 * 1024, least_tiles = 12, few_tiles = 64, few_blocks = 4, most_depth = 320;

struct Sizes {
    int64_t depth, plane;           // of V; floats behind a plane keep the planes out of the same cache sets
    int64_t product;                // floats of one point's products, likewise
    Sizes(const Direct& job, int64_t tiles)
        : depth(padded(job.read)), plane(tiles * depth + 16), product(tiles * block_columns + 16) {}
};

int64_t filter_blocks(const Direct& job) { return parts(job.write, block_columns); }

// Bias padded with zeros to whole blocks of filters.
void pad_bias(const Direct& job, float* bias) {
    for (int64_t i = 0; i < filter_blocks(job) * block_columns; ++i)
        bias[i] = job.bias && i < job.write ? job.bias[i] : 0;
}

InputTiles input_tiles(const Direct& job, const Sizes& size, float* V) {
    return {job.in, job.y->in, job.x->in, job.read, job.y->first, job.x->first, V, size.plane, size.depth};
}

// products[point][tile][width] = V[point] · U[point]
void multiply(const Direct& job, const Sizes& size, const float* V, int64_t tiles, int64_t block, const float* U,
              float* products) {
    const float** rows = reinterpret_cast<const float**>(scratch(Slot::fourth, static_cast<size_t>(2 * tiles)));
    for (int64_t i = 0; i < tiles; ++i) rows[i] = V + i * size.depth;
    const int64_t width = width_of(job, block);
    for (int64_t point = 0; point < planes; ++point)
        for (int64_t c = 0; c < job.read; c += most_depth) {
            const int64_t offset = point * size.plane + c, depth = smaller(most_depth, job.read - c);
            run_rows(keep_sums(rows, {&offset, 1, depth, 1}, U, products + point * size.product, c > 0), tiles,
                     vectors_for(width));
            U += depth * width;
        }
}

void store_block(const Direct& job, const Sizes& size, const Tiles& tiles, int64_t block, const float* bias,
                 const float* products) {
    for (int64_t n = tiles.n.begin; n < tiles.n.end; ++n)
        for (int64_t y = tiles.y.begin; y < tiles.y.end; ++y) {
            store_outputs(job, n, y, tiles.x, block, bias, products, size.product);
            products += tiles.x.size() * width_of(job, block);
        }
}

void convolve_many(const Direct& job, const TileCut& cut) {
    const Sizes size(job, cut.most());
    const int64_t blocks = filter_blocks(job), of_block = planes * job.read * block_columns;
    const Kept packed = kept(static_cast<size_t>(blocks * of_block));
    float* bias = scratch(Slot::first, static_cast<size_t>(blocks * (block_columns + (packed.memory ? 0 : of_block))));
    float* U = packed.memory ? packed.memory : bias + blocks * block_columns;
    pad_bias(job, bias);
    if (!packed.memory || packed.fresh) {
        constexpr int64_t channels = 16;
        const int64_t over = parts(job.read, channels);
        parallel(blocks * over, 100.0 * channels * block_columns, [&](int64_t i) {
            const int64_t block = i / over, at = i % over * channels;
            transform_filter(job, block, {at, smaller(job.read, at + channels)}, U + block * of_block);
        });
    }
    const double cost = 2.0 * planes * static_cast<double>(cut.most() * job.read * job.write);
    parallel(cut.blocks(), cost, [&](int64_t i) {
        const Tiles tiles = cut.block(i);
        float* V = scratch(Slot::second, static_cast<size_t>(planes * size.plane));
        float* products = scratch(Slot::third, static_cast<size_t>(planes * size.product));
        transform_input(input_tiles(job, size, V), tiles);
        for (int64_t block = 0; block < blocks; ++block) {
            multiply(job, size, V, tiles.count(), block, U + block * of_block, products);
            store_block(job, size, tiles, block, bias, products);
        }
    });
}

void convolve_few(const Direct& job, const TileCut& all) {
    const Sizes size(job, all.most());
    const int64_t blocks = filter_blocks(job), of_block = planes * job.read * block_columns;
    const Kept packed = kept(static_cast<size_t>(blocks * of_block));
    float* bias = scratch(Slot::first, static_cast<size_t>(blocks * block_columns + planes * size.plane));
    float* V = bias + blocks * block_columns;
    pad_bias(job, bias);
    const TileCut rows(all.n, all.y, all.x, all.x);
    parallel(rows.blocks(), 16.0 * 80 * static_cast<double>(all.x * size.depth) / lanes, [&](int64_t i) {
        transform_input(input_tiles(job, size, V + i * all.x * size.depth), rows.block(i));
    });
    const double cost = (2.0 * planes * static_cast<double>(all.most()) + 100) *
                        static_cast<double>(job.read * block_columns);
    parallel(blocks, cost, [&](int64_t block) {
        float* U = packed.memory ? packed.memory + block * of_block : scratch(Slot::second, static_cast<size_t>(of_block));
        float* products = scratch(Slot::third, static_cast<size_t>(planes * size.product));
        if (!packed.memory || packed.fresh) transform_filter(job, block, {0, job.read}, U);
        multiply(job, size, V, all.most(), block, U, products);
        store_block(job, size, all.block(0), block, bias, products);
    });
}

}  // namespace

bool fits(const Direct& job) {
    const Axis &y = *job.y, &x = *job.x;
    return job.phases_y == 1 && job.phases_x == 1 && job.groups == 1 && y.taps == taps && x.taps == taps &&
           y.stride == 1 && x.stride == 1 && y.gap == 1 && x.gap == 1 &&
           worth_it(job.n, job.out_h, job.out_w, job.read, job.write);
}

void convolve(const Direct& given) {
    if (given.n == 0) return;
    const Axis axis_y = *given.y, axis_x = *given.x;               // they may lie in scratch
    Direct job = given;
    job.y = &axis_y;
    job.x = &axis_x;
    const int64_t y = parts(job.out_h, outputs), x = parts(job.out_w, outputs), all = job.n * y * x;
    if (all <= few_tiles && filter_blocks(job) >= few_blocks) return convolve_few(job, TileCut(job.n, y, x, all));
    const int64_t room = larger(least_tiles, block_bytes / (planes * 4 * (padded(job.read) + block_columns)));
    convolve_many(job, TileCut(job.n, y, x, smaller(room, larger(least_tiles, parts(all, 8)))));
}

}  // namespace kn::KN_TARGET::winograd
