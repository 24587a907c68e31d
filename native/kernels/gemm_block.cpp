// See gemm_block.h. All combinations of rows and vectors are made from one template; the table finds them.
#include "kernels/gemm_block.h"

#include <utility>

namespace kn::KN_TARGET {
namespace {

// The small loops are written out by pragma: what they index must stay in registers.
template <int rows, int vectors, bool along_column>
void multiply(const Block& block) {
    constexpr int count = rows * vectors;                       // sum s is that of row s / vectors
    vec sums[count];
#pragma GCC unroll 64
    for (int s = 0; s < count; ++s) sums[s] = zero();
    const int64_t row = along_column ? 1 : block.row, column = along_column ? block.column : 1, next = block.stride;
    const float* a = block.a;
    const float* b = block.b;
#pragma GCC unroll 4
    for (int64_t p = 0; p < block.k; ++p) {
        vec B[vectors];
#pragma GCC unroll 64
        for (int v = 0; v < vectors; ++v) B[v] = load(b + v * lanes);
#pragma GCC unroll 64
        for (int s = 0; s < count; ++s) sums[s] = fma(broadcast(a[s / vectors * row]), B[s % vectors], sums[s]);
        a += column;
        b += next;
    }
    if (const float* before = block.before) {
        const int64_t stride = block.before_stride;
#pragma GCC unroll 64
        for (int s = 0; s < count; ++s) sums[s] += load(before + s / vectors * stride + s % vectors * lanes);
    }
    if (const float* bias = block.bias)
#pragma GCC unroll 64
        for (int s = 0; s < count; ++s) sums[s] += load(bias + s % vectors * lanes);
    float* const out = block.out;
    const int64_t stride = block.out_stride;
#pragma GCC unroll 64
    for (int s = 0; s < count; ++s) store(out + s / vectors * stride + s % vectors * lanes, sums[s]);
}

struct Table {
    BlockKernel kernels[most_rows][widest][2] = {};
};

template <int rows, int... v>
constexpr void enter(Table& t, std::integer_sequence<int, v...>) {
    ((t.kernels[rows - 1][v][0] = multiply<rows, v + 1, false>, t.kernels[rows - 1][v][1] = multiply<rows, v + 1, true>),
     ...);
}

template <int... r>
constexpr Table table(std::integer_sequence<int, r...>) {
    Table t;
    (enter<r + 1>(t, std::make_integer_sequence<int, most_vectors(r + 1)>()), ...);
    return t;
}

constexpr Table all = table(std::make_integer_sequence<int, most_rows>());

}  // namespace

BlockKernel block_kernel(int rows, int vectors, bool along_column) {
    return all.kernels[rows - 1][vectors - 1][along_column];
}

}  // namespace kn::KN_TARGET
