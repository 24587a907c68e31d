// How a matrix product is cut up and what of it is packed; the reasons stand in gemm.cpp.
#pragma once
#include "kernels/gemm_pack.h"

namespace kn::KN_TARGET {

constexpr int64_t up(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }
constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// `size` cut into `count` parts that differ by one at most: where part i begins.
constexpr int64_t cut(int64_t size, int64_t count, int64_t i) { return size * i / count; }

constexpr int64_t most_panels = 32;                         // in a chunk, and as many tiles
constexpr int64_t packed_floats = 2 << 20;                  // 8 MB of A or B are packed at a time

enum class Packing { none, shared, own };

class Cuts {
public:
    explicit Cuts(const Product& product);

    // Tiles have the same height or one row less, the higher ones first: no division where blocks are worked out.
    int64_t first_row(int64_t tile) const { return tile * height - most(0, tile - higher); }
    int64_t first_k(int64_t part) const { return cut(p.k, parts, part); }
    int64_t columns(int64_t panel) const { return least(width, p.n - panel * width); }
    bool whole(int64_t panel) const { return columns(panel) % lanes == 0; }

    int64_t tiles, panels;          // of C: rows, columns
    int64_t height, higher;         // rows of a tile, and how many have them; the others have one less
    int64_t width;                  // columns of a panel, but for the last
    int64_t parts;                  // of k
    Packing pack_b;                 // a last panel that is no whole number of vectors always is
    Packing pack_a;
    int64_t tiles_a_chunk, panels_a_chunk;

private:
    const Product& p;
};

}  // namespace kn::KN_TARGET
