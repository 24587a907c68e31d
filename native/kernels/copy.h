// Copies and zeros of runs of floats, any number of them, none included.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kn::KN_TARGET {

inline void copy_run(float* to, const float* from, int64_t count) {
    if (count > 0 && to != from) __builtin_memcpy(to, from, sizeof(float) * static_cast<size_t>(count));
}

inline void clear_run(float* to, int64_t count) {
    if (count > 0) __builtin_memset(to, 0, sizeof(float) * static_cast<size_t>(count));
}

// Cuts n rows of `width` floats into chunks of about 32 KB.
struct Rows {
    int64_t size, chunks;
    Rows(int64_t n, int64_t width) : size(width < 1 ? 1 << 13 : width < 1 << 13 ? (1 << 13) / width : 1),
                                     chunks((n + size - 1) / size) {}
};

}  // namespace kn::KN_TARGET
