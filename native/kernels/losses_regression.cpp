// Losses that compare each element with its own target: squared error, smooth L1, binary cross entropy of
// probabilities and of logits; their values and their gradients.
//
// Values: chunks of 4096 elements; in a chunk the terms of 32 vectors at a time are added up in one register, its lanes
// then in double precision, all in a fixed order, and the chunks in theirs. So a value does not depend on the number of
// threads. A value that is no finite number refuses the call, before anything is updated with it.
// Gradients: one pass, elementwise. The last vector is loaded and stored in part; what stands behind it counts as 0.
#include "elementwise.h"
#include "rows.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// value = factor Σ term(i, count) over all n elements; the lanes of a term behind `count` are left out.
template <class F>
void total(int64_t n, double cost, double factor, float* value, Context& context, F&& term) {
    const int64_t chunks = (n + elementwise_chunk - 1) / elementwise_chunk;
    double* sums = reinterpret_cast<double*>(scratch(Slot::first, static_cast<size_t>(2 * chunks)));
    elementwise(n, cost, [&](int64_t begin, int64_t end) {
        constexpr int64_t run = 32 * lanes;
        double all = 0;
        for (int64_t first = begin; first < end; first += run) {
            vec sum = zero();
            each_vector(first, first + run < end ? first + run : end, [&](int64_t i, int64_t count) {
                const vec x = term(i, count);
                sum = sum + (count == lanes ? x : select(present(count), x, zero()));
            });
            all += sum_of_lanes(sum);
        }
        sums[begin / elementwise_chunk] = all;
    });
    double sum = 0;
    for (int64_t i = 0; i < chunks; ++i) sum += sums[i];
    value[0] = static_cast<float>(factor * sum);
    if (!(__builtin_fabsf(value[0]) <= __FLT_MAX__)) context.refuse(not_finite, 0);
}

// dX = f(X, T), vector by vector.
template <class F>
void gradient(int64_t n, double cost, const float* X, const float* T, float* dX, F&& f) {
    elementwise(n, cost, [&](int64_t begin, int64_t end) {
        each_vector(begin, end, [&](int64_t i, int64_t count) {
            store_part(dX + i, f(load_part(X + i, count), load_part(T + i, count)), count);
        });
    });
}

// A probability whose logarithm and inverse are finite; a NaN stays one.
vec kept_positive(vec X) { return max(broadcast(1e-7f), X); }

// log(1 + e) for e >= 0: what rounding 1 + e loses is made good by the quotient.
vec log1p(vec e) {
    const vec u = 1.0f + e;
    return select(u == 1.0f, e, log(u) * (e / (u - 1.0f)));
}

}  // namespace

void squared_error(const args::squared_error& a, Context& context) {
    total(a.n, 16, a.factor, a.value, context, [&](int64_t i, int64_t count) {
        const vec D = load_part(a.X + i, count) - load_part(a.T + i, count);
        return D * D;
    });
}

void squared_error_backward(const args::squared_error_backward& a, Context&) {
    const float slope = static_cast<float>(2 * a.factor);
    gradient(a.n, 24, a.X, a.T, a.dX, [&](vec X, vec T) { return slope * (X - T); });
}

void smooth_l1(const args::smooth_l1& a, Context& context) {
    const vec beta = broadcast(static_cast<float>(a.beta));
    total(a.n, 16, a.factor / a.beta, a.value, context, [&](int64_t i, int64_t count) {
        const vec D = abs(load_part(a.X + i, count) - load_part(a.T + i, count)), m = min(beta, D);
        return m * (D - 0.5f * m);
    });
}

void smooth_l1_backward(const args::smooth_l1_backward& a, Context&) {
    const vec beta = broadcast(static_cast<float>(a.beta));
    const float slope = static_cast<float>(a.factor / a.beta);
    gradient(a.n, 24, a.X, a.T, a.dX, [&](vec X, vec T) { return slope * min(beta, max(-beta, X - T)); });
}

void binary_cross_entropy(const args::binary_cross_entropy& a, Context& context) {
    total(a.n, 80, a.factor, a.value, context, [&](int64_t i, int64_t count) {
        const vec X = load_part(a.X + i, count), T = load_part(a.T + i, count);
        return -T * log(kept_positive(X)) - (1.0f - T) * log(kept_positive(1.0f - X));
    });
}

void binary_cross_entropy_backward(const args::binary_cross_entropy_backward& a, Context&) {
    const float factor = static_cast<float>(a.factor);
    gradient(a.n, 32, a.X, a.T, a.dX, [&](vec X, vec T) {
        return factor * ((1.0f - T) / kept_positive(1.0f - X) - T / kept_positive(X));
    });
}

void sigmoid_binary_cross_entropy(const args::sigmoid_binary_cross_entropy& a, Context& context) {
    total(a.n, 100, a.factor, a.value, context, [&](int64_t i, int64_t count) {
        const vec X = load_part(a.X + i, count), T = load_part(a.T + i, count);
        store_part(a.P + i, sigmoid(X), count);
        return select(X < 0, zero(), X) - X * T + log1p(exp(-abs(X)));
    });
}

void sigmoid_binary_cross_entropy_backward(const args::sigmoid_binary_cross_entropy_backward& a, Context&) {
    const float factor = static_cast<float>(a.factor);
    gradient(a.n, 24, a.P, a.T, a.dX, [&](vec P, vec T) { return factor * (P - T); });
}

}  // namespace kn::KN_TARGET
