// One axis of a convolution: which input places meet which filter rows, and where the sum is written.
//
// Place u = 0 … places-1 sums over the taps e = 0 … taps-1 input place u * stride + first + e * gap times filter row
// filter_first + e * filter_step, and is written at out_first + u * out_step. Input places outside 0 … in-1 are zeros.
//
// The forward pass is one such axis. The backward pass with stride s is s of them, one for each remainder ("phase") of
// the output place divided by s: each meets its own filter rows only, so no multiplication with a spread-in zero is
// ever done. A phase that meets no filter row has taps = 0 and writes zeros.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

struct Axis {
    int64_t in, places, stride, taps, first, gap, filter_first, filter_step, out_first, out_step;

    int64_t begin(int64_t u) const { return u * stride + first; }                        // first input place of u
    int64_t end(int64_t u) const { return begin(u) + (taps - 1) * gap + 1; }             // one past the last
};

inline Axis forward_axis(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation, int64_t before) {
    return {in, out, stride, taps, -before, dilation, 0, 1, 0, 1};
}

inline int64_t greatest_divisor(int64_t a, int64_t b) { return b == 0 ? a : greatest_divisor(b, a % b); }

// `in` places of dY, `out` places of dX. Output place y = phase + s u gets dY[i] F[p] where i s + p d - before = y.
inline Axis backward_axis(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation, int64_t before,
                          int64_t phase) {
    const int64_t common = greatest_divisor(stride, dilation), period = stride / common;
    Axis axis{in, (out - phase + stride - 1) / stride, 1, 0, 0, dilation / common, 0, -period, phase, stride};
    for (int64_t p = 0; p < period && p < taps; ++p) {
        if ((phase + before - p * dilation) % stride != 0) continue;
        axis.taps = (taps - p + period - 1) / period;
        axis.filter_first = p + (axis.taps - 1) * period;          // the last filter row meets the first input place
        axis.first = (phase + before - axis.filter_first * dilation) / stride;
        break;
    }
    return axis;
}

}  // namespace kn::KN_TARGET
