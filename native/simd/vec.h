// One vector of floats, as wide as the instruction set that this file is compiled for: 16 lanes with AVX-512, 8 with
// AVX2, 4 with SSE2 and NEON. Arithmetic is the compiler's (+ - * / < on vector types); this file adds what it lacks.
//
// Rounding is defined: the build forbids the compiler to contract a * b + c, so a fused multiply-add stands where `fma`
// is written and nowhere else (where there is no such instruction, `fma` rounds twice).
// A remainder of less than a vector is loaded and stored in part and computed like a whole one, so the bits of an
// element do not depend on where in the array it lies.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#ifndef KN_TARGET
#error "kernels are compiled with -DKN_TARGET=baseline, avx2, avx512 or neon"
#endif

namespace kn::KN_TARGET {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX2__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
#if defined(__AVX512F__) || !defined(__x86_64__)
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif

typedef float vec __attribute__((vector_size(4 * lanes)));
typedef int32_t ivec __attribute__((vector_size(4 * lanes)));
typedef uint32_t uvec __attribute__((vector_size(4 * lanes)));
typedef float unaligned_vec __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

inline vec load(const float* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
inline void store(float* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
inline vec broadcast(float x) { return x - vec{}; }                 // x - 0: keeps -0 and NaN
inline vec zero() { return vec{}; }

inline ivec iota() {
    ivec v;
    for (int i = 0; i < lanes; ++i) v[i] = i;
    return v;
}

// The first `count` lanes, 0 <= count <= lanes; the others are 0 and their memory is not touched.
inline vec load(const float* p, int64_t count) {
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#elif defined(__AVX2__)
    return _mm256_maskload_ps(p, reinterpret_cast<__m256i>(iota() < static_cast<int32_t>(count)));
#else
    if (count >= lanes) return load(p);
    vec v{};
    if (count > 0) v[0] = p[0];
    if (count > 1) v[1] = p[1];
    if (count > 2) v[2] = p[2];
    return v;
#endif
}

inline void store(float* p, vec v, int64_t count) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
#elif defined(__AVX2__)
    if (count >= lanes) return store(p, v);         // a masked store costs some 15 cycles on AMD; halves do not
    __m128 half = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(p, half);
        half = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (count & 2) {
        _mm_storel_pi(reinterpret_cast<__m64*>(p), half);
        half = _mm_movehl_ps(half, half);
        p += 2;
    }
    if (count & 1) _mm_store_ss(p, half);
#else
    if (count >= lanes) return store(p, v);
    if (count > 0) p[0] = v[0];
    if (count > 1) p[1] = v[1];
    if (count > 2) p[2] = v[2];
#endif
}

// a * b + c, rounded once where the instruction set has it.
inline vec fma(vec a, vec b, vec c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

inline vec select(ivec condition, vec yes, vec no) { return condition ? yes : no; }

// b where either is NaN.
inline vec max(vec a, vec b) {
#if defined(__AVX512F__)
    return _mm512_maskz_max_ps(0xffff, a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#else
    return a > b ? a : b;
#endif
}

inline vec min(vec a, vec b) {
#if defined(__AVX512F__)
    return _mm512_maskz_min_ps(0xffff, a, b);
#elif defined(__AVX2__)
    return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
    return _mm_min_ps(a, b);
#else
    return a < b ? a : b;
#endif
}

inline vec as_float(ivec v) { return reinterpret_cast<vec>(v); }
inline ivec as_int(vec v) { return reinterpret_cast<ivec>(v); }
inline vec abs(vec v) { return as_float(as_int(v) & 0x7fffffff); }
inline vec with_sign_of(vec v, vec sign) {                          // v >= 0
    return as_float(as_int(v) | (as_int(sign) & INT32_MIN));
}

inline vec sqrt(vec v) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_ps(0xffff, v);
#elif defined(__AVX2__)
    return _mm256_sqrt_ps(v);
#elif defined(__SSE2__)
    return _mm_sqrt_ps(v);
#elif defined(__ARM_NEON)
    return vsqrtq_f32(v);
#else
    for (int i = 0; i < lanes; ++i) v[i] = __builtin_sqrtf(v[i]);
    return v;
#endif
}

// The sum and the maximum of all lanes: halves are folded onto each other, so the order is fixed.
inline float sum(vec v) {
    float x[lanes];
    store(x, v);
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) x[i] += x[i + half];
    return x[0];
}

inline float maximum(vec v) {
    float x[lanes];
    store(x, v);
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
    return x[0];
}

// Calls f(i, count) for the vectors that cover [begin, end): count == lanes, at last the remainder.
template <class F>
inline void each_vector(int64_t begin, int64_t end, F&& f) {
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) f(i, int64_t{lanes});
    if (i < end) f(i, end - i);
}

}  // namespace kn::KN_TARGET
