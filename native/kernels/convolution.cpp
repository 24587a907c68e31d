// The rows conv2d and conv2d_backward: sizes turned into axes, then the direct convolution or one of its special forms.
#include "kernels/convolution_direct.h"
#include "kernels/convolution_window.h"
#include "kernels/winograd.h"

namespace kn::KN_TARGET {

static void convolve(const Direct& job) {
    if (winograd::fits(job)) winograd::convolve(job);
    else convolve_directly(job);
}

void conv2d(const args::conv2d& a, Context& context) {
    const Axis y = forward_axis(a.h, a.i, a.p, a.stride[0], a.dilation[0], a.padding[0]);
    const Axis x = forward_axis(a.w, a.j, a.q, a.stride[1], a.dilation[1], a.padding[2]);
    convolve({a.X, a.Y, a.n, a.i, a.j, a.groups, a.d, a.k / a.groups, {a.F, a.p, a.q, a.d, a.k, false},
                       a.b, &y, &x, 1, 1, {a.entries, a.count, &context}});
}

void conv2d_backward(const args::conv2d_backward& a, Context& context) {
    const int64_t phases_y = smaller(a.stride[0], a.h), phases_x = smaller(a.stride[1], a.w);
    const size_t size = sizeof(Axis) / sizeof(float);
    Axis* y = reinterpret_cast<Axis*>(scratch(Slot::fourth, size * static_cast<size_t>(phases_y + phases_x)));
    Axis* x = y + phases_y;
    for (int64_t i = 0; i < phases_y; ++i)
        y[i] = backward_axis(a.i, a.h, a.p, a.stride[0], a.dilation[0], a.padding[0], i);
    for (int64_t i = 0; i < phases_x; ++i)
        x[i] = backward_axis(a.j, a.w, a.q, a.stride[1], a.dilation[1], a.padding[2], i);
    convolve({a.dY, a.dX, a.n, a.h, a.w, a.groups, a.k / a.groups, a.d, {a.F, a.p, a.q, a.d, a.k, true},
                       nullptr, y, x, phases_y, phases_x, {a.entries, a.count, &context}});
}

}  // namespace kn::KN_TARGET
