// The gradients of the GRU's recurrent weights, as two matrix products over all steps and examples: the gates r and z
// saw the state before, n saw s = r ⊙ h (reset before), or its delta is δa_n ⊙ r (reset after).
//
// The states that the steps began with are copied into scratch, and behind them the deltas of n, a row a step, 0 at steps
// that do not count; their sums are the gradient of the bias. The products add once where they are told to add.
#include "gemm.h"
#include "rows.h"
#include "states_before.h"
#include "sums.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

void gru_gradients(const args::gru_gradients& a, Context&) {
    const int64_t k = a.k, rows = a.n * a.t;
    float* h = scratch(Slot::first, static_cast<size_t>(2 * rows * k));
    float* dn = h + rows * k;
    states_before(a, h);
    parallel(a.n, 24 * static_cast<double>(a.t * k), [&](int64_t i) {
        const int64_t steps = steps_of(a.lengths, i, a.t), end = (i + 1) * a.t;
        for (int64_t now = i * a.t; now < i * a.t + steps; ++now) {
            const float *from = a.dZ + now * 3 * k + 2 * k, *r = a.G + now * 4 * k;
            each_vector(0, k, [&](int64_t u, int64_t count) {
                const vec d = load_part(from + u, count);
                store_part(dn + now * k + u, a.before ? d : d * load_part(r + u, count), count);
            });
        }
        clear_run(dn + (i * a.t + steps) * k, (end - i * a.t - steps) * k);
    });
    const bool add = (a.add & 1) != 0;
    const Matrix seen = a.before ? Matrix{a.G + 3 * k, 1, 4 * k} : Matrix{h, 1, k};
    gemm({.m = k, .n = 2 * k, .k = rows, .A = {h, 1, k}, .B = {a.dZ, 3 * k, 1}, .C = a.dW, .width = 3 * k, .add = add});
    gemm({.m = k, .n = k, .k = rows, .A = seen, .B = {dn, k, 1}, .C = a.dW + 2 * k, .width = 3 * k, .add = add});
    if (a.db) sum_rows(dn, rows, k, a.db, (a.add & 2) != 0);
}

}  // namespace kn::KN_TARGET
