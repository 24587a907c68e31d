// The highway gate Y = H ⊙ T + X ⊙ (1 − T), T already behind its sigmoid, and its backward pass:
// dH = dY ⊙ T, dT = dY ⊙ (H − X), dX = dY ⊙ (1 − T).
//
// One pass over flat arrays in fixed chunks (32 KB an array, so a chunk stays in L1 and L2), one vector of every array
// in registers; the last vector of the array is loaded and stored in part. All inputs of an element are read before
// its outputs are written, so an output may take over the memory of an input.
#include "elementwise.h"
#include "rows.h"

namespace kn::KN_TARGET {

void highway(const args::highway& a, Context&) {
    elementwise(a.n, 4 * 8, [&](int64_t begin, int64_t end) {
        each_vector(begin, end, [&](int64_t i, int64_t count) {
            const vec H = load_part(a.H + i, count), T = load_part(a.T + i, count), X = load_part(a.X + i, count);
            store_part(a.Y + i, fma(H, T, X * (1.0f - T)), count);
        });
    });
}

void highway_backward(const args::highway_backward& a, Context&) {
    elementwise(a.n, 7 * 8, [&](int64_t begin, int64_t end) {
        each_vector(begin, end, [&](int64_t i, int64_t count) {
            const vec H = load_part(a.H + i, count), T = load_part(a.T + i, count), X = load_part(a.X + i, count);
            const vec dY = load_part(a.dY + i, count);
            store_part(a.dH + i, dY * T, count);
            store_part(a.dT + i, dY * (H - X), count);
            store_part(a.dX + i, dY * (1.0f - T), count);
        });
    });
}

}  // namespace kn::KN_TARGET
