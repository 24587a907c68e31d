// See gemm_block.h. All combinations of rows and vectors are made from one template; the table finds them.
#include "kernels/gemm_block.h"

#include <utility>

namespace kn::KN_TARGET {
namespace {

template <int rows, int vectors, bool along_column>
void multiply(const Block& block) {
    vec sums[rows][vectors];
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v) sums[i][v] = zero();
    const int64_t row = along_column ? 1 : block.row, column = along_column ? block.column : 1;
    const float* a = block.a;
    const float* b = block.b;
#pragma GCC unroll 4
    for (int64_t p = 0; p < block.k; ++p) {
        vec B[vectors];
        for (int v = 0; v < vectors; ++v) B[v] = load(b + v * lanes);
        for (int i = 0; i < rows; ++i) {
            const vec A = broadcast(a[i * row]);
            for (int v = 0; v < vectors; ++v) sums[i][v] = fma(A, B[v], sums[i][v]);
        }
        a += column;
        b += block.stride;
    }
    if (block.before)
        for (int i = 0; i < rows; ++i)
            for (int v = 0; v < vectors; ++v) sums[i][v] += load(block.before + i * block.before_stride + v * lanes);
    if (block.bias)
        for (int v = 0; v < vectors; ++v) {
            const vec bias = load(block.bias + v * lanes);
            for (int i = 0; i < rows; ++i) sums[i][v] += bias;
        }
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v) store(block.out + i * block.out_stride + v * lanes, sums[i][v]);
}

struct Table {
    BlockKernel kernels[most_rows][widest][2] = {};
};

// A block of many rows may be one row less than the height its width was chosen for.
template <int rows>
constexpr int vectors_of = most_vectors(rows);

template <int rows, int... v>
constexpr void enter(Table& t, std::integer_sequence<int, v...>) {
    ((t.kernels[rows - 1][v][0] = multiply<rows, v + 1, false>, t.kernels[rows - 1][v][1] = multiply<rows, v + 1, true>),
     ...);
}

template <int... r>
constexpr Table table(std::integer_sequence<int, r...>) {
    Table t;
    (enter<r + 1>(t, std::make_integer_sequence<int, vectors_of<r + 1>>()), ...);
    return t;
}

constexpr Table all = table(std::make_integer_sequence<int, most_rows>());

}  // namespace

BlockKernel block_kernel(int rows, int vectors, bool along_column) {
    return all.kernels[rows - 1][vectors - 1][along_column];
}

}  // namespace kn::KN_TARGET
