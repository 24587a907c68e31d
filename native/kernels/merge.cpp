// Arrays side by side and their parts (concat, split), and pictures framed with zeros or cropped (pad).
//
// Chunks of rows of about 32 KB; in a chunk array by array, row by row, each row one copy. No arithmetic, so nothing
// stays in registers and there are no remainders.
#include "copy.h"
#include "simd/vec.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

// Calls f(entry, row, offset of the entry's columns) for all rows of all arrays that are there.
template <class F>
void each_row(int64_t n, int64_t k, int64_t count, const Entry* entries, F&& f) {
    const Rows rows(n, k);
    parallel(rows.chunks, 16.0 * static_cast<double>(rows.size * k), [&](int64_t chunk) {
        const int64_t begin = chunk * rows.size, end = begin + rows.size < n ? begin + rows.size : n;
        int64_t offset = 0;
        for (int64_t e = 0; e < count; offset += entries[e++].code)
            if (entries[e].array)
                for (int64_t r = begin; r < end; ++r) f(entries[e], r, offset);
    });
}

}  // namespace

void concat(const args::concat& a, Context&) {
    each_row(a.n, a.k, a.count, a.entries, [&](const Entry& X, int64_t r, int64_t offset) {
        copy_run(a.Y + r * a.k + offset, X.array + r * X.code, X.code);
    });
}

void split(const args::split& a, Context&) {
    each_row(a.n, a.k, a.count, a.entries, [&](const Entry& X, int64_t r, int64_t offset) {
        copy_run(X.array + r * X.code, a.Y + r * a.k + offset, X.code);
    });
}

void pad(const args::pad& a, Context&) {
    const int64_t top = a.padding[0], left = a.padding[2], width = a.j * a.c;
    // Columns [first, last) of the output have a column of the input.
    const int64_t first = left > 0 ? left : 0, end = a.w + left < a.j ? a.w + left : a.j;
    const int64_t last = end > first ? end : first;
    parallel(a.n * a.i, 16 * static_cast<double>(width), [&](int64_t r) {
        const int64_t image = r / a.i, row = r % a.i - top;
        float* Y = a.Y + r * width;
        if (row < 0 || row >= a.h || first >= a.j) return clear_run(Y, width);
        clear_run(Y, first * a.c);
        copy_run(Y + first * a.c, a.X + ((image * a.h + row) * a.w + first - left) * a.c, (last - first) * a.c);
        clear_run(Y + last * a.c, width - last * a.c);
    });
}

}  // namespace kn::KN_TARGET
