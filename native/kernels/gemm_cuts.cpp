#include "kernels/gemm_cuts.h"

namespace kn::KN_TARGET {
namespace {

// Lines of memory that are `stride` floats apart fall into few sets of a cache where the stride is a multiple of a large
// power of two. How many of them a cache of `sets` sets with 8 ways can hold.
int64_t capacity(int64_t stride, int64_t sets) {
    int64_t lines = stride / 16;
    if (stride % 16 || lines == 0) return sets * 8;
    int64_t distinct = sets;
    for (; distinct > 1 && lines % 2 == 0; lines /= 2) distinct /= 2;
    return distinct * 8;
}

constexpr int64_t sets_of_l1 = 64, sets_of_l2 = 1024, half_of_l2 = (512 << 10) / 4;     // in floats

// Steps of k done at once where B is packed. A narrow block wants its panel in L1. A wide one computes long enough on a
// line to have the next one come from L2, and gains by fewer sums that wait.
constexpr int64_t longest_part = registers == 32 ? 512 : 272;

}  // namespace

Cuts::Cuts(const Product& product) : p(product) {
    tiles = up(p.m, most_rows);
    height = up(p.m, tiles);
    higher = p.m - (height - 1) * tiles;
    width = int64_t{most_vectors(static_cast<int>(height))} * lanes;
    panels = up(p.n, width);

    // Few rows read B too seldom to pay for packing, unless its lines would drive each other out of the cache.
    const bool crowded = p.m >= 24 && capacity(p.B.row, sets_of_l2) < least(p.k, 256);
    const bool far = p.m >= 48 && p.k * p.n >= 1 << 18;             // B lies beyond L2
    const bool packed = p.B.column != 1 || p.m >= 384 || crowded || far;
    parts = most(1, up(p.k, packed ? longest_part : 512));
    const bool along = p.A.row == 1;
    const bool gather = (p.A.column != 1 && !along) ||
             (p.m >= 24 && (p.n >= 512 || (along && p.n >= 64 && capacity(p.A.column, sets_of_l1) < least(p.k, 256) * 2)));

    // A chunk is 0.5 MFLOP at least and a tenth of the product at most. It keeps the longer side short; where many rows
    // are that side, its tiles of A and its sums fit into L2.
    const double block = 2.0 * most_rows * static_cast<double>(width) * static_cast<double>(p.k + 1);
    const int64_t enough = static_cast<int64_t>(5e5 / block) + 1;
    const int64_t blocks = least(most(enough, tiles * panels / 10), most_tiles * most_panels / 2);
    if (tiles <= panels) {
        tiles_a_chunk = least(tiles, most_tiles);
        panels_a_chunk = least(most(1, blocks / tiles_a_chunk), least(panels, most_panels));
    } else {
        panels_a_chunk = least(panels, most_panels);
        const int64_t fit = half_of_l2 / (most_rows * (p.k / parts + panels_a_chunk * width));
        tiles_a_chunk = least(most(1, least(fit, blocks / panels_a_chunk)), least(tiles, most_tiles));
    }
    pack_a = !gather ? Packing::none : panels_a_chunk == panels && tiles_a_chunk < tiles ? Packing::own : Packing::shared;
    pack_b = !packed ? Packing::none : tiles_a_chunk == tiles ? Packing::own : Packing::shared;
}

}  // namespace kn::KN_TARGET
