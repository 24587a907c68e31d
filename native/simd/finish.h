// Finishing steps: what a carrier (dense, conv2d and their backward passes) does to its result before it is stored.
//
// A carrier forms a tile of its result in registers, puts it into a small buffer of its own (it stays in L1), and calls
// `finish`, which applies the steps one after the other and then stores the tile. The operand of a step (the mask of
// relu_backward, the other summand of add) may be the very memory that the result goes to: so a carrier must not write
// to its output before `finish` does, also not partial sums.
// The arithmetic of a step is that of its kernel (steps.h): fused and plain calls give the same bits.
#pragma once
#include "simd/vec.h"

namespace kn::KN_TARGET {

struct Finish {
    const Entry* entries;
    int64_t count;
    const Context* context;
};

// The tile holds `rows` x `columns` floats, its rows `tile_stride` floats apart; readable and writable up to a whole
// vector behind each row's end (padding: tile_stride at least `columns` rounded up to the vector). Element (r, c)
// belongs to element index + r * width + c of the output array (and of every operand), `out` is that ARRAY's start.
// The tile's contents are used up.
void finish(const Finish& steps, float* tile, int64_t rows, int64_t columns, int64_t tile_stride, float* out,
            int64_t index, int64_t width);

}  // namespace kn::KN_TARGET
