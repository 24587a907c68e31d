// Depthwise convolution: every channel has one filter of its own, nothing is summed over channels.
//
// Forward and backward: for each block of 4 pixels, for each vector of channels, over the taps; the 4 sums stay in
// registers, the filter (read as it lies) and the window's rows in L1. Weight gradients: for each vector of channels
// and batch of at most `batch` taps, whose sums stay in registers, over the pixels of a row; partial sums of a fixed
// number of chunks are added up in order. Remainders: pixels one by one, channels by masked loads and stores.
#include "kernels/convolution_direct.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

inline vec load_some(const float* p, int64_t count) { return count >= lanes ? load(p) : load(p, count); }

// R pixels from `first` on, channels c …: the sums.
template <int R>
[[gnu::always_inline]] inline void sum_taps(const Direct& job, const Axis& y, const Axis& x, const Window& window,
                                            const float* const* rows, int64_t c, int64_t count, vec (&sum)[R]) {
    const Filter& f = job.filter;
    for (int r = 0; r < R; ++r) sum[r] = job.bias ? load_some(job.bias + c, count) : zero();
    for (int64_t e = 0; e < y.taps; ++e)
        for (int64_t g = 0; g < x.taps; ++g) {
            const int64_t p = y.filter_first + e * y.filter_step, q = x.filter_first + g * x.filter_step;
            const int64_t offset = e * y.gap * window.row + g * x.gap * window.pixel + c;
            const vec tap = load_some(f.F + (p * f.q + q) * f.k + c, count);
            for (int r = 0; r < R; ++r) sum[r] = fma(load_some(rows[r] + offset, count), tap, sum[r]);
        }
}

template <int R>
void sum_pixels(const Direct& job, const Axis& y, const Axis& x, const Window& window, const Pixels& pixels,
                int64_t first, float* tile, int64_t stride) {
    const Last last = last_of(job.finish);
    const float* operand = operand_of(job.finish, job.out);
    for (int64_t c = 0; c < job.groups; c += lanes) {
        const int64_t count = smaller(lanes, job.groups - c);
        vec sum[R];
        if (count == lanes) sum_taps<R>(job, y, x, window, pixels.rows + first, c, lanes, sum);
        else sum_taps<R>(job, y, x, window, pixels.rows + first, c, count, sum);
        for (int r = 0; r < R; ++r) {
            const int64_t at = pixels.places[first + r] + c;
            if (last == Last::steps) store(tile + (first + r) * stride + c, sum[r]);
            else if (last == Last::relu) store_last<Last::relu>(job.out + at, sum[r], operand + at, count);
            else if (last == Last::store) store_last<Last::store>(job.out + at, sum[r], operand + at, count);
            else store_last<Last::relu_backward>(job.out + at, sum[r], operand + at, count);
        }
    }
}

constexpr int64_t most_chunks = 8;
constexpr int batch = registers == 16 ? 9 : 16;

struct Gradients {
    const args::conv2d_gradients& a;
    Axis y, x;
    int64_t taps, width, chunks;    // width: channels padded to whole vectors
    float* sums;                    // [chunk][tap, db last][width]
};

// Adds one row of output gradients to `taps` sums (the offsets of whose inputs are given).
template <int taps>
void add_row(const float* X, const float* dY, const int64_t* offsets, int64_t pixels, int64_t step, int64_t channels,
             int64_t count, float* sums, int64_t width) {
    vec sum[taps];
    for (int t = 0; t < taps; ++t) sum[t] = load(sums + t * width);
    for (int64_t j = 0; j < pixels; ++j, X += step, dY += channels) {
        const vec d = load_some(dY, count);
        for (int t = 0; t < taps; ++t) sum[t] = fma(load_some(X + offsets[t], count), d, sum[t]);
    }
    for (int t = 0; t < taps; ++t) store(sums + t * width, sum[t]);
}

template <int most>
void add_batch(int taps, const float* X, const float* dY, const int64_t* offsets, int64_t pixels, int64_t step,
               int64_t channels, int64_t count, float* sums, int64_t width) {
    if (taps == most) return add_row<most>(X, dY, offsets, pixels, step, channels, count, sums, width);
    if constexpr (most > 1)
        add_batch<most - 1>(taps, X, dY, offsets, pixels, step, channels, count, sums, width);
}

void add_output_row(const Gradients& g, int64_t n, int64_t i, float* sums) {
    const auto& a = g.a;
    const Window w = window(a.X, a.h, a.w, a.c, {n, n + 1}, {g.y.begin(i), g.y.end(i)},
                            {g.x.begin(0), g.x.end(a.j - 1)}, Slot::second);
    const float* dY = a.dY + (n * a.i + i) * a.j * a.k;
    for (int64_t c = 0; c < a.c; c += lanes) {
        const int64_t count = smaller(lanes, a.c - c);
        for (int64_t first = 0; first < g.taps; first += batch) {
            const int taps = static_cast<int>(smaller(batch, g.taps - first));
            int64_t offsets[batch];
            for (int t = 0; t < taps; ++t)
                offsets[t] = (first + t) / a.q * g.y.gap * w.row + (first + t) % a.q * g.x.gap * w.pixel;
            add_batch<batch>(taps, w.data + c, dY + c, offsets, a.j, g.x.stride * w.pixel, a.c, count,
                             sums + first * g.width + c, g.width);
        }
        vec db = load(sums + g.taps * g.width + c);
        for (int64_t j = 0; j < a.j; ++j) db += load_some(dY + j * a.k + c, count);
        store(sums + g.taps * g.width + c, db);
    }
}

// Adds up the chunks of one tap, or of db.
void reduce(const Gradients& g, int64_t row, float* to, bool add) {
    each_vector(0, g.a.c, [&](int64_t c, int64_t count) {
        vec total = zero();
        for (int64_t chunk = 0; chunk < g.chunks; ++chunk)
            total += load(g.sums + (chunk * (g.taps + 1) + row) * g.width + c);
        store(to + c, add ? load(to + c, count) + total : total, count);
    });
}

}  // namespace

void convolve_depthwise(const Direct& job, const Axis& y, const Axis& x, const Window& window, const Pixels& pixels) {
    constexpr int R = 4;
    const int64_t stride = parts(job.groups, lanes) * lanes;
    float* tile = nullptr;
    if (last_of(job.finish) == Last::steps)
        tile = scratch(Slot::third, static_cast<size_t>(pixels.count * stride));
    int64_t first = 0;
    for (; first + R <= pixels.count; first += R) sum_pixels<R>(job, y, x, window, pixels, first, tile, stride);
    for (; first < pixels.count; ++first) sum_pixels<1>(job, y, x, window, pixels, first, tile, stride);
    if (tile != nullptr) finish_pixels(job, pixels, tile, stride, 0, job.groups);
}

void depthwise_gradients(const args::conv2d_gradients& a) {
    Gradients g{a, forward_axis(a.h, a.i, a.p, a.stride[0], a.dilation[0], a.padding[0]),
                forward_axis(a.w, a.j, a.q, a.stride[1], a.dilation[1], a.padding[2]), a.p * a.q,
                parts(a.c, lanes) * lanes, larger(1, smaller(most_chunks, a.n * a.i)), nullptr};
    const int64_t size = (g.taps + 1) * g.width, rows = a.n * a.i;
    g.sums = scratch(Slot::first, static_cast<size_t>(g.chunks * size));
    const double cost = 4.0 * static_cast<double>(rows * a.j * a.c * g.taps) / static_cast<double>(g.chunks);
    parallel(g.chunks, cost, [&](int64_t chunk) {
        float* sums = g.sums + chunk * size;
        for (int64_t at = 0; at < size; ++at) sums[at] = 0;
        for (int64_t row = rows * chunk / g.chunks; row < rows * (chunk + 1) / g.chunks; ++row)
            add_output_row(g, row / a.i, row % a.i, sums);
    });
    for (int64_t tap = 0; tap < g.taps; ++tap) reduce(g, tap, a.dF + tap * a.k, a.add & 1);
    if (a.db != nullptr) reduce(g, g.taps, a.db, a.add & 2);
}

}  // namespace kn::KN_TARGET
