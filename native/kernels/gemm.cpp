// The matrix product C = A B around the block of gemm_block.h.
//
// C is cut into blocks of rows (tiles of 6 or 14) by panels of columns (as wide as the block); some tiles by some panels
// are a chunk, the unit that threads take. k is cut into parts of at most `most_k`, so that one panel of B (16 KB) and
// one tile of A (6 KB) lie in L1 together; between the parts the sums of a chunk wait in L2. Inside a chunk the panel
// stays in L1 while the tiles pass by; where a part of B is small enough to lie in L1 as a whole, the tile stays.
// B is packed panel by panel where it lies across or where many rows will read it; a last panel that is no whole number
// of vectors always is. A is packed, tile by tile, where many panels read it. Blocks that are whole and need no step
// are stored from the registers into C, others go through a buffer in L1.
// A product with a small C and a large k (weight gradients) is cut along k instead: each chunk makes a whole C of its
// own, and these are added up in order.
// All cuts follow from the sizes, none from the number of threads.
#include "kernels/gemm.h"

#include "kernels/gemm_pack.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

constexpr int64_t most_k = 320;
constexpr int64_t packed_floats = 2 << 20;          // B is packed 8 MB at a time
constexpr int64_t tile_floats = most_rows * 2 * lanes > widest * lanes ? most_rows * 2 * lanes : widest * lanes;

int64_t up(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }
int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// `size` cut into `count` parts that differ by one at most: where part i begins.
int64_t cut(int64_t size, int64_t count, int64_t i) { return size * i / count; }

class Multiplication {
public:
    explicit Multiplication(const Product& product) : p(product) {
        tiles = up(p.m, most_rows);
        const int height = static_cast<int>(up(p.m, tiles));
        vectors = most_vectors(height);
        width = vectors * lanes;
        parts = p.k > 0 ? up(p.k, most_k) : 1;
        pack_b = p.B.column != 1 || p.m >= 96;
        pack_a = (p.A.column != 1 && p.A.row != 1) || (p.A.column == 1 && p.m >= 24 && p.n >= 512);
        direct = p.steps.count == 0 && !p.add;
    }

    void run() {
        const int64_t panels = up(p.n, width);
        const int64_t at_once = pack_b && p.k > 0 ? least(panels, packed_floats / (width * p.k) + 1) : panels;
        for (int64_t first = 0; first < panels; first += at_once) columns(first, least(at_once, panels - first));
    }

private:
    // Panels `first` … of C.
    void columns(int64_t first, int64_t panels) {
        first_panel = first;
        pack(panels);
        const double block_cost = 2.0 * most_rows * static_cast<double>(width * (p.k + 1));
        const int64_t few = static_cast<int64_t>(5e5 / block_cost) + 1;         // blocks worth a chunk
        const int64_t panels_a_chunk = least(panels, p.m > 128 ? 16 : few);
        const int64_t tiles_a_chunk = least(tiles, p.m > 128 ? 16 : few / panels_a_chunk + 1);
        const int64_t across = up(panels, panels_a_chunk), down = up(tiles, tiles_a_chunk);
        parallel(across * down, block_cost * static_cast<double>(panels_a_chunk * tiles_a_chunk), [&](int64_t chunk) {
            const int64_t i = chunk % down, j = chunk / down;
            this->chunk(cut(tiles, down, i), cut(tiles, down, i + 1), cut(panels, across, j), cut(panels, across, j + 1));
        });
    }

    int64_t columns_of(int64_t panel) const { return least(width, p.n - (first_panel + panel) * width); }

    bool packed(int64_t panel) const { return pack_b || columns_of(panel) % lanes != 0; }

    // Panels are packed whole, k rows of them, one behind the other; a last narrow one only as wide as it needs.
    void pack(int64_t panels) {
        const int64_t begin = pack_b ? 0 : packed(panels - 1) ? panels - 1 : panels;
        if (begin == panels) return;
        first_packed = begin;
        float* to = scratch(Slot::gemm_b, static_cast<size_t>((panels - begin) * width * p.k));
        packed_b = to;
        parallel(panels - begin, 16.0 * static_cast<double>(width * p.k), [&](int64_t i) {
            const int64_t n = columns_of(begin + i), column = (first_panel + begin + i) * width;
            const Matrix panel{p.B.data + column * p.B.column, p.B.row, p.B.column};
            pack_columns(panel, p.k, n, up(n, lanes) * lanes, to + i * width * p.k);
        });
    }

    void chunk(int64_t first_tile, int64_t last_tile, int64_t first, int64_t last) {
        const int64_t top = cut(p.m, tiles, first_tile), rows = cut(p.m, tiles, last_tile) - top;
        Work w{};
        w.stride = (last - first) * width;
        if (parts > 1) w.sums = scratch(Slot::gemm_sum, static_cast<size_t>(rows * w.stride));
        if (pack_a) w.a = scratch(Slot::gemm_a, static_cast<size_t>(rows * up(p.k, parts) + lanes));
        for (int64_t part = 0; part < parts; ++part) {
            w.begin = cut(p.k, parts, part);
            w.end = cut(p.k, parts, part + 1);
            w.first = part == 0;
            w.last = part == parts - 1;
            if (pack_a) pack_tiles(w, first_tile, last_tile);
            const bool tile_stays = (w.end - w.begin) * w.stride <= 5 * 1024;
            const int64_t outer = tile_stays ? last_tile - first_tile : last - first;
            const int64_t inner = tile_stays ? last - first : last_tile - first_tile;
            for (int64_t x = 0; x < outer; ++x)
                for (int64_t y = 0; y < inner; ++y) {
                    const int64_t tile = first_tile + (tile_stays ? x : y), panel = first + (tile_stays ? y : x);
                    const int64_t i = cut(p.m, tiles, tile);
                    block(w, i, cut(p.m, tiles, tile + 1) - i, i - top, panel, (panel - first) * width);
                }
        }
    }

    struct Work {
        float* sums;                // of the parts of k so far
        int64_t stride;
        float* a;                   // packed tiles of this part of k
        int64_t begin, end;         // this part of k
        bool first, last;
    };

    void pack_tiles(const Work& w, int64_t first_tile, int64_t last_tile) const {
        const int64_t top = cut(p.m, tiles, first_tile), k = w.end - w.begin;
        for (int64_t tile = first_tile; tile < last_tile; ++tile) {
            const int64_t i = cut(p.m, tiles, tile), rows = cut(p.m, tiles, tile + 1) - i;
            const Matrix A{p.A.data + i * p.A.row + w.begin * p.A.column, p.A.row, p.A.column};
            pack_rows(A, rows, k, w.a + (i - top) * k);
        }
    }

    // Rows i … of C by one panel, over one part of k. `row` and `column` say where the block lies in the chunk.
    void block(const Work& w, int64_t i, int64_t rows, int64_t row, int64_t panel, int64_t column) const {
        const int64_t columns = columns_of(panel), j = (first_panel + panel) * width, used = up(columns, lanes);
        Block b{};
        b.k = w.end - w.begin;
        const bool along_column = pack_a || p.A.row == 1;
        b.a = pack_a ? w.a + row * b.k : p.A.data + i * p.A.row + w.begin * p.A.column;
        b.row = p.A.row;
        b.column = pack_a ? rows : p.A.column;
        if (packed(panel)) {
            b.stride = used * lanes;
            b.b = packed_b + (panel - first_packed) * width * p.k + w.begin * b.stride;
        } else {
            b.stride = p.B.row;
            b.b = p.B.data + w.begin * p.B.row + j;
        }
        const BlockKernel kernel = block_kernel(static_cast<int>(rows), static_cast<int>(used), along_column);
        float* sums = w.sums + row * w.stride + column;
        b.before = w.first ? nullptr : sums;
        b.before_stride = w.stride;
        if (!w.last) {
            b.out = sums;
            b.out_stride = w.stride;
            return kernel(b);
        }
        if (direct && columns % lanes == 0) {
            b.bias = p.bias ? p.bias + j : nullptr;
            b.out = p.C + i * p.width + j;
            b.out_stride = p.width;
            return kernel(b);
        }
        alignas(64) float tile[tile_floats];
        b.out = tile;
        b.out_stride = used * lanes;
        kernel(b);
        if (p.bias) combine(tile, rows, columns, b.out_stride, p.bias + j, 0);
        if (p.add) combine(tile, rows, columns, b.out_stride, p.C + i * p.width + j, p.width);
        finish(p.steps, tile, rows, columns, b.out_stride, p.C, i * p.width + j, p.width);
    }

    // tile += other
    static void combine(float* tile, int64_t rows, int64_t columns, int64_t tile_stride, const float* other,
                        int64_t stride) {
        for (int64_t r = 0; r < rows; ++r)
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                const float* from = other + r * stride + c;
                float* to = tile + r * tile_stride + c;
                store(to, load(to) + (n == lanes ? load(from) : load(from, n)));
            });
    }

    const Product& p;
    int64_t tiles, width, parts;
    int vectors;
    bool pack_a, pack_b, direct;
    int64_t first_panel = 0, first_packed = 0;
    const float* packed_b = nullptr;
};

// Sums over long k: `pieces` products side by side, then added up, row by row.
void gemm_in_pieces(const Product& p, int64_t pieces) {
    const int64_t size = p.m * p.n;
    float* partial = scratch(Slot::gemm_pieces, static_cast<size_t>(pieces * size));
    parallel(pieces, 2.0 * static_cast<double>(size) * static_cast<double>(p.k / pieces), [&](int64_t i) {
        const int64_t begin = cut(p.k, pieces, i);
        Product piece = p;
        piece.k = cut(p.k, pieces, i + 1) - begin;
        piece.A.data += begin * p.A.column;
        piece.B.data += begin * p.B.row;
        piece.C = partial + i * size;
        piece.width = p.n;
        piece.bias = nullptr;
        piece.add = false;
        piece.steps = {nullptr, 0, nullptr};
        Multiplication(piece).run();
    });
    constexpr int64_t room = 64;
    alignas(64) float tile[room];
    for (int64_t i = 0; i < p.m; ++i)
        for (int64_t j = 0; j < p.n; j += room) {
            const int64_t columns = least(room, p.n - j);
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                const auto get = [n](const float* from) { return n == lanes ? load(from) : load(from, n); };
                const float* from = partial + i * p.n + j + c;
                vec sum = get(from);
                for (int64_t piece = 1; piece < pieces; ++piece) sum += get(from + piece * size);
                if (p.bias) sum += get(p.bias + j + c);
                if (p.add) sum += get(p.C + i * p.width + j + c);
                store(tile + c, sum);
            });
            finish(p.steps, tile, 1, columns, room, p.C, i * p.width + j, p.width);
        }
}

}  // namespace

void gemm(const Product& p) {
    if (p.m == 0 || p.n == 0) return;
    constexpr int64_t long_k = 2048, small_c = 128 * 128, most_pieces = 16;
    if (p.k >= 2 * long_k && p.m * p.n <= small_c) gemm_in_pieces(p, least(p.k / long_k, most_pieces));
    else Multiplication(p).run();
}

}  // namespace kn::KN_TARGET
