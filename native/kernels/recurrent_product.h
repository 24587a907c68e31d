// The product of a step: x·M for the examples of a chunk, x being a state or a gate delta, M the recurrent weights.
//
// M is packed once a call, in panels of up to four vectors of units: [row of M][units], the last filled up with zeros. In
// a step the panels, which lie in L2, are run through from outside, and inside the examples in blocks of 3 (6 with 32
// registers), whose sums of a panel's units stay in registers while x is read number by number. What follows (gates,
// states) is done right behind it, a vector of units at a time. The last units are part of a vector.
#pragma once
#include "recurrent.h"
#include "simd/transpose.h"

namespace kn::KN_TARGET {

// Where the panels of M (rows, k) lie.
struct Panels {
    int64_t rows, k, vectors, count;
    float* packed;

    static int64_t vectors_of(int64_t k) { return (k + lanes - 1) / lanes; }
    static size_t floats(int64_t rows, int64_t k) { return static_cast<size_t>(rows * vectors_of(k) * lanes); }

    // In a block of floats(rows, k) that starts at `packed`.
    Panels(int64_t rows, int64_t k, float* packed) : rows(rows), k(k), vectors(vectors_of(k)), count((vectors + 3) / 4),
                                                     packed(packed) {}
    int64_t first(int64_t i) const { return vectors * i / count; }
    float* at(int64_t i) const { return packed + first(i) * lanes * rows; }
};

// M = W, whose rows are `stride` floats apart.
inline void pack(const Panels& panels, const float* W, int64_t stride) {
    parallel(panels.count, 32.0 * static_cast<double>(lanes * panels.rows), [&](int64_t p) {
        const int64_t first = panels.first(p), vectors = panels.first(p + 1) - first;
        float* to = panels.at(p);
        for (int64_t row = 0; row < panels.rows; ++row)
            for (int64_t v = 0; v < vectors; ++v, to += lanes) {
                const int64_t u = (first + v) * lanes, left = panels.k - u;
                store(to, load_part(W + row * stride + u, left < lanes ? left : lanes));
            }
    });
}

// M = Wᵀ: k rows of W, `stride` floats apart. Squares of W are turned over in registers; rows behind the last are 0.
inline void pack_transposed(const Panels& panels, const float* W, int64_t stride) {
    parallel(panels.count, 64.0 * static_cast<double>(lanes * panels.rows), [&](int64_t p) {
        const int64_t first = panels.first(p), width = (panels.first(p + 1) - first) * lanes;
        for (int64_t u = 0; u < width; u += lanes)
            for (int64_t j = 0; j < panels.rows; j += lanes) {
                const int64_t columns = panels.rows - j < lanes ? panels.rows - j : lanes, row = first * lanes + u;
                vec square[lanes];
                for (int i = 0; i < lanes; ++i)
                    square[i] = row + i < panels.k ? load_part(W + (row + i) * stride + j, columns) : zero();
                transpose(square);
                for (int i = 0; i < lanes; ++i)
                    if (i < columns) store(panels.at(p) + (j + i) * width + u, square[i]);
            }
    });
}

// x·M of R examples for V vectors of units: to[r * V + v]. It is never inlined and gives its sums to memory, so that
// all kernels share it, and what follows (the gates) is compiled once in each kernel and not for every R and V.
template <int R, int V>
[[gnu::noinline]] void product(const float* const* x, const float* panel, int64_t rows, vec* to) {
    vec sums[R][V] = {};
    for (int64_t j = 0; j < rows; ++j, panel += V * lanes) {
        vec factor[R];
        for (int r = 0; r < R; ++r) factor[r] = broadcast(x[r][j]);
        for (int v = 0; v < V; ++v) {
            const vec w = load(panel + v * lanes);
            for (int r = 0; r < R; ++r) sums[r][v] = fma(factor[r], w, sums[r][v]);
        }
    }
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) to[r * V + v] = sums[r][v];
}

// For all vectors of units of `examples` examples: f(example, u, count, x·M), or 0 in place of the product.
template <class X, class F>
void each_vector_of(int64_t examples, const Panels& panels, bool multiply, X&& x, F&& f) {
    const float* left[most_abreast];
    vec sums[most_abreast * 4] = {};
    for (int64_t p = 0; p < panels.count; ++p) {
        const int64_t first = panels.first(p), V = panels.first(p + 1) - first;
        row_blocks(examples, [&](int64_t from, int64_t R) {
            if (multiply) {
                for (int64_t r = 0; r < R; ++r) left[r] = x(from + r);
                with_count<most_abreast>(R, [&](auto r) {
                    with_count<4>(V, [&](auto v) {
                        product<r.value, v.value>(left, panels.at(p), panels.rows, sums);
                    });
                });
            }
            for (int64_t r = 0; r < R; ++r)
                for (int64_t v = 0; v < V; ++v) {
                    const int64_t u = (first + v) * lanes, rest = panels.k - u;
                    if (rest >= lanes) f(from + r, u, int64_t{lanes}, sums[r * V + v]);
                    else f(from + r, u, rest, sums[r * V + v]);
                }
        });
    }
}

}  // namespace kn::KN_TARGET
