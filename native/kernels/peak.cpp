// Independent multiply-adds in registers: as many sums as hide the latency of the two units, no memory at all.
#include "simd/vec.h"

namespace kn::KN_TARGET {

double multiply_add(int64_t rounds) {
    constexpr int sums = 12, steps = 32;
    vec s[sums];
    for (int i = 0; i < sums; ++i) s[i] = broadcast(static_cast<float>(i));
    vec a = broadcast(0.5f), b = broadcast(1.0f);
    for (int64_t round = 0; round < rounds; ++round) {
        for (int step = 0; step < steps; ++step)
            for (int i = 0; i < sums; ++i) s[i] = fma(s[i], a, b);
#if defined(__x86_64__)
        asm volatile("" : "+x"(a), "+x"(b));
#else
        asm volatile("" : "+w"(a), "+w"(b));
#endif
    }
    vec all = s[0];
    for (int i = 1; i < sums; ++i) all += s[i];
    volatile float keep = sum(all);
    static_cast<void>(keep);
    return 2.0 * lanes * sums * steps * static_cast<double>(rounds);
}

}  // namespace kn::KN_TARGET
