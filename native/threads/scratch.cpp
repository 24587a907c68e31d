#include "scratch.h"

#include <cstdlib>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace kn {
namespace {

constexpr size_t line = 64, huge = size_t{2} << 20;

struct Block {
    void* memory = nullptr;
    size_t bytes = 0;
};

struct Blocks {
    Block blocks[static_cast<int>(Slot::count)];
    ~Blocks() {
        for (Block& b : blocks) std::free(b.memory);
    }
};

thread_local Blocks own;

// The old contents are not needed: freed first, so that both never exist at once.
void grow(Block& b, size_t bytes) {
    const size_t unit = bytes >= huge / 2 ? huge : line;
    bytes = (bytes + unit - 1) / unit * unit;
    std::free(b.memory);
    b = {};
    void* memory = std::aligned_alloc(unit, bytes);
    if (!memory) throw std::bad_alloc();
#if defined(__linux__)
    if (unit == huge) madvise(memory, bytes, MADV_HUGEPAGE);    // fewer page faults and table look-ups; may be refused
#endif
    b = {memory, bytes};
}

}  // namespace

float* scratch(Slot slot, size_t floats) {
    Block& b = own.blocks[static_cast<int>(slot)];
    const size_t bytes = (floats ? floats : 1) * sizeof(float);
    if (bytes < floats) throw std::bad_alloc();
    if (b.bytes < bytes) grow(b, bytes);
    return static_cast<float*>(b.memory);
}

}  // namespace kn
