// Cross entropy, on logits (with the softmax inside) and on probabilities, and the gradients. Formulas: the page.
//
// A chunk of rows stays in L1; in it `lanes` rows at a time are worked off one by one, and the logarithms of their sums
// are taken as one vector. The losses of rows are added up in double: rows of a chunk in their order, then the chunks.
// The end of a row is a part of a vector. Outputs may lie over inputs.
#include "kernels/targets.h"

namespace kn::KN_TARGET {
namespace {

// Σ Q x and Σ Q of some rows; 0 x = 0 also for x = -∞.
struct Weighted {
    float x[lanes], q[lanes];
};

// A probability that its logarithm and inverse can stand. A NaN stays one.
vec kept_positive(vec x) { return select(x < 1e-7f, broadcast(1e-7f), x); }

// Loss of rows i … i + count - 1 as the forward pass of softmax: P = e^(x - m) / s, -Σ Q log P = Σ Q log s - Σ Q (x - m).
void softmax_rows(const args::softmax_cross_entropy& a, const Targets& targets, LossPart& part, int64_t i, int64_t count) {
    float sums[lanes] = {};
    Weighted w{};
    for (int64_t r = 0; r < count; ++r) {
        const float* x = a.X + (i + r) * a.k;
        float* P = a.P + (i + r) * a.k;
        const float m = row_maximum(x, a.k);
        if (!targets.ignores(i + r)) {
            vec chosen = zero(), weight = zero();
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                vec q = targets.of(i + r, j, n);
                if (n < lanes) q = select(present(n), q, zero());
                chosen += select(q == 0, zero(), q * (load_part(x + j, n) - m));
                weight += q;
            });
            w.x[r] = sum(chosen);
            w.q[r] = sum(weight);
        }
        sums[r] = exp_of_row(x, P, a.k, m);
        divide_row(P, a.k, sums[r]);
    }
    const vec loss = load(w.q) * log(load(sums)) - load(w.x);
    for (int64_t r = 0; r < count; ++r)
        if (!targets.ignores(i + r)) {
            part.loss += static_cast<double>(loss[r]);
            part.total += static_cast<double>(targets.counts(i + r));
        }
}

}  // namespace

void softmax_cross_entropy(const args::softmax_cross_entropy& a, Context& context) {
    const Targets targets(a);
    loss_of_rows(a, targets, 60, context, [&](LossPart& part, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i += lanes)
            softmax_rows(a, targets, part, i, end - i < lanes ? end - i : lanes);
    });
}

void softmax_cross_entropy_backward(const args::softmax_cross_entropy_backward& a, Context& context) {
    const Targets targets(a);
    const float scale = static_cast<float>(a.factor / static_cast<double>(a.total[0]));
    gradient_of_rows(
        a, targets, context,
        [&](int64_t i) {
            vec weight = zero();
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                const vec q = targets.of(i, j, n);
                weight += n == lanes ? q : select(present(n), q, zero());
            });
            const float s = sum(weight);
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                store_part(a.dX + i * a.k + j, scale * (load_part(a.P + i * a.k + j, n) * s - targets.of(i, j, n)), n);
            });
        },
        [&](int64_t i) {
            each_vector(0, a.k, [&](int64_t j, int64_t n) { store_part(a.dX + i * a.k + j, zero(), n); });
        });
}

void cross_entropy(const args::cross_entropy& a, Context& context) {
    const Targets targets(a);
    loss_of_rows(a, targets, 40, context, [&](LossPart& part, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            if (targets.ignores(i)) continue;
            vec loss = zero();
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                vec q = targets.of(i, j, n);
                if (n < lanes) q = select(present(n), q, zero());
                loss += select(q == 0, zero(), q * log(kept_positive(load_part(a.X + i * a.k + j, n))));
            });
            part.loss -= static_cast<double>(sum(loss));
            part.total += static_cast<double>(targets.counts(i));
        }
    });
}

void cross_entropy_backward(const args::cross_entropy_backward& a, Context& context) {
    const Targets targets(a);
    const float scale = static_cast<float>(-a.factor / static_cast<double>(a.total[0]));
    gradient_of_rows(
        a, targets, context,
        [&](int64_t i) {
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                const vec x = kept_positive(load_part(a.X + i * a.k + j, n));
                store_part(a.dX + i * a.k + j, scale * (targets.of(i, j, n) / x), n);
            });
        },
        [&](int64_t i) {
            each_vector(0, a.k, [&](int64_t j, int64_t n) { store_part(a.dX + i * a.k + j, zero(), n); });
        });
}

}  // namespace kn::KN_TARGET
