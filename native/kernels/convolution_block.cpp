// Chooses the block size of the inner loop (convolution_block.h) for the rows of a job.
#include "kernels/convolution_block.h"

namespace kn::KN_TARGET {

template <int R>
static void run_of_size(const BlockJob& job, int64_t first, int64_t blocks, int64_t size, int vectors) {
    if (size == R)
        return vectors == 2 ? run_blocks<R, 2>(job, first, blocks) : run_blocks<R, 1>(job, first, blocks);
    if constexpr (R > 1) run_of_size<R - 1>(job, first, blocks, size, vectors);
}

void run_rows(const BlockJob& job, int64_t rows, int vectors) {
    int64_t whole = rows / block_rows, rest = rows % block_rows;
    if (rest > 0 && rest * 3 < block_rows * 2 && whole > 0) {       // 6 + 1 rows: 4 + 3 keep more sums in flight
        whole -= 1;
        rest += block_rows;
    }
    if (whole > 0) run_of_size<block_rows>(job, 0, whole, block_rows, vectors);
    int64_t first = whole * block_rows;
    if (rest > block_rows) {
        const int64_t half = (rest + 1) / 2;
        run_of_size<block_rows>(job, first, 1, half, vectors);
        first += half;
        rest -= half;
    }
    if (rest > 0) run_of_size<block_rows>(job, first, 1, rest, vectors);
}

}  // namespace kn::KN_TARGET
