// See gemm_pieces.h. The sums are added up in chunks of rows, a run of 64 columns at a time in a buffer in L1.
#include "kernels/gemm_pieces.h"

#include "kernels/gemm_cuts.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

struct Partial {
    const float* sums;
    int64_t pieces, size;
};

// Row i of C from the sums of the pieces.
void add_up(const Product& p, const Partial& partial, int64_t i) {
    constexpr int64_t room = 64;
    alignas(64) float buffer[room];
    for (int64_t j = 0; j < p.n; j += room) {
        const int64_t columns = least(room, p.n - j);
        each_vector(0, columns, [&](int64_t c, int64_t n) {
            const auto get = [n](const float* from) { return n == lanes ? load(from) : load(from, n); };
            const float* from = partial.sums + i * p.n + j + c;
            vec sum = get(from);
            for (int64_t piece = 1; piece < partial.pieces; ++piece) sum += get(from + piece * partial.size);
            if (p.bias) sum += get(p.bias + j + c);
            if (p.add) sum += get(p.C + i * p.width + j + c);
            store(buffer + c, sum);
        });
        finish(p.steps, buffer, 1, columns, room, p.C, i * p.width + j, p.width);
    }
}

}  // namespace

int64_t pieces_of(const Product& p) {
    if (p.k >= 4096 && p.m * p.n <= 128 * 128) return least(p.k / 2048, 16);
    if (p.B.column == 1 && p.m <= 64 && p.k >= 512 && p.k >= 8 * p.m && p.m * p.n <= 128 * 128) return 4;
    return 1;
}

void gemm_in_pieces(const Product& p, int64_t pieces) {
    const int64_t size = p.m * p.n;
    float* sums = scratch(Slot::gemm_pieces, static_cast<size_t>(pieces * size));
    parallel(pieces, 2.0 * static_cast<double>(size) * static_cast<double>(p.k / pieces), [&](int64_t i) {
        const int64_t begin = cut(p.k, pieces, i);
        Product piece = p;
        piece.k = cut(p.k, pieces, i + 1) - begin;
        piece.A.data += begin * p.A.column;
        piece.B.data += begin * p.B.row;
        piece.C = sums + i * size;
        piece.width = p.n;
        piece.bias = nullptr;
        piece.add = false;
        piece.steps = {nullptr, 0, nullptr};
        gemm_undivided(piece);
    });
    constexpr int64_t some = 8;
    parallel(up(p.m, some), 8.0 * static_cast<double>(some * p.n * pieces), [&](int64_t chunk) {
        for (int64_t i = chunk * some; i < least(p.m, (chunk + 1) * some); ++i) add_up(p, {sums, pieces, size}, i);
    });
}

}  // namespace kn::KN_TARGET
