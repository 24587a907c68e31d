// Layer norm: every row of X (n, c) normalised on its own, Y = γ (X − μ)/σ + β with μ and σ of that row.
//
// Forward and backward: chunks of rows; a row of usual length stays in L1 while it is run through three times: sum,
// then Σ(x − m) and Σ(x − m)² about that mean (the variance never cancels), then the result. Sums are kept in four
// vectors, added up in a fixed order. Gradients of γ and β are sums over the rows: parts of rows as in columns.h, blocks
// of four vectors of columns in registers, the parts added in double precision in their order. The end of a row is
// loaded and stored in part.
#include "columns.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// Calls f(row) for all rows, in chunks of about 32 KB.
template <class F>
void each_row(int64_t n, int64_t c, double cost, F&& f) {
    const int64_t width = c > 0 ? c : 1, size = width < 1 << 13 ? (1 << 13) / width : 1;
    parallel((n + size - 1) / size, cost * static_cast<double>(size * width), [&](int64_t chunk) {
        const int64_t end = (chunk + 1) * size < n ? (chunk + 1) * size : n;
        for (int64_t i = chunk * size; i < end; ++i) f(i);
    });
}

// K sums over a row at once: f(j, count, total) adds the vector at column j to its K totals, 0 behind lane `count`.
template <int K, class F>
void row_sums(int64_t c, float* sums, F&& f) {
    vec total[4][K] = {};
    column_blocks(c, [&](auto vectors, int64_t j, int64_t count) {
        for (int v = 0; v < vectors.count; ++v) f(j + v * lanes, vectors.count > 1 ? int64_t{lanes} : count, total[v]);
    });
    for (int k = 0; k < K; ++k) sums[k] = sum((total[0][k] + total[1][k]) + (total[2][k] + total[3][k]));
}

// The lanes behind `count` become 0.
vec cut(vec x, int64_t count) { return count == lanes ? x : select(present(count), x, zero()); }

struct Moments {
    float mu, sigma;
};

Moments moments(const float* x, int64_t c, double epsilon) {
    float m, sums[2];
    row_sums<1>(c, &m, [&](int64_t j, int64_t count, vec* total) { total[0] = total[0] + load_part(x + j, count); });
    m /= static_cast<float>(c);
    row_sums<2>(c, sums, [&](int64_t j, int64_t count, vec* total) {
        const vec d = cut(load_part(x + j, count) - m, count);
        total[0] = total[0] + d;
        total[1] = fma(d, d, total[1]);
    });
    const double first = sums[0] / static_cast<double>(c), second = sums[1] / static_cast<double>(c);
    return {static_cast<float>(m + first), static_cast<float>(__builtin_sqrt(second - first * first + epsilon))};
}

// The sums of one part of rows: Σ dY X̂ and Σ dY, `width` floats each.
void gradient_sums(const args::layer_norm_gradients& a, const Part& part, float* to) {
    const int64_t r0 = part.begin / part.width;
    column_blocks(part.width, [&](auto vectors, int64_t j, int64_t count) {
        constexpr int V = decltype(vectors)::count;
        vec dgamma[V] = {}, dbeta[V] = {};
        for (int64_t r = r0; r < r0 + part.rows; ++r) {
            const float *x = a.X + r * a.c + j, *dy = a.dY + r * a.c + j;
            const vec mu = broadcast(a.mu[r]), inverse = broadcast(1.0f / a.sigma[r]);
            for (int v = 0; v < V; ++v) {
                const vec d = take<V>(dy, v, count);
                dgamma[v] = fma(d, (take<V>(x, v, count) - mu) * inverse, dgamma[v]);
                dbeta[v] = dbeta[v] + d;
            }
        }
        for (int v = 0; v < V; ++v) {
            put<V>(to + j, v, dgamma[v], count);
            put<V>(to + part.width + j, v, dbeta[v], count);
        }
    });
}

}  // namespace

void layer_norm(const args::layer_norm& a, Context&) {
    each_row(a.n, a.c, 24, [&](int64_t i) {
        const float* x = a.X + i * a.c;
        float* y = a.Y + i * a.c;
        const Moments of = moments(x, a.c, a.epsilon);
        const float inverse = 1.0f / of.sigma;
        each_vector(0, a.c, [&](int64_t j, int64_t count) {
            const vec hat = (load_part(x + j, count) - of.mu) * inverse;
            store_part(y + j, fma(hat, load_part(a.gamma + j, count), load_part(a.beta + j, count)), count);
        });
        a.mu[i] = of.mu;
        a.sigma[i] = of.sigma;
    });
}

// dX = (g − mean(g) − X̂ mean(g X̂)) / σ with g = dY γ.
void layer_norm_backward(const args::layer_norm_backward& a, Context&) {
    each_row(a.n, a.c, 32, [&](int64_t i) {
        const float *x = a.X + i * a.c, *dy = a.dY + i * a.c;
        float* dx = a.dX + i * a.c;
        const float mu = a.mu[i], inverse = 1.0f / a.sigma[i];
        float sums[2];
        row_sums<2>(a.c, sums, [&](int64_t j, int64_t count, vec* total) {
            const vec g = load_part(dy + j, count) * load_part(a.gamma + j, count);
            total[0] = total[0] + g;
            total[1] = fma(g, load_part(x + j, count) - mu, total[1]);
        });
        const float mean = sums[0] / static_cast<float>(a.c);
        const vec slope = broadcast(-sums[1] / static_cast<float>(a.c) * inverse * inverse);
        each_vector(0, a.c, [&](int64_t j, int64_t count) {
            const vec g = load_part(dy + j, count) * load_part(a.gamma + j, count) - mean;
            store_part(dx + j, fma(load_part(x + j, count) - mu, slope, g) * inverse, count);
        });
    });
}

void layer_norm_gradients(const args::layer_norm_gradients& a, Context&) {
    const Parts parts(a.n, a.c, 1);
    const size_t size = static_cast<size_t>(2 * parts.count * parts.width);
    float* partial = scratch(Slot::first, size);
    parallel(parts.count, 16 * parts.elements(), [&](int64_t p) {
        gradient_sums(a, parts[p], partial + p * 2 * a.c);
    });
    double* sums = reinterpret_cast<double*>(scratch(Slot::second, static_cast<size_t>(4 * a.c)));
    for (int64_t i = 0; i < 2 * a.c; ++i) sums[i] = 0;
    for (int64_t p = 0; p < parts.count; ++p)
        for (int64_t i = 0; i < 2 * a.c; ++i) sums[i] += partial[p * 2 * a.c + i];
    for (int64_t i = 0; i < a.c; ++i) {
        const float dgamma = static_cast<float>(sums[i]), dbeta = static_cast<float>(sums[a.c + i]);
        a.dgamma[i] = a.add & 1 ? a.dgamma[i] + dgamma : dgamma;
        a.dbeta[i] = a.add & 2 ? a.dbeta[i] + dbeta : dbeta;
    }
}

}  // namespace kn::KN_TARGET
