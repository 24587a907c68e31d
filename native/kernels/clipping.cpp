// Gradients and weights within bounds: the norm of all gradients, clipping by norm and by value, max-norm.
//
// Norm: chunks of 4096 floats, in a chunk four vectors of sums in registers; lanes and chunks are added up in double
// precision, in a fixed order. Where the squares leave what a float holds, once more in double precision.
// Clipping: one pass, and none where the norm is within the bound.
// Max-norm, W (a, k, b): the squares of the columns of rows of k b floats (parts of rows, see columns.h), joined for
// each of the k units in double precision; then a pass that scales, only where a unit is too long.
#include "columns.h"
#include "elementwise.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

double squares(const float* g, int64_t n) {
    vec sums[4] = {};
    int64_t i = 0;
    for (; i + block <= n; i += block)
        for (int v = 0; v < 4; ++v) {
            const vec x = load(g + i + v * lanes);
            sums[v] = fma(x, x, sums[v]);
        }
    each_vector(i, n, [&](int64_t j, int64_t count) {
        const vec x = load_part(g + j, count);
        sums[0] = fma(x, x, sums[0]);
    });
    return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

double squares_in_double(const float* g, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(g[i]) * g[i];
    return sum;
}

// Σ of f over chunks of all arrays, in their order.
template <class F>
double total(const args::gradient_norm& a, F&& f) {
    double sum = 0;
    for (int64_t e = 0; e < a.count; ++e) {
        const float* g = a.entries[e].array;
        const int64_t n = a.entries[e].code, chunks = (n + elementwise_chunk - 1) / elementwise_chunk;
        double* sums = reinterpret_cast<double*>(scratch(Slot::first, static_cast<size_t>(2 * chunks)));
        elementwise(n, 8, [&](int64_t begin, int64_t end) {
            sums[begin / elementwise_chunk] = f(g + begin, end - begin);
        });
        for (int64_t i = 0; i < chunks; ++i) sum += sums[i];
    }
    return sum;
}

}  // namespace

void gradient_norm(const args::gradient_norm& a, Context& context) {
    double sum = total(a, squares);
    if (!(sum >= 1e-25 && sum <= __FLT_MAX__)) sum = total(a, squares_in_double);
    a.norm[0] = static_cast<float>(__builtin_sqrt(sum));
    if (!(a.norm[0] <= __FLT_MAX__)) context.refuse(not_finite_gradient, 0);
}

void clip_norm(const args::clip_norm& a, Context&) {
    if (!(a.norm[0] > a.most)) return;
    const float factor = static_cast<float>(a.most / a.norm[0]);
    float* g = a.g;
    elementwise(a.p, 16, [=](int64_t begin, int64_t end) {
        each_vector(begin, end, [=](int64_t i, int64_t n) { store_part(g + i, factor * load_part(g + i, n), n); });
    });
}

void clip_value(const args::clip_value& a, Context&) {
    const vec most = broadcast(static_cast<float>(a.most));
    float* g = a.g;
    elementwise(a.p, 16, [=](int64_t begin, int64_t end) {
        each_vector(begin, end, [=](int64_t i, int64_t n) {
            store_part(g + i, min(most, max(-most, load_part(g + i, n))), n);
        });
    });
}

void max_norm(const args::max_norm& a, Context&) {
    const Parts parts(a.a, a.k * a.b);
    float* partial = scratch(Slot::first, static_cast<size_t>(parts.count * parts.width));
    parallel(parts.count, 8 * parts.elements(), [&](int64_t p) {
        const Part part = parts[p];
        column_blocks(part.width, [&](auto vectors, int64_t j, int64_t count) {
            constexpr int V = decltype(vectors)::count;
            const float *w = a.W + part.begin + j, *end = w + part.rows * part.width;
            vec sums[V] = {};
            for (const float* row = w; row < end; row += part.width)
                for (int v = 0; v < V; ++v) {
                    const vec x = take<V>(row, v, count);
                    sums[v] = fma(x, x, sums[v]);
                }
            for (int v = 0; v < V; ++v) put<V>(partial + p * parts.width + j, v, sums[v], count);
        });
    });
    double* sums = reinterpret_cast<double*>(scratch(Slot::second, static_cast<size_t>(2 * a.k)));
    for (int64_t k = 0; k < a.k; ++k) sums[k] = 0;
    for (int64_t p = 0; p < parts.count; ++p)
        for (int64_t j = 0; j < parts[p].width; ++j) sums[j / a.b % a.k] += partial[p * parts.width + j];
    float* factors = scratch(Slot::third, static_cast<size_t>(parts.width));
    bool within = true;
    for (int64_t j = 0; j < parts.width; ++j) {
        const double norm = __builtin_sqrt(sums[j / a.b % a.k]);
        factors[j] = norm > a.most ? static_cast<float>(a.most / norm) : 1.0f;
        within = within && !(norm > a.most);
    }
    if (within) return;
    float* W = a.W;
    parallel(parts.count, 16 * parts.elements(), [&, W, factors](int64_t p) {
        const Part part = parts[p];
        for (int64_t r = 0; r < part.rows; ++r) {
            float* row = W + part.begin + r * part.width;
            each_vector(0, part.width, [=](int64_t j, int64_t count) {
                store_part(row + j, load_part(row + j, count) * load_part(factors + j, count), count);
            });
        }
    });
}

}  // namespace kn::KN_TARGET
