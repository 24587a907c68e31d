// Winograd's convolution F(4 x 4, 3 x 3) for 3 x 3 filters with stride and dilation 1, in pieces: Y = Aᵀ [ U ⊙ V ] A
// with U = G g Gᵀ (winograd_filter.cpp), V = Bᵀ d B (winograd_input.cpp), the products and their order (winograd.cpp),
// and Aᵀ m A (winograd_output.cpp). The weight gradients use V and transforms of their own (winograd_gradients.cpp).
#pragma once
#include "kernels/convolution_direct.h"
#include "kernels/convolution_window.h"
#include "kernels/winograd_transform.h"

namespace kn::KN_TARGET::winograd {

// Whether there is such a form, and it is the faster one for these sizes.
bool fits(const Direct& job);
bool fits(const args::conv2d_gradients& a);

// The rule, of sizes alone: measured against the direct sum on maps of 2 x 2 to 64 x 64, 1 to 256 channels. Whole tiles
// and 8, 16, 32, 64 channels: 1.5, 1.75, 2.1, 2.3 times as fast; so that much may be lost at the border of the map.
inline bool worth_it(int64_t n, int64_t h, int64_t w, int64_t c, int64_t k) {
    const int64_t channels = smaller(c, k), tiles = n * parts(h, outputs) * parts(w, outputs);
    const double most = channels >= 32 ? 2.0 : channels >= 16 ? 1.6 : 1.3;
    return channels >= 8 && tiles >= 8 &&
           static_cast<double>(tiles * outputs * outputs) <= most * static_cast<double>(n * h * w);
}

void convolve(const Direct& job);
void gradients(const args::conv2d_gradients& a);

inline int64_t padded(int64_t c) { return parts(c, lanes) * lanes; }

// A block of tiles: images, tile rows, tile columns. Tiles are numbered row-major.
struct Tiles {
    Range n, y, x;
    int64_t count() const { return n.size() * y.size() * x.size(); }
};

// How tiles are cut into blocks of at most about `most` of them.
struct TileCut {
    int64_t n, y, x;                             // all images, tile rows, tile columns
    int64_t images, rows, columns;               // of one block
    TileCut(int64_t n, int64_t y, int64_t x, int64_t most);
    int64_t over_y() const { return parts(y, rows); }
    int64_t over_x() const { return parts(x, columns); }
    int64_t blocks() const { return parts(n, images) * over_y() * over_x(); }
    int64_t most() const { return images * rows * columns; }
    Tiles block(int64_t at) const;
};

// V: Bᵀ d B of every tile of a block, from in[n,h,w,c], with zeros outside. Tile (y, x) begins at row 4 y + top, column
// 4 x + left. Plane p of tile i goes to V[p * plane + i * depth], depth = c rounded up to whole vectors.
struct InputTiles {
    const float* in;
    int64_t h, w, c, top, left;
    float* V;
    int64_t plane, depth;
};
void transform_input(const InputTiles& to, const Tiles& tiles);

// The filters that a call writes go by blocks of one or two vectors.
inline int64_t filters_of(const Direct& job, int64_t block) {
    return smaller(block_columns, job.write - block * block_columns);
}
inline int64_t width_of(const Direct& job, int64_t block) { return vectors_for(filters_of(job, block)) * lanes; }

// U of some of the channels read and one block of filters: U[point][read][width], zeros behind the last filter.
void transform_filter(const Direct& job, int64_t block, Range read, float* U);

// Y of one row of tiles (image n, tile row y, tile columns x) and one block of filters, from its products [point][tile]
// [width], points `plane` floats apart; with bias (padded to whole blocks) and finishing steps.
void store_outputs(const Direct& job, int64_t n, int64_t y, Range x, int64_t block, const float* bias,
                   const float* products, int64_t plane);

}  // namespace kn::KN_TARGET::winograd
