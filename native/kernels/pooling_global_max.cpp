// The rows global_max and global_max_backward.
//
// Forward: an example walks over its positions before the length, a vector of channels at a time; the running maximum
// and its position stay in registers, the example in L1 or L2. A cell is taken unless it is at most the maximum or that
// is a NaN already: so the first maximum and the first NaN win. Channel remainders: partial loads and stores.
// Backward: an example is cleared, then each channel is stored at its one position.
#include "copy.h"
#include "simd/vec.h"
#include "threads/parallel.h"

namespace kn::KN_TARGET {
namespace {

void greatest(const args::global_max& a, int64_t i) {
    const int64_t given = a.lengths ? a.lengths[i] : a.p, end = given < a.p ? given : a.p;
    each_vector(0, a.c, [&](int64_t c, int64_t count) {
        vec best = broadcast(-__builtin_inff());
        ivec index = ivec{} + (end > 0 ? 0 : -1);
        const float* x = a.X + i * a.p * a.c + c;
        for (int64_t p = 0; p < end; ++p, x += a.c) {
            const vec value = count == lanes ? load(x) : load(x, count);
            const ivec keep = (value <= best) | (best != best);
            best = keep ? best : value;
            index = keep ? index : ivec{} + static_cast<int32_t>(p);
        }
        store(a.Y + i * a.c + c, end > 0 ? best : zero(), count);
        if (a.index)
            for (int64_t lane = 0; lane < count; ++lane) a.index[i * a.c + c + lane] = index[lane];
    });
}

}  // namespace

void global_max(const args::global_max& a, Context&) {
    parallel(a.n, 8.0 * static_cast<double>(a.p * a.c), [&](int64_t i) { greatest(a, i); });
}

void global_max_backward(const args::global_max_backward& a, Context&) {
    parallel(a.n, 8.0 * static_cast<double>(a.p * a.c), [&](int64_t i) {
        float* dX = a.dX + i * a.p * a.c;
        clear_run(dX, a.p * a.c);
        for (int64_t c = 0; c < a.c; ++c) {
            const int64_t at = a.index[i * a.c + c];
            if (at >= 0 && at < a.p) dX[at * a.c + c] = a.dY[i * a.c + c];
        }
    });
}

}  // namespace kn::KN_TARGET
