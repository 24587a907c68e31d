// Working memory of a thread: one block a slot, which only grows, so that a repeated call allocates nothing.
#pragma once
#include <cstddef>

namespace kn {

// Who holds which block. A kernel takes first … fourth; what it calls (gemm) has slots of its own.
enum class Slot { record, gemm_a, gemm_b, gemm_sum, gemm_pieces, first, second, third, fourth, count };

// At least `floats` floats, aligned to 64 bytes, contents undefined. Valid until this thread asks for more in the same
// slot. Every thread has blocks of its own: what all chunks shall read (packed weights) is asked for before `parallel`
// and passed in by pointer; what a chunk needs for itself is asked for inside the chunk. Throws std::bad_alloc.
float* scratch(Slot slot, size_t floats);

}  // namespace kn
