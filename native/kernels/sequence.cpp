// Small functions of sequences: the last step and its backward pass, what is carried to the next batch, the mask behind
// a length, lengths of an output.
//
// Copies and zeros of whole runs of floats, an example (or a row of a picture) at a time, shared among threads; no
// arithmetic, so nothing stays in registers and there are no remainders. Lengths may have any value: a step counts
// where it is below the length and exists.
#include "copy.h"
#include "simd/vec.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

// The step of example i that is run last, or -1.
int64_t last(const int32_t* lengths, int64_t i, int64_t t, int64_t reverse) {
    const int64_t length = lengths ? lengths[i] : t;
    const int64_t step = !reverse ? length - 1 : length > 0 ? 0 : -1;
    return step >= 0 && step < t ? step : -1;
}

}  // namespace

void last_step(const args::last_step& a, Context&) {
    parallel(a.n, 16 * static_cast<double>(a.k), [&](int64_t i) {
        const int64_t step = last(a.lengths, i, a.t, a.reverse);
        const float* from = step >= 0 ? a.X + (i * a.t + step) * a.k : a.h0 ? a.h0 + i * a.k : nullptr;
        if (from) copy_run(a.Y + i * a.k, from, a.k);
        else clear_run(a.Y + i * a.k, a.k);
    });
}

void last_step_backward(const args::last_step_backward& a, Context&) {
    parallel(a.n, 8 * static_cast<double>(a.t * a.k), [&](int64_t i) {
        const int64_t step = last(a.lengths, i, a.t, a.reverse);
        float* dX = a.dX + i * a.t * a.k;
        clear_run(dX, a.t * a.k);
        if (step >= 0) copy_run(dX + step * a.k, a.dY + i * a.k, a.k);
        if (!a.dh0) return;
        if (step < 0) copy_run(a.dh0 + i * a.k, a.dY + i * a.k, a.k);
        else clear_run(a.dh0 + i * a.k, a.k);
    });
}

void carry(const args::carry& a, Context&) { copy_run(a.S, a.X, a.n); }

void mask(const args::mask& a, Context&) {
    const int64_t row = a.w * a.d;
    parallel(a.n * a.h, 16 * static_cast<double>(row), [&](int64_t r) {
        int64_t length = a.lengths[r / a.h];
        length = length < 0 ? 0 : length < a.w ? length : a.w;
        copy_run(a.Y + r * row, a.X + r * row, length * a.d);
        clear_run(a.Y + r * row + length * a.d, row - length * a.d);
    });
}

void output_lengths(const args::output_lengths& a, Context&) {
    for (int64_t i = 0; i < a.n; ++i) {
        const int64_t rest = a.lengths[i] + a.padding - a.window;
        a.L[i] = a.lengths[i] > 0 && rest >= 0 ? static_cast<int32_t>(rest / a.stride + 1) : 0;
    }
}

}  // namespace kn::KN_TARGET
