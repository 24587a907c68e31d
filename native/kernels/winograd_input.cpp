// Cuts a map into tiles, and Winograd's input transform V = Bᵀ d B.
//
// A row of tiles at a time: Bᵀ over the 6 rows of each of its columns (tiles share columns, so this is done once a
// column), kept in L1; then Bᵀ along the rows of each tile. Channels go by two vectors, a cache line with AVX2.
// Remainders: rows and columns outside the map are zeros; the last channels are loaded in part.
#include "kernels/winograd.h"

namespace kn::KN_TARGET::winograd {

TileCut::TileCut(int64_t n, int64_t y, int64_t x, int64_t most)
    : n(n), y(y), x(x), images(1), rows(1), columns(larger(1, smaller(x, most))) {
    columns = parts(x, parts(x, columns));
    if (columns == x) rows = parts(y, parts(y, larger(1, smaller(y, most / x))));
    if (rows == y && columns == x) images = larger(1, smaller(n, most / (x * y)));
    images = parts(n, parts(n, images));
}

Tiles TileCut::block(int64_t at) const {
    const int64_t bx = at % over_x(), by = at / over_x() % over_y(), bn = at / over_x() / over_y();
    return {{bn * images, smaller(n, (bn + 1) * images)},
            {by * rows, smaller(y, (by + 1) * rows)},
            {bx * columns, smaller(x, (bx + 1) * columns)}};
}

namespace {

constexpr int most_vectors = 2;

// One row of tiles, `count` channels from c on. `columns`: room for 6 x (4 tiles + 2) x most_vectors vectors.
template <int vectors, bool whole>
void transform_row(const InputTiles& to, int64_t n, int64_t y, Range x, int64_t c, int64_t count, float* columns,
                   float* V) {
    static const float zeros[most_vectors * lanes] = {};
    const int64_t width = x.size() * outputs + taps - 1, first = x.begin * outputs + to.left;
    const int64_t line = width * vectors * lanes, last = count - (vectors - 1) * lanes;
    const float* row[points];
    int64_t pixel[points];
    for (int i = 0; i < points; ++i) {
        const int64_t at = y * outputs + to.top + i;
        const bool inside = at >= 0 && at < to.h;
        row[i] = inside ? to.in + ((n * to.h + at) * to.w + first) * to.c + c : zeros;
        pixel[i] = inside ? to.c : 0;
    }
    const int64_t begin = -first, end = to.w - first;                         // columns inside the map
    for (int64_t j = 0; j < width; ++j)
        for (int v = 0; v < vectors; ++v) {
            float* out = columns + (j * vectors + v) * lanes;
            vec d[points], r[points];
            if (j < begin || j >= end) {
                for (int i = 0; i < points; ++i) store(out + i * line, zero());
                continue;
            }
            for (int i = 0; i < points; ++i) {
                const float* p = row[i] + j * pixel[i] + v * lanes;
                d[i] = whole || v < vectors - 1 ? load(p) : load(p, last);
            }
            input(d, r);
            for (int i = 0; i < points; ++i) store(out + i * line, r[i]);
        }
    const int64_t plane = to.plane, depth = to.depth, tiles = x.size();       // copies: a store cannot change them
    for (int64_t tile = 0; tile < tiles; ++tile, V += depth)
        for (int i = 0; i < points; ++i)
            for (int v = 0; v < vectors; ++v) {
                const float* in = columns + i * line + (tile * outputs * vectors + v) * lanes;
                float* out = V + i * points * plane + v * lanes;
                vec d[points], r[points];
                for (int j = 0; j < points; ++j) d[j] = load(in + j * vectors * lanes);
                input(d, r);
                for (int j = 0; j < points; ++j, out += plane) store(out, r[j]);
            }
}

}  // namespace

void transform_input(const InputTiles& to, const Tiles& tiles) {
    const int64_t width = tiles.x.size() * outputs + taps - 1;
    float* columns = scratch(Slot::fourth, static_cast<size_t>(points * width * most_vectors * lanes));
    float* V = to.V;
    for (int64_t n = tiles.n.begin; n < tiles.n.end; ++n)
        for (int64_t y = tiles.y.begin; y < tiles.y.end; ++y, V += tiles.x.size() * to.depth) {
            int64_t c = 0;
            for (; c + 2 * lanes <= to.c; c += 2 * lanes)
                transform_row<2, true>(to, n, y, tiles.x, c, 2 * lanes, columns, V + c);
            const int64_t rest = to.c - c;
            if (rest > lanes) transform_row<2, false>(to, n, y, tiles.x, c, rest, columns, V + c);
            else if (rest == lanes) transform_row<1, true>(to, n, y, tiles.x, c, rest, columns, V + c);
            else if (rest > 0) transform_row<1, false>(to, n, y, tiles.x, c, rest, columns, V + c);
        }
}

}  // namespace kn::KN_TARGET::winograd
