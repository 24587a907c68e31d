// The matrix product C = A B around the block of gemm_block.h.
//
// C is cut into tiles of rows (6 or 14) and panels of columns (as wide as the block); some tiles by some panels are a
// chunk, the unit that threads take. k is cut into parts, with 16 registers short enough for one panel of B (16 KB) and
// one tile of A (6 KB) to lie in L1 together; from part to part the sums of a chunk wait in L2. Inside a chunk the panel
// stays in the cache while the tiles pass by; where a part of B is small enough to lie in L1 as a whole, the tile stays.
// Packing puts what a block reads side by side. B is packed where it lies across, where many rows will read it, or where
// its lines crowd in few sets of the cache: by each chunk for itself if it has all rows, else once for all. A is packed
// where many panels read it or its lines crowd, likewise by each chunk if it has all columns. A last panel that is no whole number of vectors is always packed, filled
// up with zeros. Blocks that are whole and need no step go from the registers into C, others through a buffer in L1.
// Some products are cut along k instead (gemm_pieces.h). All cuts follow from the sizes, none from the number of threads.
#include "kernels/gemm.h"

#include "kernels/gemm_cuts.h"
#include "kernels/gemm_pieces.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

constexpr int64_t tile_floats = most(most_rows * 2, widest) * lanes;
constexpr int64_t line_floats = 2048;               // 8 KB beside what a tile and its panels take of L1

class Multiplication {
public:
    explicit Multiplication(const Product& product)
        : p(product), cuts(product), direct(p.steps.count == 0 && !p.add) {}

    void run() {
        const int64_t panel_floats = cuts.width * p.k, rows_floats = most_rows * p.k;
        const int64_t panels = cuts.pack_b == Packing::shared ? packed_floats / (panel_floats + 1) + 1 : cuts.panels;
        const int64_t tiles = cuts.pack_a == Packing::shared ? packed_floats / (rows_floats + 1) + 1 : cuts.tiles;
        for (int64_t j = 0; j < cuts.panels; j += panels) {
            last_panel = least(cuts.panels, j + panels);
            pack_panels(j);
            for (int64_t i = 0; i < cuts.tiles; i += tiles) {
                const int64_t last_tile = least(cuts.tiles, i + tiles);
                if (cuts.pack_a == Packing::shared) pack_rows(i, last_tile);
                multiply(i, last_tile, j);
            }
        }
    }

private:
    // Panels are packed whole, k rows of them, one behind the other; a last narrow one only as wide as it needs.
    void pack_panels(int64_t first) {
        first_packed = cuts.pack_b == Packing::shared ? first : cuts.whole(last_panel - 1) ? last_panel : last_panel - 1;
        if (cuts.pack_b == Packing::own || first_packed == last_panel) return;
        float* to = scratch(Slot::gemm_b, static_cast<size_t>((last_panel - first_packed) * cuts.width * p.k));
        packed_b = to;
        parallel(last_panel - first_packed, 16.0 * static_cast<double>(cuts.width * p.k), [&](int64_t i) {
            pack_panel(first_packed + i, 0, p.k, to + i * cuts.width * p.k);
        });
    }

    void pack_panel(int64_t panel, int64_t begin, int64_t end, float* to) const {
        const int64_t columns = cuts.columns(panel), column = panel * cuts.width;
        const Matrix B{p.B.data + begin * p.B.row + column * p.B.column, p.B.row, p.B.column};
        pack_columns(B, end - begin, columns, up(columns, lanes) * lanes, to);
    }

    // Part by part of k, so that a chunk reads its tiles in a row.
    void pack_rows(int64_t first, int64_t last) {
        top = cuts.first_row(first);
        packed_rows = cuts.first_row(last) - top;
        float* to = scratch(Slot::gemm_a, static_cast<size_t>(packed_rows * p.k));
        packed_a = to;
        const int64_t groups = up(last - first, most_tiles);
        parallel(groups * cuts.parts, 16.0 * static_cast<double>(most_tiles * most_rows * p.k / cuts.parts), [&](int64_t i) {
            const int64_t part = i / groups, begin = first + i % groups * most_tiles, end = least(last, begin + most_tiles);
            const int64_t begin_k = cuts.first_k(part), k = cuts.first_k(part + 1) - begin_k;
            pack_part(begin, end, begin_k, k, to + begin_k * packed_rows + (cuts.first_row(begin) - top) * k);
        });
    }

    // Some tiles, k columns of them, one tile behind the other.
    void pack_part(int64_t begin, int64_t end, int64_t begin_k, int64_t k, float* to) const {
        const int64_t row = cuts.first_row(begin);
        int64_t starts[most_tiles + 1];
        for (int64_t t = begin; t <= end; ++t) starts[t - begin] = cuts.first_row(t) - row;
        const Matrix A{p.A.data + row * p.A.row + begin_k * p.A.column, p.A.row, p.A.column};
        pack_tiles(A, starts, end - begin, p.m - row, k, to);
    }

    // Tiles first_tile … last_tile - 1 by the panels from first_panel to last_panel - 1.
    void multiply(int64_t first_tile, int64_t last_tile, int64_t first_panel) const {
        const int64_t tiles = last_tile - first_tile, panels = last_panel - first_panel;
        int64_t down = up(tiles, cuts.tiles_a_chunk), across = up(panels, cuts.panels_a_chunk);
        int64_t& longer = down > across ? down : across;                        // even shares for 2 and 4 threads
        if (longer > 2) longer = least(up(longer, 4) * 4, down > across ? tiles : panels);
        const double flops = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n), bound = p.m < 4 ? 8.0 / 2 : 1.0;
        const double share = static_cast<double>(tiles * panels) / static_cast<double>(cuts.tiles * cuts.panels);
        parallel(down * across, bound * flops * static_cast<double>(p.k) * share / static_cast<double>(down * across),
                 [&](int64_t c) {
                     const int64_t i = c % down, j = c / down;
                     chunk(first_tile + cut(tiles, down, i), first_tile + cut(tiles, down, i + 1),
                           first_panel + cut(panels, across, j), first_panel + cut(panels, across, j + 1));
                 });
    }

    // What a chunk knows in one part of k.
    struct Work {
        int64_t begin, end;                         // of the part
        bool first, last;                           // is it?
        float* sums;                                // of the parts before it
        int64_t stride;
        float *panel, *rows;                        // packed by this chunk
        float* line;                                // the blocks of a tile side by side, or null
    };

    void chunk(int64_t first_tile, int64_t last_tile, int64_t first, int64_t last) const {
        const int64_t row = cuts.first_row(first_tile);
        Work w{};
        w.stride = (last - first) * cuts.width;
        if (cuts.parts > 1)
            w.sums = scratch(Slot::gemm_sum, static_cast<size_t>((cuts.first_row(last_tile) - row) * w.stride));
        const bool own = cuts.pack_b == Packing::own;
        if (own) w.panel = scratch(Slot::gemm_b, static_cast<size_t>(up(p.k, cuts.parts) * cuts.width));
        for (int64_t part = 0; part < cuts.parts; ++part) {
            w.begin = cuts.first_k(part);
            w.end = cuts.first_k(part + 1);
            w.first = part == 0;
            w.last = part == cuts.parts - 1;
            if (cuts.pack_a == Packing::own) {
                w.rows = scratch(Slot::gemm_a, static_cast<size_t>((cuts.first_row(last_tile) - row) * (w.end - w.begin)));
                pack_part(first_tile, last_tile, w.begin, w.end - w.begin, w.rows);
            }
            if (!own && (w.end - w.begin) * w.stride <= 5 * 1024) {             // all panels lie in L1: the tile stays
                if (first_packed == last_panel) fetch_all(w, first_tile, last_tile, first, last);
                alignas(64) float line[line_floats];
                const bool together = w.last && !direct && most_rows * w.stride <= line_floats;
                for (int64_t tile = first_tile; tile < last_tile; ++tile) {
                    w.line = together ? line : nullptr;
                    for (int64_t panel = first; panel < last; ++panel)
                        block(w, tile, cuts.first_row(tile) - row, panel, (panel - first) * cuts.width);
                    if (together) {
                        const int64_t i = cuts.first_row(tile), j = first * cuts.width;
                        complete(line, cuts.first_row(tile + 1) - i, least(p.n, last * cuts.width) - j, w.stride, i, j);
                    }
                }
            } else {
                for (int64_t panel = first; panel < last; ++panel) {
                    if (own) pack_panel(panel, w.begin, w.end, w.panel);
                    const bool stays = panel + 1 < last || w.last;              // in this part of k
                    const int64_t next = stays ? panel + 1 : first, next_part = panel + 1 < last ? part : stays ? 0 : part + 1;
                    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
                        if (next < last_panel) fetch(next_part, next, tile - first_tile, last_tile - first_tile);
                        block(w, tile, cuts.first_row(tile) - row, panel, (panel - first) * cuts.width);
                    }
                }
            }
        }
    }

    // Asks for all of a part of B that lies as it came, and for the place of the result: both may come from far, and
    // blocks read them in too short lines for the processor to foresee.
    void fetch_all(const Work& w, int64_t first_tile, int64_t last_tile, int64_t first, int64_t last) const {
        const int64_t column = first * cuts.width, columns = least(p.n, last * cuts.width) - column;
        for (int64_t i = w.begin; i < w.end; ++i)
            for (int64_t c = 0; c < columns; c += 16) __builtin_prefetch(p.B.data + i * p.B.row + column + c);
        for (int64_t i = cuts.first_row(first_tile); i < cuts.first_row(last_tile); ++i)
            for (int64_t c = 0; c < columns; c += 16) __builtin_prefetch(p.C + i * p.width + column + c, 1);
    }

    // Asks for a share of what the next panel needs while the blocks of this one are worked out: the panel as it was
    // packed for all, or the lines of B that it will be packed from, which lie far apart.
    void fetch(int64_t part, int64_t panel, int64_t share, int64_t shares) const {
        const int64_t begin = cuts.first_k(part), k = cuts.first_k(part + 1) - begin;
        const bool packed = cuts.pack_b != Packing::own && panel >= first_packed, across = !packed && p.B.column != 1;
        const int64_t stride = packed ? cuts.width : across ? p.B.column : p.B.row;
        const float* next = packed ? packed_b + (panel - first_packed) * cuts.width * p.k + begin * cuts.width
                                   : p.B.data + begin * p.B.row + panel * cuts.width * p.B.column;
        const int64_t lines = across ? cuts.columns(panel) : k, length = across ? k : cuts.columns(panel);
        for (int64_t i = cut(lines, shares, share); i < cut(lines, shares, share + 1); ++i)
            for (int64_t c = 0; c < length; c += 16) __builtin_prefetch(next + i * stride + c, 0, 2);
    }

    // One tile by one panel over one part of k; it lies at (row, column) in the chunk.
    void block(const Work& w, int64_t tile, int64_t row, int64_t panel, int64_t column) const {
        const int64_t i = cuts.first_row(tile), rows = cuts.first_row(tile + 1) - i;
        const int64_t columns = cuts.columns(panel), j = panel * cuts.width, vectors = up(columns, lanes);
        Block b{};
        b.k = w.end - w.begin;
        const bool packed = cuts.pack_a != Packing::none;
        b.a = cuts.pack_a == Packing::own ? w.rows + row * b.k
              : packed                    ? packed_a + w.begin * packed_rows + (i - top) * b.k
                                          : p.A.data + i * p.A.row + w.begin * p.A.column;
        b.row = p.A.row;
        b.column = packed ? rows : p.A.column;
        b.stride = vectors * lanes;
        if (cuts.pack_b == Packing::own) {
            b.b = w.panel;
        } else if (panel >= first_packed) {
            b.b = packed_b + (panel - first_packed) * cuts.width * p.k + w.begin * b.stride;
        } else {
            b.stride = p.B.row;
            b.b = p.B.data + w.begin * p.B.row + j;
        }
        float* sums = w.sums + row * w.stride + column;
        b.before = w.first ? nullptr : sums;
        b.before_stride = w.stride;
        const BlockKernel kernel = block_kernel(static_cast<int>(rows), static_cast<int>(vectors), packed || p.A.row == 1);
        if (!w.last) {
            b.out = sums;
            b.out_stride = w.stride;
            return kernel(b);
        }
        const bool whole = columns % lanes == 0;
        b.bias = whole && p.bias ? p.bias + j : nullptr;
        if (direct && whole) {
            b.out = p.C + i * p.width + j;
            b.out_stride = p.width;
            for (int64_t r = 0; r < rows; ++r)                                  // may come from far, and is needed last
                for (int64_t c = 0; c < columns; c += 16) __builtin_prefetch(b.out + r * p.width + c, 1, 2);
            return kernel(b);
        }
        alignas(64) float buffer[tile_floats];
        b.out = w.line ? w.line + column : buffer;
        b.out_stride = w.line ? w.stride : vectors * lanes;
        kernel(b);
        if (p.bias && !whole) combine(b.out, rows, columns, b.out_stride, p.bias + j, 0);
        if (!w.line) complete(buffer, rows, columns, b.out_stride, i, j);
    }

    // From sums with their bias to the result at (i, j).
    void complete(float* sums, int64_t rows, int64_t columns, int64_t stride, int64_t i, int64_t j) const {
        if (p.add) combine(sums, rows, columns, stride, p.C + i * p.width + j, p.width);
        finish(p.steps, sums, rows, columns, stride, p.C, i * p.width + j, p.width);
    }

    // buffer += other
    static void combine(float* buffer, int64_t rows, int64_t columns, int64_t buffer_stride, const float* other,
                        int64_t stride) {
        for (int64_t r = 0; r < rows; ++r)
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                const float* from = other + r * stride + c;
                float* to = buffer + r * buffer_stride + c;
                store(to, load(to) + (n == lanes ? load(from) : load(from, n)));
            });
    }

    const Product& p;
    const Cuts cuts;
    const bool direct;                              // no step, nothing to add to
    int64_t top = 0, packed_rows = 0;               // of packed_a: its first row, how many
    int64_t last_panel = 0, first_packed = 0;       // of the panels at hand
    const float *packed_a = nullptr, *packed_b = nullptr;
};

}  // namespace

void gemm(const Product& p) {
    if (p.m == 0 || p.n == 0) return;
    if (const int64_t pieces = pieces_of(p); pieces > 1) gemm_in_pieces(p, pieces);
    else Multiplication(p).run();
}

void gemm_undivided(const Product& p) { Multiplication(p).run(); }

}  // namespace kn::KN_TARGET
