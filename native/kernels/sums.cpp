// Column sums of an (n, k) array. Chunks of rows, of a fixed number of floats, are summed each into a row of its own in
// scratch, some vectors of columns at a time in registers; these rows are added up in order. Bound by memory.
#include "kernels/sums.h"

#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// out = sums of rows begin … end - 1, for `vectors` vectors of columns from X on; the last may be a part.
template <int vectors>
void sum_block(const float* X, int64_t rows, int64_t k, int64_t columns, float* out) {
    const int64_t rest = columns - (vectors - 1) * lanes;
    vec sums[vectors] = {};
    for (int64_t i = 0; i < rows; ++i, X += k) {
        for (int v = 0; v < vectors - 1; ++v) sums[v] += load(X + v * lanes);
        sums[vectors - 1] += rest == lanes ? load(X + (vectors - 1) * lanes) : load(X + (vectors - 1) * lanes, rest);
    }
    for (int v = 0; v < vectors - 1; ++v) store(out + v * lanes, sums[v]);
    store(out + (vectors - 1) * lanes, sums[vectors - 1], rest);
}

void sum_some(const float* X, int64_t rows, int64_t k, float* out) {
    constexpr int64_t four = 4 * lanes;
    int64_t j = 0;
    for (; j + four <= k; j += four) sum_block<4>(X + j, rows, k, four, out + j);
    for (; j < k; j += lanes) sum_block<1>(X + j, rows, k, k - j < lanes ? k - j : lanes, out + j);
}

}  // namespace

void sum_rows(const float* X, int64_t n, int64_t k, float* out, bool add) {
    const int64_t some = k < 16384 ? 16384 / (k > 0 ? k : 1) : 1, chunks = n > some ? (n + some - 1) / some : 1;
    float* partial = scratch(Slot::gemm_pieces, static_cast<size_t>(chunks * k));
    parallel(chunks, 8.0 * static_cast<double>(some * k), [&](int64_t chunk) {
        const int64_t begin = chunk * some, rows = n - begin < some ? n - begin : some;
        sum_some(X + begin * k, rows, k, partial + chunk * k);
    });
    each_vector(0, k, [&](int64_t j, int64_t count) {
        const auto get = [count](const float* from) { return count == lanes ? load(from) : load(from, count); };
        vec sum = get(partial + j);
        for (int64_t chunk = 1; chunk < chunks; ++chunk) sum += get(partial + chunk * k + j);
        store(out + j, add ? get(out + j) + sum : sum, count);
    });
}

}  // namespace kn::KN_TARGET
