// Winograd's filter transform U = G g Gᵀ.
//
// A vector of filters and `lanes` channels at a time: their 9 cells are brought into L1 as [cell][channel][filter],
// backward by transposing squares in registers, then G goes over the columns and along the rows of each channel.
// Remainders: masked loads; filters and channels beyond the last are zeros, the latter are not stored.
#include "kernels/winograd.h"
#include "simd/transpose.h"

namespace kn::KN_TARGET::winograd {
namespace {

constexpr int cells = taps * taps;

// Filter cell (e, g) of `channels` channels read from r on and `filters` filters from `first` on: [channel][filter].
void gather_cell(const Direct& job, int64_t e, int64_t g, int64_t r, int64_t channels, int64_t first, int64_t filters,
                 float* to) {
    const Filter& f = job.filter;
    const int64_t p = job.y->filter_first + e * job.y->filter_step, q = job.x->filter_first + g * job.x->filter_step;
    const float* from = f.F + (p * f.q + q) * f.d * f.k + (f.transposed ? first * f.k + r : r * f.k + first);
    const int64_t rows = f.transposed ? filters : channels, columns = f.transposed ? channels : filters;
    vec square[lanes];
    for (int64_t i = 0; i < lanes; ++i)
        square[i] = i >= rows ? zero() : columns == lanes ? load(from + i * f.k) : load(from + i * f.k, columns);
    if (f.transposed) transpose(square);
    for (int64_t i = 0; i < lanes; ++i) store(to + i * lanes, square[i]);
}

// G g Gᵀ of one channel and vector of filters; cells and points so many floats apart.
void transform_channel(const float* g, float* U, int64_t plane) {
    vec half[points][taps];
    for (int j = 0; j < taps; ++j) {
        vec column[taps], turned[points];
        for (int i = 0; i < taps; ++i) column[i] = load(g + (i * taps + j) * lanes * lanes);
        filter(column, turned);
        for (int i = 0; i < points; ++i) half[i][j] = turned[i];
    }
    for (int i = 0; i < points; ++i) {
        vec row[points];
        filter(half[i], row);
        for (int j = 0; j < points; ++j) store(U + (i * points + j) * plane, row[j]);
    }
}

}  // namespace

void transform_filter(const Direct& job, int64_t block, Range read, float* U) {
    const int64_t width = width_of(job, block), filters = filters_of(job, block);
    float g[cells * lanes * lanes];
    for (int64_t r = read.begin; r < read.end; r += lanes)
        for (int64_t v = 0; v < width; v += lanes) {
            const int64_t channels = smaller(lanes, read.end - r);
            for (int cell = 0; cell < cells; ++cell)
                gather_cell(job, cell / taps, cell % taps, r, channels, block * block_columns + v,
                            smaller(lanes, filters - v), g + cell * lanes * lanes);
            for (int64_t i = 0; i < channels; ++i)
                transform_channel(g + i * lanes, U + (r + i) * width + v, job.read * width);
        }
}

}  // namespace kn::KN_TARGET::winograd
