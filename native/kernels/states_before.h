// The states that the steps began with: H moved by one step, the initial state (or 0) at each example's first step and 0
// at steps that do not count; with dropout of the state, what the products saw of them. Copies of whole runs, examples
// shared among threads.
#pragma once
#include "copy.h"
#include "recurrent.h"

namespace kn::KN_TARGET {

// To `before` (n, t, k). `Args` is the record of a function with H, h0, lengths, M and reverse.
template <class Args>
void states_before(const Args& a, float* before) {
    parallel(a.n, 16 * static_cast<double>(a.t * a.k), [&](int64_t i) {
        const int64_t steps = steps_of(a.lengths, i, a.t), size = a.t * a.k;
        const float *H = a.H + i * size, *h0 = a.h0 ? a.h0 + i * a.k : nullptr;
        float* to = before + i * size;
        clear_run(to, size);
        if (steps == 0) return;
        const int64_t moved = (steps - 1) * a.k;
        copy_run(a.reverse ? to : to + a.k, a.reverse ? H + a.k : H, moved);
        if (h0) copy_run(a.reverse ? to + moved : to, h0, a.k);
        for (int64_t u = 0; a.M && u < steps * a.k; u += a.k)
            each_vector(u, u + a.k, [&](int64_t j, int64_t count) {
                store_part(to + j, masked(load_part(to + j, count), a.M + i * a.k, j - u, count), count);
            });
    });
}

}  // namespace kn::KN_TARGET
