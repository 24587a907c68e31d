// The rows max_pool2d and max_pool2d_backward.
//
// Forward: each output place walks over the cells of its window inside the map, a vector of channels at a time; the
// running maximum and its place stay in registers, the window's rows in L1. A cell is taken unless it is at most the
// maximum or that is a NaN already: so the first maximum and the first NaN win. Channel remainders: partial loads and
// stores.
// Backward: each input place gathers from the windows that cover it, in row-major order, where their index names it:
// what overlaps adds up in a fixed order, nothing is zeroed first, and every element is stored once.
#include "kernels/pooling_windows.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

// The rows or columns of a window that lie inside the map, counted within the window.
Range inside(int64_t at, int64_t stride, int64_t before, int64_t window, int64_t size) {
    const int64_t begin = at * stride - before;
    return {smaller(larger(-begin, 0), window - 1), smaller(window, size - begin)};
}

struct Cells {
    Range u, v;                    // of the window
    const float* first;            // X at the window's cell (0, 0), channel 0; read inside the map only
};

template <bool whole>
void pool_channels(const args::max_pool2d& a, const Cells& cells, int64_t c, int64_t count, int64_t place) {
    vec best = broadcast(-__builtin_inff());
    ivec index = ivec{} + static_cast<int32_t>(cells.u.begin * a.window[1] + cells.v.begin);
    for (int64_t u = cells.u.begin; u < cells.u.end; ++u) {
        const float* p = cells.first + (u * a.w + cells.v.begin) * a.c + c;
        int32_t cell = static_cast<int32_t>(u * a.window[1] + cells.v.begin);
        for (int64_t v = cells.v.begin; v < cells.v.end; ++v, p += a.c, ++cell) {
            const vec x = whole ? load(p) : load(p, count);
            const ivec keep = (x <= best) | (best != best);
            best = keep ? best : x;
            index = keep ? index : ivec{} + cell;
        }
    }
    whole ? store(a.Y + place + c, best) : store(a.Y + place + c, best, count);
    if (a.index != nullptr)
        for (int64_t i = 0; i < (whole ? lanes : count); ++i)
            a.index[place + c + i] = static_cast<uint16_t>(index[i]);
}

void pool_row(const args::max_pool2d& a, int64_t n, int64_t i) {
    const Range u = inside(i, a.stride[0], a.padding[0], a.window[0], a.h);
    for (int64_t j = 0; j < a.j; ++j) {
        const Range v = inside(j, a.stride[1], a.padding[2], a.window[1], a.w);
        const int64_t y = i * a.stride[0] - a.padding[0], x = j * a.stride[1] - a.padding[2];
        const Cells cells{u, v, a.X + ((n * a.h + y) * a.w + x) * a.c};
        const int64_t place = ((n * a.i + i) * a.j + j) * a.c;
        int64_t c = 0;
        for (; c + lanes <= a.c; c += lanes) pool_channels<true>(a, cells, c, lanes, place);
        if (c < a.c) pool_channels<false>(a, cells, c, a.c - c, place);
    }
}

typedef uint16_t places __attribute__((vector_size(2 * lanes), aligned(2), may_alias));

ivec load_places(const uint16_t* p, int64_t count) {
    ivec index{};
    for (int64_t i = 0; i < count; ++i) index[i] = p[i];
    return index;
}

// The share of one window in one input place: dY where the index is `cell`; `more`: added to what is there.
template <bool more>
void gather_window(const float* dY, const uint16_t* index, int32_t cell, int64_t channels, float* dX) {
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
        const ivec here = __builtin_convertvector(*reinterpret_cast<const places*>(index + c), ivec);
        const vec share = here == cell ? load(dY + c) : zero();
        store(dX + c, more ? load(dX + c) + share : share);
    }
    if (c == channels) return;
    const int64_t rest = channels - c;
    const vec share = load_places(index + c, rest) == cell ? load(dY + c, rest) : zero();
    store(dX + c, more ? load(dX + c, rest) + share : share, rest);
}

void gather_row(const args::max_pool2d_backward& a, int64_t n, int64_t y) {
    Covering rows{a.stride[0], a.padding[0], a.window[0], a.i}, columns{a.stride[1], a.padding[2], a.window[1], a.j};
    rows.move_to(y);
    float* dX = a.dX + (n * a.h + y) * a.w * a.c;
    for (int64_t x = 0; x < a.w; ++x, dX += a.c) {
        columns.move_to(x);
        bool more = false;
        for (int64_t i = rows.begin; i < rows.end; ++i)
            for (int64_t j = columns.begin; j < columns.end; ++j) {
                const int64_t u = y + a.padding[0] - i * a.stride[0], v = x + a.padding[2] - j * a.stride[1];
                const int64_t place = ((n * a.i + i) * a.j + j) * a.c;
                const auto gather = more ? gather_window<true> : gather_window<false>;
                gather(a.dY + place, a.index + place, static_cast<int32_t>(u * a.window[1] + v), a.c, dX);
                more = true;
            }
        if (!more)
            for (int64_t c = 0; c < a.c; ++c) dX[c] = 0;
    }
}

}  // namespace

void max_pool2d(const args::max_pool2d& a, Context&) {
    const double cost = 8.0 * static_cast<double>(a.j * a.c * a.window[0] * a.window[1]);
    parallel(a.n * a.i, cost, [&](int64_t row) { pool_row(a, row / a.i, row % a.i); });
}

void max_pool2d_backward(const args::max_pool2d_backward& a, Context&) {
    parallel(a.n * a.h, 8.0 * static_cast<double>(2 * a.w * a.c),
             [&](int64_t row) { gather_row(a, row / a.h, row % a.h); });
}

}  // namespace kn::KN_TARGET
