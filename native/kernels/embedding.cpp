// Embedding: Y[i] = W[index[i]], and its weight gradients: row r of dW is the sum of the rows dY[i] with index[i] = r,
// in the order of the batch.
//
// Every index is looked at before anything is read or written: one outside the table refuses the call.
// Forward: chunks of positions, a row is one copy. Gradients: the positions are sorted by
// index (counting sort, stable), then chunks of table rows are formed, each row as a whole: four vectors at a time stay
// in registers while the list of its positions is run through, and are stored (or added) once. So no row is touched by
// two threads, and no sum depends on their number.
#include "columns.h"
#include "copy.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// The first position whose index is not a row of the table, or n.
int64_t first_bad(const int32_t* index, int64_t n, int64_t rows) {
    for (int64_t i = 0; i < n; ++i)
        if (index[i] < 0 || index[i] >= rows) return i;
    return n;
}

bool refused(const int32_t* index, int64_t n, int64_t rows, Context& context) {
    const int64_t bad = first_bad(index, n, rows);
    if (bad < n) context.refuse(bad_index, bad, index[bad]);
    return bad < n;
}

// Positions sorted by index: those of row r are order[start[r]] … order[start[r + 1] - 1], in the order of the batch.
struct Sorted {
    const int64_t* start;
    const int64_t* order;
};

Sorted sort(const int32_t* index, int64_t n, int64_t rows) {
    // Two floats hold one int64. `start` is filled one place further on, so that it ends up where it belongs.
    int64_t* start = reinterpret_cast<int64_t*>(scratch(Slot::first, 2 * static_cast<size_t>(rows + 2)));
    int64_t* order = reinterpret_cast<int64_t*>(scratch(Slot::second, 2 * static_cast<size_t>(n)));
    for (int64_t r = 0; r < rows + 2; ++r) start[r] = 0;
    for (int64_t i = 0; i < n; ++i) ++start[index[i] + 2];
    for (int64_t r = 2; r < rows + 2; ++r) start[r] += start[r - 1];
    for (int64_t i = 0; i < n; ++i) order[start[index[i] + 1]++] = i;
    return {start, order};
}

// One row of dW: the sum of the rows of dY at the positions [first, last).
void sum_rows(const float* dY, int64_t m, const int64_t* first, const int64_t* last, float* dW, bool add) {
    column_blocks(m, [&](auto vectors, int64_t j, int64_t count) {
        constexpr int V = decltype(vectors)::count;
        vec total[V] = {};
        for (const int64_t* i = first; i < last; ++i)
            for (int v = 0; v < V; ++v) total[v] = total[v] + take<V>(dY + *i * m + j, v, count);
        for (int v = 0; v < V; ++v)
            put<V>(dW + j, v, add ? take<V>(dW + j, v, count) + total[v] : total[v], count);
    });
}

}  // namespace

void embedding(const args::embedding& a, Context& context) {
    if (refused(a.index, a.n, a.v, context)) return;
    const Rows rows(a.n, a.m);
    parallel(rows.chunks, 16.0 * static_cast<double>(rows.size * a.m), [&](int64_t chunk) {
        const int64_t end = (chunk + 1) * rows.size < a.n ? (chunk + 1) * rows.size : a.n;
        for (int64_t i = chunk * rows.size; i < end; ++i) copy_run(a.Y + i * a.m, a.W + a.index[i] * a.m, a.m);
    });
}

void embedding_gradients(const args::embedding_gradients& a, Context& context) {
    if (refused(a.index, a.n, a.v, context)) return;
    const Sorted sorted = sort(a.index, a.n, a.v);
    const Rows rows(a.v, a.m);
    const double work = 8.0 * static_cast<double>((a.v + a.n) * a.m);
    parallel(rows.chunks, work / static_cast<double>(rows.chunks > 0 ? rows.chunks : 1), [&](int64_t chunk) {
        const int64_t end = (chunk + 1) * rows.size < a.v ? (chunk + 1) * rows.size : a.v;
        for (int64_t r = chunk * rows.size; r < end; ++r) {
            const int64_t *first = sorted.order + sorted.start[r], *last = sorted.order + sorted.start[r + 1];
            if (a.add && first == last) continue;
            sum_rows(a.dY, a.m, first, last, a.dW + r * a.m, a.add);
        }
    });
}

}  // namespace kn::KN_TARGET
