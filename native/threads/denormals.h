// Numbers below the smallest normal one cost a hundred cycles each and never matter to a network: inside the engine's
// own work they count as 0. The processor's switch belongs to the thread, so it is set for a run and put back after it.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace kn {

class FlushDenormals {
public:
    FlushDenormals() : before(read()) { write(before | flush); }
    ~FlushDenormals() { write(before); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
#if defined(__x86_64__)
    using Register = unsigned;
    static constexpr Register flush = 0x8040;               // FTZ: results, DAZ: operands
    static Register read() { return _mm_getcsr(); }
    static void write(Register r) { _mm_setcsr(r); }
#elif defined(__aarch64__)
    using Register = uint64_t;
    static constexpr Register flush = uint64_t{1} << 24;    // FZ: both
    static Register read() { Register r; asm volatile("mrs %0, fpcr" : "=r"(r)); return r; }
    static void write(Register r) { asm volatile("msr fpcr, %0" : : "r"(r)); }
#else
    using Register = unsigned;
    static constexpr Register flush = 0;
    static Register read() { return 0; }
    static void write(Register) {}
#endif
    Register before;
};

}  // namespace kn
