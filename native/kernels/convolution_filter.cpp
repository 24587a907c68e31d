// Packs the filter of a direct convolution: for each phase of the stride, group and block of one or two vectors of
// output channels, the cells in the order in which the inner loop reads them. One pass over F; small beside the rest, and
// saved in a network frozen for inference.
#include "kernels/convolution_filter.h"

#include "threads/keep.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

// One block of columns: [tap row][tap column][read][one or two vectors], zeros behind the last column.
void pack(const Packed& to, int64_t a, int64_t b, int64_t group, int64_t block) {
    const Direct& job = to.job;
    const Filter& f = job.filter;
    const Axis &y = job.y[a], &x = job.x[b];
    const int64_t first = block * block_columns, columns = smaller(block_columns, job.write - first);
    const int64_t width = vectors_for(columns) * lanes;
    float* panel = const_cast<float*>(to.panel(a, b, group, block));
    for (int64_t e = 0; e < y.taps; ++e)
        for (int64_t g = 0; g < x.taps; ++g, panel += job.read * width) {
            const int64_t p = y.filter_first + e * y.filter_step, q = x.filter_first + g * x.filter_step;
            const float* tap = f.F + (p * f.q + q) * f.d * f.k;
            if (columns < width)
                for (int64_t i = 0; i < job.read * width; ++i) panel[i] = 0;
            if (f.transposed) {
                for (int64_t column = 0; column < columns; ++column)
                    for (int64_t r = 0; r < job.read; ++r)
                        panel[r * width + column] = tap[(first + column) * f.k + group * job.read + r];
            } else {
                for (int64_t r = 0; r < job.read; ++r)
                    for (int64_t column = 0; column < columns; ++column)
                        panel[r * width + column] = tap[r * f.k + group * job.write + first + column];
            }
        }
}

}  // namespace

Packed pack_filter(const Direct& job) {
    if (is_depthwise(job.groups, job.read, job.write)) return {job, nullptr, nullptr, 1};       // read as they are
    const Filter& f = job.filter;
    const int64_t blocks = parts(job.write, block_columns), per_group = blocks * block_columns;
    const int64_t floats = job.groups * per_group * f.p * f.q * job.read;
    const Kept own = kept(static_cast<size_t>(floats));
    float* bias = scratch(Slot::first, static_cast<size_t>(job.groups * per_group + (own.memory ? 0 : floats)));
    for (int64_t i = 0; i < job.groups * per_group; ++i) {
        const int64_t group = i / per_group, column = i % per_group;
        bias[i] = job.bias && column < job.write ? job.bias[group * job.write + column] : 0;
    }
    const Packed packed{job, own.memory ? own.memory : bias + job.groups * per_group, bias, blocks};
    if (own.memory && !own.fresh) return packed;
    const int64_t of_phase = job.groups * blocks, phases = job.phases_y * job.phases_x;
    const double cost = 16.0 * static_cast<double>(f.p * f.q * job.read * block_columns) / static_cast<double>(phases);
    parallel(phases * of_phase, cost, [&](int64_t i) {
        const int64_t phase = i / of_phase, rest = i % of_phase;
        pack(packed, phase / job.phases_x, phase % job.phases_x, rest / blocks, rest % blocks);
    });
    return packed;
}

}  // namespace kn::KN_TARGET
