// Softmax over the rows of (n, k) and its backward pass. A chunk of rows stays in L1 for the passes over it: the maximum,
// the exponentials with their sum, the division; backward the sum of dY ⊙ Y, then dX. The end of a row is a part of a
// vector. Outputs may lie over inputs.
#include "kernels/rows.h"

namespace kn::KN_TARGET {

void softmax(const args::softmax& a, Context&) {
    each_rows(a.n, a.k, 40, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            float* y = a.Y + i * a.k;
            const float m = row_maximum(a.X + i * a.k, a.k);
            divide_row(y, a.k, exp_of_row(a.X + i * a.k, y, a.k, m));
        }
    });
}

void softmax_backward(const args::softmax_backward& a, Context&) {
    each_rows(a.n, a.k, 30, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const float *dY = a.dY + i * a.k, *Y = a.Y + i * a.k;
            vec products = zero();
            each_vector(0, a.k, [&](int64_t j, int64_t count) {
                products += load_part(dY + j, count) * load_part(Y + j, count);
            });
            const float s = sum(products);
            each_vector(0, a.k, [&](int64_t j, int64_t count) {
                const vec d = load_part(dY + j, count), y = load_part(Y + j, count);
                store_part(a.dX + i * a.k + j, y * (d - s), count);
            });
        }
    });
}

}  // namespace kn::KN_TARGET
