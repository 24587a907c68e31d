// The packed filter of a direct convolution.
#pragma once
#include "kernels/convolution_direct.h"

namespace kn::KN_TARGET {

// Filter and bias as all tasks of a call read them, in shared scratch or kept from run to run.
struct Packed {
    const Direct& job;
    const float* filter;           // [phase][group][block of columns][tap row][tap column][read][columns]
    const float* bias;             // [group][block of columns * block_columns]
    int64_t blocks;                // blocks of columns in a group

    int64_t taps_before(const Axis* axes, int64_t phase) const {
        int64_t taps = 0;
        for (int64_t i = 0; i < phase; ++i) taps += axes[i].taps;
        return taps;
    }
    int64_t depth(int64_t a, int64_t b) const { return job.y[a].taps * job.x[b].taps * job.read; }
    const float* panel(int64_t a, int64_t b, int64_t group, int64_t block) const {
        const int64_t taps = taps_before(job.y, a) * job.filter.q + job.y[a].taps * taps_before(job.x, b);
        return filter + ((taps * job.groups * blocks) * job.read + (group * blocks + block) * depth(a, b)) *
                            block_columns;
    }
};

Packed pack_filter(const Direct& job);

}  // namespace kn::KN_TARGET
