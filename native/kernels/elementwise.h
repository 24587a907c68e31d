// Elementwise work over flat arrays: fixed chunks, shared among threads.
#pragma once
#include "simd/vec.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {

constexpr int64_t elementwise_chunk = 1 << 12;      // 16 KB an array, a few µs of work

// Calls f(begin, end) for parts of [0, n), which begin at multiples of elementwise_chunk. `cost` is the work of one
// element in floating point operations, 8 a float read or written from memory.
template <class F>
inline void elementwise(int64_t n, double cost, F&& f) {
    const int64_t chunks = (n + elementwise_chunk - 1) / elementwise_chunk;
    parallel(chunks, cost * static_cast<double>(n < elementwise_chunk ? n : elementwise_chunk), [&](int64_t chunk) {
        const int64_t begin = chunk * elementwise_chunk;
        f(begin, begin + elementwise_chunk < n ? begin + elementwise_chunk : n);
    });
}

// The sum of all lanes, in double precision and in their order: for sums over whole arrays.
inline double sum_of_lanes(vec v) {
    float x[lanes];
    store(x, v);
    double sum = 0;
    for (const float lane : x) sum += lane;
    return sum;
}

}  // namespace kn::KN_TARGET
