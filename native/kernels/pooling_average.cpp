// The rows average_pool2d, average_pool2d_backward, global_average and global_average_backward.
//
// Forward: each output place adds up the cells of its window inside the map, a vector of channels at a time, in
// registers, and divides once. Backward: each input place gathers from the windows that cover it, in row-major order;
// its channels stay in L1. The global average adds up the positions in order.
// Channel remainders: partial loads and stores.
#include "kernels/pooling_windows.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

template <class Arguments>
float cells(const Arguments& a, int64_t rows, int64_t columns) {
    return static_cast<float>(a.count_padding ? a.window[0] * a.window[1] : larger(1, rows * columns));
}

void average_row(const args::average_pool2d& a, int64_t n, int64_t i) {
    const Range u = covered(i, a.stride[0], a.padding[0], a.window[0], a.h);
    for (int64_t j = 0; j < a.j; ++j) {
        const Range v = covered(j, a.stride[1], a.padding[2], a.window[1], a.w);
        const vec m = broadcast(cells(a, u.size(), v.size()));
        each_vector(0, a.c, [&](int64_t c, int64_t count) {
            vec total = zero();
            for (int64_t y = u.begin; y < u.end; ++y)
                for (int64_t x = v.begin; x < v.end; ++x) {
                    const float* p = a.X + ((n * a.h + y) * a.w + x) * a.c + c;
                    total += count == lanes ? load(p) : load(p, count);
                }
            store(a.Y + ((n * a.i + i) * a.j + j) * a.c + c, total / m, count);
        });
    }
}

void gather_row(const args::average_pool2d_backward& a, int64_t n, int64_t y) {
    Covering rows{a.stride[0], a.padding[0], a.window[0], a.i}, columns{a.stride[1], a.padding[2], a.window[1], a.j};
    rows.move_to(y);
    for (int64_t x = 0; x < a.w; ++x) {
        columns.move_to(x);
        float* dX = a.dX + ((n * a.h + y) * a.w + x) * a.c;
        for (int64_t c = 0; c < a.c; ++c) dX[c] = 0;
        for (int64_t i = rows.begin; i < rows.end; ++i) {
            const int64_t height = covered(i, a.stride[0], a.padding[0], a.window[0], a.h).size();
            for (int64_t j = columns.begin; j < columns.end; ++j) {
                const int64_t width = covered(j, a.stride[1], a.padding[2], a.window[1], a.w).size();
                const vec m = broadcast(cells(a, height, width));
                const float* dY = a.dY + ((n * a.i + i) * a.j + j) * a.c;
                each_vector(0, a.c, [&](int64_t c, int64_t count) {
                    if (count == lanes) store(dX + c, load(dX + c) + load(dY + c) / m);
                    else store(dX + c, load(dX + c, count) + load(dY + c, count) / m, count);
                });
            }
        }
    }
}

}  // namespace

void average_pool2d(const args::average_pool2d& a, Context&) {
    const double cost = 8.0 * static_cast<double>(a.j * a.c * a.window[0] * a.window[1]);
    parallel(a.n * a.i, cost, [&](int64_t row) { average_row(a, row / a.i, row % a.i); });
}

void average_pool2d_backward(const args::average_pool2d_backward& a, Context&) {
    parallel(a.n * a.h, 8.0 * static_cast<double>(2 * a.w * a.c),
             [&](int64_t row) { gather_row(a, row / a.h, row % a.h); });
}

void global_average(const args::global_average& a, Context&) {
    const vec p = broadcast(static_cast<float>(a.p));
    parallel(a.n, 8.0 * static_cast<double>(a.p * a.c), [&](int64_t n) {
        each_vector(0, a.c, [&](int64_t c, int64_t count) {
            vec total = zero();
            for (int64_t at = 0; at < a.p; ++at) total += load(a.X + (n * a.p + at) * a.c + c, count);
            store(a.Y + n * a.c + c, total / p, count);
        });
    });
}

void global_average_backward(const args::global_average_backward& a, Context&) {
    const vec p = broadcast(static_cast<float>(a.p));
    parallel(a.n, 8.0 * static_cast<double>(a.p * a.c), [&](int64_t n) {
        each_vector(0, a.c, [&](int64_t c, int64_t count) {
            const vec share = load(a.dY + n * a.c + c, count) / p;
            for (int64_t at = 0; at < a.p; ++at) store(a.dX + (n * a.p + at) * a.c + c, share, count);
        });
    });
}

}  // namespace kn::KN_TARGET
