// Depthwise convolution: every channel has one filter of its own, nothing is summed over channels.
//
// Forward and backward: for each block of 8 pixels, for each vector of channels, over the taps; the 8 sums stay in
// registers, the filter (read as it lies) and the window's rows in L1. Weight gradients: for each vector of channels
// and batch of at most `batch` taps, whose sums stay in registers, over the pixels of a row; partial sums of a fixed
// number of chunks are added up in order. Remainders: pixels one by one, channels by masked loads and stores.
#include "kernels/convolution_direct.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

inline vec load_some(const float* p, int64_t count) { return count >= lanes ? load(p) : load(p, count); }

// The taps of a phase: where their inputs lie, seen from a pixel's first, and their filter cells.
struct Taps {
    int64_t count;
    const int64_t *inputs, *cells;
};

// Sums of R pixels and one vector of channels, whole or its first `count` lanes.
template <int R, bool whole>
[[gnu::always_inline]] inline void sum_taps(const Taps& taps, const float* F, const float* const* rows, int64_t count,
                                            vec (&sum)[R]) {
    const float* row[R];
    for (int r = 0; r < R; ++r) row[r] = rows[r];
    for (int64_t t = 0; t < taps.count; ++t) {
        const int64_t at = taps.inputs[t];
        const float* cell = F + taps.cells[t];
        const vec f = whole ? load(cell) : load(cell, count);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r] = fma(whole ? load(row[r] + at) : load(row[r] + at, count), f, sum[r]);
    }
}

template <int R, bool whole, Last last>
void sum_channels(const Direct& job, const Taps& taps, const float* const* rows, const int64_t* places, int64_t c,
                  int64_t count, float* out, const float* operand) {
    const float* row[R];
    vec sum[R];
    for (int r = 0; r < R; ++r) {
        row[r] = rows[r] + c;
        sum[r] = job.bias ? load_some(job.bias + c, count) : zero();
    }
    sum_taps<R, whole>(taps, job.filter.F + c, row, count, sum);
    for (int r = 0; r < R; ++r) {
        const int64_t at = places[r] + c;
        if (whole) store_last<last>(out + at, sum[r], operand + at);
        else store_last<last>(out + at, sum[r], operand + at, count);
    }
}

template <int R, Last last>
void sum_pixels(const Direct& job, const Taps& taps, const float* const* rows, const int64_t* places, float* out,
                const float* operand) {
    int64_t c = 0;
    for (; c + lanes <= job.groups; c += lanes)
        sum_channels<R, true, last>(job, taps, rows, places, c, lanes, out, operand);
    if (c < job.groups)
        sum_channels<R, false, last>(job, taps, rows, places, c, job.groups - c, out, operand);
}

template <Last last>
void sum_all(const Direct& job, const Taps& taps, const Pixels& pixels, const int64_t* places, float* out,
             const float* operand) {
    constexpr int R = 8;                        // 8 sums hide the latency of a multiply-add, two a cycle
    int64_t first = 0;
    for (; first + R <= pixels.count; first += R)
        sum_pixels<R, last>(job, taps, pixels.rows + first, places + first, out, operand);
    for (; first < pixels.count; ++first)
        sum_pixels<1, last>(job, taps, pixels.rows + first, places + first, out, operand);
}

constexpr int64_t most_chunks = 8, most_rows = 8;
constexpr int batch = registers == 16 ? 9 : 16;

struct Gradients {
    const args::conv2d_gradients& a;
    Axis y, x;
    int64_t taps, width, chunks;    // width: channels padded to whole vectors
    float* sums;                    // [chunk][tap, db last][width]
};

// Adds one row of output gradients to `taps` sums (the offsets of whose inputs are given).
template <int taps, bool whole>
void add_row(const float* X, const float* dY, const int64_t* offsets, int64_t pixels, int64_t step, int64_t channels,
             int64_t count, float* sums, int64_t width) {
    vec sum[taps];
    const float* row[taps];
    for (int t = 0; t < taps; ++t) {
        sum[t] = load(sums + t * width);
        row[t] = X + offsets[t];
    }
    for (int64_t at = 0; at < pixels * step; at += step, dY += channels) {
        const vec d = whole ? load(dY) : load(dY, count);
#pragma GCC unroll 16
        for (int t = 0; t < taps; ++t) sum[t] = fma(whole ? load(row[t] + at) : load(row[t] + at, count), d, sum[t]);
    }
    for (int t = 0; t < taps; ++t) store(sums + t * width, sum[t]);
}

template <int most>
void add_batch(int taps, const float* X, const float* dY, const int64_t* offsets, int64_t pixels, int64_t step,
               int64_t channels, int64_t count, float* sums, int64_t width) {
    if (taps == most)
        return count == lanes ? add_row<most, true>(X, dY, offsets, pixels, step, channels, count, sums, width)
                              : add_row<most, false>(X, dY, offsets, pixels, step, channels, count, sums, width);
    if constexpr (most > 1)
        add_batch<most - 1>(taps, X, dY, offsets, pixels, step, channels, count, sums, width);
}

// Output rows `rows` of one image.
void add_rows(const Gradients& g, int64_t n, Range rows, float* sums) {
    const auto& a = g.a;
    const Window w = window(a.X, a.h, a.w, a.c, {n, n + 1}, {g.y.begin(rows.begin), g.y.end(rows.end - 1)},
                            {g.x.begin(0), g.x.end(a.j - 1)}, Slot::second);
    for (int64_t c = 0; c < a.c; c += lanes) {
        const int64_t count = smaller(lanes, a.c - c);
        for (int64_t first = 0; first < g.taps; first += batch) {
            const int taps = static_cast<int>(smaller(batch, g.taps - first));
            int64_t offsets[batch];
            for (int t = 0; t < taps; ++t)
                offsets[t] = (first + t) / a.q * g.y.gap * w.row + (first + t) % a.q * g.x.gap * w.pixel;
            for (int64_t i = rows.begin; i < rows.end; ++i)
                add_batch<batch>(taps, w.data + (i - rows.begin) * g.y.stride * w.row + c,
                                 a.dY + (n * a.i + i) * a.j * a.k + c, offsets, a.j, g.x.stride * w.pixel, a.c, count,
                                 sums + first * g.width + c, g.width);
        }
        vec db = load(sums + g.taps * g.width + c);
        for (int64_t at = (n * a.i + rows.begin) * a.j; at < (n * a.i + rows.end) * a.j; ++at)
            db += load_some(a.dY + at * a.k + c, count);
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
    const int64_t count = y.taps * x.taps, stride = parts(job.groups, lanes) * lanes;
    int64_t* inputs = reinterpret_cast<int64_t*>(scratch(Slot::first, static_cast<size_t>(4 * count)));
    int64_t* cells = inputs + count;
    for (int64_t t = 0; t < count; ++t) {
        const int64_t e = t / x.taps, g = t % x.taps;
        inputs[t] = e * y.gap * window.row + g * x.gap * window.pixel;
        cells[t] = ((y.filter_first + e * y.filter_step) * job.filter.q + x.filter_first + g * x.filter_step) *
                   job.filter.k;
    }
    const Taps taps{count, inputs, cells};
    const float* operand = operand_of(job.finish, job.out);
    switch (last_of(job.finish)) {
        case Last::store: return sum_all<Last::store>(job, taps, pixels, pixels.places, job.out, operand);
        case Last::relu: return sum_all<Last::relu>(job, taps, pixels, pixels.places, job.out, operand);
        case Last::relu_backward:
            return sum_all<Last::relu_backward>(job, taps, pixels, pixels.places, job.out, operand);
        case Last::steps: break;
    }
    float* tile = scratch(Slot::third, static_cast<size_t>(pixels.count * stride));
    int64_t places[strip_pixels];
    for (int64_t i = 0; i < pixels.count; ++i) places[i] = i * stride;
    sum_all<Last::store>(job, taps, pixels, places, tile, tile);
    finish_pixels(job, pixels, tile, stride, 0, job.groups);
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
        const int64_t end = rows * (chunk + 1) / g.chunks;
        for (int64_t row = rows * chunk / g.chunks; row < end;) {
            const int64_t n = row / a.i, i = row % a.i;
            const int64_t next = smaller(i + smaller(most_rows, end - row), a.i);
            add_rows(g, n, {i, next}, sums);
            row = n * a.i + next;
        }
    });
    for (int64_t tap = 0; tap < g.taps; ++tap) reduce(g, tap, a.dF + tap * a.k, a.add & 1);
    if (a.db != nullptr) reduce(g, g.taps, a.db, a.add & 2);
}

}  // namespace kn::KN_TARGET
