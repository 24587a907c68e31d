// The direct convolution that forward and backward pass share: out = Σ over taps and channels of in · filter.
#pragma once
#include "convolution_axis.h"
#include "convolution_block.h"
#include "simd/finish.h"

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

}  // namespace kn::KN_TARGET
