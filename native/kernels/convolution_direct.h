// The direct convolution that forward and backward pass share: out = Σ over taps and channels of in · filter.
#pragma once
#include "convolution_axis.h"
#include "convolution_block.h"
#include "kernels/convolution_window.h"

namespace kn::KN_TARGET {

// How the filter F[p,q,d,k] is read: forward, d is summed over and k written; backward, the other way round.
struct Filter {
    const float* F;
    int64_t p, q, d, k;
    bool transposed;
};

struct Direct {
    const float* in;               // n x y[0].in x x[0].in x groups * read
    float* out;                    // n x out_h x out_w x groups * write
    int64_t n, out_h, out_w;
    int64_t groups, read, write;   // channels of one group
    Filter filter;
    const float* bias;             // groups * write floats, or null
    const Axis* y;                 // one Axis a phase
    const Axis* x;
    int64_t phases_y, phases_x;
    Finish finish;
};

void convolve_directly(const Direct& job);

// A run of output pixels of one phase: where their first tap lies in the window, where their sums go.
constexpr int64_t strip_pixels = 32 * (registers == 16 ? 6 : 7);
struct Pixels {
    const float* rows[strip_pixels];
    int64_t places[strip_pixels];
    int64_t count;
};

// Applies the finishing steps to sums[pixel][stride] and stores columns shift … shift+columns-1 of every pixel.
void finish_pixels(const Direct& job, const Pixels& pixels, float* sums, int64_t stride, int64_t shift,
                   int64_t columns);

// Every channel on its own: as many groups as channels, one filter each.
inline bool is_depthwise(int64_t groups, int64_t read, int64_t write) { return groups > 1 && read == 1 && write == 1; }
void convolve_depthwise(const Direct& job, const Axis& y, const Axis& x, const Window& window, const Pixels& pixels);
void depthwise_gradients(const args::conv2d_gradients& a);

}  // namespace kn::KN_TARGET
