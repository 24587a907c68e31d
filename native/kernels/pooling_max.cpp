// The rows max_pool2d and max_pool2d_backward.
//
// Forward: each output place walks over the cells of its window inside the map, a vector of channels at a time; the
// running maximum and its place stay in registers, the window's rows in L1. A cell is taken where it is greater, or is
// a NaN and the maximum none: so the first maximum and the first NaN win. Channel remainders: partial loads and stores.
// Backward: an image's dX is zeroed and receives the windows in row-major order, so what overlaps adds up in a fixed
// order, whatever the threads (they share the images).
#include "kernels/convolution_window.h"
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
    for (int64_t u = cells.u.begin; u < cells.u.end; ++u)
        for (int64_t v = cells.v.begin; v < cells.v.end; ++v) {
            const float* p = cells.first + (u * a.w + v) * a.c + c;
            const vec x = whole ? load(p) : load(p, count);
            const ivec better = (x > best) | ((x != x) & (best == best));
            best = better ? x : best;
            index = better ? ivec{} + static_cast<int32_t>(u * a.window[1] + v) : index;
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

void spread_image(const args::max_pool2d_backward& a, int64_t n) {
    float* dX = a.dX + n * a.h * a.w * a.c;
    for (int64_t at = 0; at < a.h * a.w * a.c; ++at) dX[at] = 0;
    for (int64_t i = 0; i < a.i; ++i)
        for (int64_t j = 0; j < a.j; ++j) {
            const int64_t place = ((n * a.i + i) * a.j + j) * a.c;
            const int64_t y = i * a.stride[0] - a.padding[0], x = j * a.stride[1] - a.padding[2];
            for (int64_t c = 0; c < a.c; ++c) {
                const int64_t cell = a.index[place + c];
                const int64_t u = y + cell / a.window[1], v = x + cell % a.window[1];
                if (u >= 0 && u < a.h && v >= 0 && v < a.w) dX[(u * a.w + v) * a.c + c] += a.dY[place + c];
            }
        }
}

}  // namespace

void max_pool2d(const args::max_pool2d& a, Context&) {
    const double cost = 8.0 * static_cast<double>(a.j * a.c * a.window[0] * a.window[1]);
    parallel(a.n * a.i, cost, [&](int64_t row) { pool_row(a, row / a.i, row % a.i); });
}

void max_pool2d_backward(const args::max_pool2d_backward& a, Context&) {
    parallel(a.n, 8.0 * static_cast<double>(a.h * a.w * a.c + 2 * a.i * a.j * a.c),
             [&](int64_t n) { spread_image(a, n); });
}

}  // namespace kn::KN_TARGET
