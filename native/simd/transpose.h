// Turns a square of lanes x lanes floats over in registers: pairs of ever smaller blocks change places.
#pragma once
#include <utility>

#include "simd/vec.h"

namespace kn::KN_TARGET {

template <int block, int... i>
inline void exchange(vec& a, vec& b, std::integer_sequence<int, i...>) {
    const ivec upper = {((i & block) ? i - block + lanes : i)...};      // of a, b: the blocks that go to a
    const ivec lower = {((i & block) ? i + lanes : i + block)...};
    const vec first = __builtin_shuffle(a, b, upper);
    b = __builtin_shuffle(a, b, lower);
    a = first;
}

template <int block = lanes / 2>
inline void transpose(vec (&v)[lanes]) {
    for (int r = 0; r < lanes; ++r)
        if (!(r & block)) exchange<block>(v[r], v[r + block], std::make_integer_sequence<int, lanes>());
    if constexpr (block > 1) transpose<block / 2>(v);
}

}  // namespace kn::KN_TARGET
