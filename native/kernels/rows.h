// Functions over the rows of an (n, k) array: softmax, cross entropy.
#pragma once
#include "simd/math.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {

inline vec load_part(const float* p, int64_t count) { return count == lanes ? load(p) : load(p, count); }

inline void store_part(float* p, vec v, int64_t count) {
    if (count == lanes) store(p, v);
    else store(p, v, count);
}

// The lanes that a part of a vector has.
inline ivec present(int64_t count) { return iota() < static_cast<int32_t>(count); }

// Rows a chunk: about 16 KB, a multiple of `lanes` (cross entropy takes as many rows at a time).
inline int64_t rows_a_chunk(int64_t k) {
    const int64_t rows = 4096 / (k > 0 ? k : 1);
    return rows < lanes ? lanes : rows / lanes * lanes;
}

inline int64_t row_chunks(int64_t n, int64_t k) { return (n + rows_a_chunk(k) - 1) / rows_a_chunk(k); }

// Calls f(chunk, begin, end) for chunks of rows.
template <class F>
inline void each_rows(int64_t n, int64_t k, double cost, F&& f) {
    const int64_t some = rows_a_chunk(k);
    parallel(row_chunks(n, k), cost * static_cast<double>((n < some ? n : some) * k), [&](int64_t chunk) {
        const int64_t begin = chunk * some;
        f(chunk, begin, begin + some < n ? begin + some : n);
    });
}

// The largest of a row; NaN if one is there, so that it stays visible in what follows.
inline float row_maximum(const float* x, int64_t k) {
    const float least = -__builtin_inff();
    vec m = broadcast(least);
    ivec nan{};
    each_vector(0, k, [&](int64_t j, int64_t count) {
        const vec v = count == lanes ? load(x + j) : select(present(count), load(x + j, count), broadcast(least));
        nan |= v != v;
        m = max(v, m);
    });
    const float largest = maximum(m);
    return sum(select(nan, broadcast(1.0f), zero())) > 0 ? __builtin_nanf("") : largest;
}

// y = e^(x - m), and the sum of y, by runs, which costs a long row fewer digits. x and y may be the same row.
inline float exp_of_row(const float* x, float* y, int64_t k, float m) {
    constexpr int64_t run = 16 * lanes;
    vec s = zero();
    for (int64_t begin = 0; begin < k; begin += run) {
        vec part = zero();
        each_vector(begin, begin + run < k ? begin + run : k, [&](int64_t j, int64_t count) {
            const vec e = exp_of_negative(load_part(x + j, count) - m);
            store_part(y + j, e, count);
            part += count == lanes ? e : select(present(count), e, zero());
        });
        s += part;
    }
    return sum(s);
}

inline void divide_row(float* y, int64_t k, float s) {
    each_vector(0, k, [&](int64_t j, int64_t count) { store_part(y + j, load_part(y + j, count) / s, count); });
}

}  // namespace kn::KN_TARGET
