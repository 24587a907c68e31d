// Batch norm, channels last: X (n, c), each channel normalised over all n positions, Y = γ (X − μ)/σ + β.
//
// Statistics (parts of rows, see columns.h): blocks of four vectors of columns, over the rows of a part twice, the
// second time from L2: first an approximate mean m, then Σ(x − m) and Σ(x − m)², all in registers. So the variance never
// cancels, and X comes from memory once. The parts are joined in double precision, in their order. Then a second pass
// over memory writes Y row by row, the parameters of the channels staying in L1.
// Backward: the sums Σ dY and Σ dY (X − μ) over the same parts, then a pass that writes dX. Remainders of rows are a
// part of their own, remainders of columns vectors loaded and stored in part.
#include "columns.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// Over the rows of a part: m, about the mean; Σ(x − m); Σ(x − m)². `to` holds these three, `width` floats each.
void moments(const float* X, const Part& part, float* to) {
    const float share = 1.0f / static_cast<float>(part.rows);
    column_blocks(part.width, [&](auto vectors, int64_t j, int64_t count) {
        constexpr int V = decltype(vectors)::count;
        const float *x = X + part.begin + j, *end = x + part.rows * part.width;
        vec m[V] = {}, first[V] = {}, second[V] = {};
        for (const float* row = x; row < end; row += part.width)
            for (int v = 0; v < V; ++v) m[v] = m[v] + take<V>(row, v, count);
        for (int v = 0; v < V; ++v) m[v] = m[v] * share;
        for (const float* row = x; row < end; row += part.width)
            for (int v = 0; v < V; ++v) {
                const vec d = take<V>(row, v, count) - m[v];
                first[v] = first[v] + d;
                second[v] = fma(d, d, second[v]);
            }
        for (int v = 0; v < V; ++v) {
            put<V>(to + j, v, m[v], count);
            put<V>(to + part.width + j, v, first[v], count);
            put<V>(to + 2 * part.width + j, v, second[v], count);
        }
    });
}

// Joins the moments of all parts: the mean and Σ(x − mean)² of each channel.
void join(const Parts& parts, double n, const float* partial, double* mean, double* squares) {
    const int64_t c = parts.channels;
    for (int64_t i = 0; i < c; ++i) mean[i] = squares[i] = 0;
    for (int64_t p = 0; p < parts.count; ++p) {
        const Part part = parts[p];
        const float *m = partial + p * 3 * parts.width, *first = m + part.width;
        const double rows = static_cast<double>(part.rows);
        for (int64_t j = 0; j < part.width; j += c)
            for (int64_t i = 0; i < c; ++i) mean[i] += rows * m[j + i] + first[j + i];
    }
    for (int64_t i = 0; i < c; ++i) mean[i] /= n;
    for (int64_t p = 0; p < parts.count; ++p) {
        const Part part = parts[p];
        const float *m = partial + p * 3 * parts.width, *first = m + part.width, *second = first + part.width;
        const double rows = static_cast<double>(part.rows);
        for (int64_t j = 0; j < part.width; j += c)
            for (int64_t i = 0; i < c; ++i) {
                const double d = m[j + i] - mean[i];
                squares[i] += second[j + i] + d * (2 * first[j + i] + rows * d);
            }
    }
}

// Σ dY and Σ dY (x − μ) of each channel, in double precision. mu is repeated over the width of the parts.
void gradient_sums(const Parts& parts, const float* dY, const float* X, const float* mu, double* sums) {
    const int64_t c = parts.channels;
    float* partial = scratch(Slot::first, static_cast<size_t>(2 * parts.count * parts.width));
    parallel(parts.count, 16 * parts.elements(), [&](int64_t p) {
        const Part part = parts[p];
        float* to = partial + p * 2 * parts.width;
        column_blocks(part.width, [&](auto vectors, int64_t j, int64_t count) {
            constexpr int V = decltype(vectors)::count;
            const float *x = X + part.begin + j, *dy = dY + part.begin + j;
            vec first[V] = {}, second[V] = {}, m[V];
            for (int v = 0; v < V; ++v) m[v] = take<V>(mu + j, v, count);
            for (int64_t r = 0; r < part.rows; ++r, x += part.width, dy += part.width)
                for (int v = 0; v < V; ++v) {
                    const vec d = take<V>(dy, v, count);
                    first[v] = first[v] + d;
                    second[v] = fma(d, take<V>(x, v, count) - m[v], second[v]);
                }
            for (int v = 0; v < V; ++v) {
                put<V>(to + j, v, first[v], count);
                put<V>(to + part.width + j, v, second[v], count);
            }
        });
    });
    for (int64_t i = 0; i < 2 * c; ++i) sums[i] = 0;
    for (int64_t p = 0; p < parts.count; ++p)
        for (int kind = 0; kind < 2; ++kind) {
            const float* from = partial + p * 2 * parts.width + kind * parts[p].width;
            for (int64_t j = 0; j < parts[p].width; j += c)
                for (int64_t i = 0; i < c; ++i) sums[kind * c + i] += from[j + i];
        }
}

// For each row of each part, vector by vector: f(i, j, count) with i the element, j its column. f holds its pointers by
// value and is copied, so that they are seen not to change while results are stored.
template <class F>
void each_row(const Parts& parts, double cost, F&& function) {
    parallel(parts.count, cost * parts.elements(), [&](int64_t p) {
        const auto f = function;
        const Part part = parts[p];
        for (int64_t r = 0; r < part.rows; ++r) {
            const int64_t i = part.begin + r * part.width;
            each_vector(0, part.width, [&](int64_t j, int64_t count) { f(i + j, j, count); });
        }
    });
}

// Y = γ (X − μ)/σ + β, also in place.
void normalise(const Parts& parts, const float* X, const float* mu, const float* sigma, const float* gamma,
               const float* beta, float* Y) {
    const int64_t c = parts.channels, width = parts.width;
    float* m = scratch(Slot::second, static_cast<size_t>(3 * width));
    float *scale = m + width, *shift = scale + width;
    repeat(mu, c, width, m);
    repeat(beta, c, width, shift);
    for (int64_t j = 0; j < width; ++j) scale[j] = gamma[j % c] / sigma[j % c];
    each_row(parts, 16, [=](int64_t i, int64_t j, int64_t count) {
        const vec x = load_part(X + i, count);
        const vec hat = x - load_part(m + j, count);
        store_part(Y + i, fma(hat, load_part(scale + j, count), load_part(shift + j, count)), count);
    });
}

}  // namespace

void batch_norm(const args::batch_norm& a, Context&) {
    const Parts parts(a.n, a.c);
    float* partial = scratch(Slot::first, static_cast<size_t>(3 * parts.count * parts.width));
    parallel(parts.count, 10 * parts.elements(), [&](int64_t p) {
        moments(a.X, parts[p], partial + p * 3 * parts.width);
    });
    double* mean = reinterpret_cast<double*>(scratch(Slot::third, static_cast<size_t>(4 * a.c)));
    double* squares = mean + a.c;
    const double n = static_cast<double>(a.n > 0 ? a.n : 1), old = a.momentum, fresh = 1 - a.momentum;
    join(parts, n, partial, mean, squares);
    for (int64_t i = 0; i < a.c; ++i) {
        a.mu[i] = static_cast<float>(mean[i]);
        a.sigma[i] = static_cast<float>(__builtin_sqrt(squares[i] / n + a.epsilon));
        a.mean[i] = static_cast<float>(old * a.mean[i] + fresh * mean[i]);
        a.variance[i] = static_cast<float>(old * a.variance[i] + fresh * squares[i] / (n > 1 ? n - 1 : 1));
    }
    normalise(parts, a.X, a.mu, a.sigma, a.gamma, a.beta, a.Y);
}

void batch_norm_backward(const args::batch_norm_backward& a, Context&) {
    const Parts parts(a.n, a.c);
    const int64_t c = a.c, width = parts.width;
    float* mu = scratch(Slot::second, static_cast<size_t>(4 * width));
    float *scale = mu + width, *mean = scale + width, *slope = mean + width;
    double* sums = reinterpret_cast<double*>(scratch(Slot::third, static_cast<size_t>(4 * c)));
    repeat(a.mu, c, width, mu);
    gradient_sums(parts, a.dY, a.X, mu, sums);
    const double n = static_cast<double>(a.n);
    for (int64_t j = 0; j < width; ++j) {
        const int64_t i = j % c;
        const double sigma = a.sigma[i];
        scale[j] = static_cast<float>(a.gamma[i] / sigma);
        mean[j] = static_cast<float>(sums[i] / n);
        slope[j] = static_cast<float>(sums[c + i] / (n * sigma * sigma));
    }
    each_row(parts, 24, [=, X = a.X, dY = a.dY, dX = a.dX](int64_t i, int64_t j, int64_t count) {
        const vec x = load_part(X + i, count) - load_part(mu + j, count);
        const vec d = load_part(dY + i, count) - load_part(mean + j, count);
        store_part(dX + i, load_part(scale + j, count) * fma(-x, load_part(slope + j, count), d), count);
    });
}

void batch_norm_fixed(const args::batch_norm_fixed& a, Context&) {
    for (int64_t i = 0; i < a.c; ++i) {
        a.mu[i] = a.mean[i];
        a.sigma[i] = static_cast<float>(__builtin_sqrt(a.variance[i] + a.epsilon));
    }
    normalise(Parts(a.n, a.c), a.X, a.mu, a.sigma, a.gamma, a.beta, a.Y);
}

void batch_norm_fixed_backward(const args::batch_norm_fixed_backward& a, Context&) {
    const Parts parts(a.n, a.c);
    float* scale = scratch(Slot::second, static_cast<size_t>(parts.width));
    for (int64_t j = 0; j < parts.width; ++j) scale[j] = a.gamma[j % a.c] / a.sigma[j % a.c];
    each_row(parts, 16, [=, dY = a.dY, dX = a.dX](int64_t i, int64_t j, int64_t count) {
        store_part(dX + i, load_part(dY + i, count) * load_part(scale + j, count), count);
    });
}

void batch_norm_gradients(const args::batch_norm_gradients& a, Context&) {
    const Parts parts(a.n, a.c);
    const int64_t c = a.c;
    float* mu = scratch(Slot::second, static_cast<size_t>(parts.width));
    double* sums = reinterpret_cast<double*>(scratch(Slot::third, static_cast<size_t>(4 * c)));
    repeat(a.mu, c, parts.width, mu);
    gradient_sums(parts, a.dY, a.X, mu, sums);
    for (int64_t i = 0; i < c; ++i) {
        const float dbeta = static_cast<float>(sums[i]), dgamma = static_cast<float>(sums[c + i] / a.sigma[i]);
        a.dgamma[i] = a.add & 1 ? a.dgamma[i] + dgamma : dgamma;
        a.dbeta[i] = a.add & 2 ? a.dbeta[i] + dbeta : dbeta;
    }
}

}  // namespace kn::KN_TARGET
