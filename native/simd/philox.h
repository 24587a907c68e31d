// Random words that depend on where they are used: Philox4x32-10 (Salmon and others 2011), whose text is klarnet.random.
//
// Element i of a stream (seed, node, step, purpose) is word i % 4 of block i / 4. A group of lanes / 2 blocks is worked
// out at once: each 64-bit lane holds one 32-bit word of a block, so that a product of 32 by 32 bits is one instruction
// and its two halves need no shuffling. What is left in the upper halves is ignored by the next product.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

typedef uint64_t wide __attribute__((vector_size(4 * lanes)));
constexpr int blocks_a_group = lanes / 2, words_a_group = 2 * lanes;

enum Purpose : uint32_t { DROPOUT = 1, NOISE = 2 };

struct Stream {
    uint64_t seed;
    uint32_t node, step, purpose;
    Stream(const State& state, int64_t n, Purpose p)
        : seed(state.seed), node(static_cast<uint32_t>(n)), step(static_cast<uint32_t>(state.step)), purpose(p) {}
};

// The product of the lower halves.
inline wide multiply_words(wide a, wide b) {
#if defined(__AVX512F__)
    return reinterpret_cast<wide>(_mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
    return reinterpret_cast<wide>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
    return reinterpret_cast<wide>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
    return (a & 0xffff'ffff) * (b & 0xffff'ffff);
#endif
}

// The words of the elements 4 block, 4 block + 1, …, words_a_group of them, in order.
inline void philox(const Stream& s, uint64_t block, uint32_t* words) {
    wide c0, c1 = wide{} + s.node, c2 = wide{} + s.step;
    for (int i = 0; i < blocks_a_group; ++i) c0[i] = block + static_cast<uint64_t>(i);
    wide c3 = s.purpose | c0 >> 32 << 8;
    uint32_t k0 = static_cast<uint32_t>(s.seed), k1 = static_cast<uint32_t>(s.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const wide p = multiply_words(c0, wide{} + 0xD2511F53), q = multiply_words(c2, wide{} + 0xCD9E8D57);
        c0 = q >> 32 ^ c1 ^ (wide{} + k0);
        c2 = p >> 32 ^ c3 ^ (wide{} + k1);
        c1 = q;
        c3 = p;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    const wide first = (c0 & 0xffff'ffff) | c1 << 32, second = (c2 & 0xffff'ffff) | c3 << 32;   // words 0 1 and 2 3
    uint64_t pairs[lanes];
    for (int i = 0; i < blocks_a_group; ++i) {
        pairs[2 * i] = first[i];
        pairs[2 * i + 1] = second[i];
    }
    std::memcpy(words, pairs, sizeof pairs);
}

}  // namespace kn::KN_TARGET
