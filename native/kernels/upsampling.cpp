// The rows upsample2d, upsample2d_backward, max_unpool2d_backward, add_bias and bias_gradients.
//
// Upsampling: an output row is a mean of one or two input rows, so one row of sums is made first (in L1), and every
// output place is a mean of one or two places of it, a vector of channels at a time. Backward: an input row gathers
// the output rows it fed, in their order, into one row of sums, then each place gathers the places it fed: nothing is
// scattered, so chunks (one row each) share no output. Channel remainders: partial loads and stores.
// Unpooling backward: each place reads the one element its index names.
#include <cmath>

#include "copy.h"
#include "elementwise.h"
#include "rows.h"
#include "sums.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

// The one or two inputs that output i of an axis is made of.
struct Taps {
    int64_t at, next;
    float here, there;
};

Taps taps(int64_t i, int64_t factor, int64_t size, bool bilinear) {
    if (!bilinear) return {i / factor, i / factor, 1.0f, 0.0f};
    double place = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    const double last = static_cast<double>(size - 1);
    place = place < 0.0 ? 0.0 : place > last ? last : place;
    int64_t at = static_cast<int64_t>(place);
    if (at > size - 2) at = size > 1 ? size - 2 : 0;
    const double part = place - static_cast<double>(at);
    return {at, size > 1 ? at + 1 : at, static_cast<float>(1.0 - part), size > 1 ? static_cast<float>(part) : 0.0f};
}

// to = a x + b y for a run of floats; y is not read where b is 0.
void mean_run(float* to, const float* x, float a, const float* y, float b, int64_t count) {
    if (b == 0.0f && a == 1.0f) return copy_run(to, x, count);
    each_vector(0, count, [&](int64_t i, int64_t n) {
        vec v = load_part(x + i, n) * a;
        if (b != 0.0f) v = fma(load_part(y + i, n), broadcast(b), v);
        store_part(to + i, v, n);
    });
}

// to += a x
void add_run(float* to, const float* x, float a, int64_t count) {
    each_vector(0, count, [&](int64_t i, int64_t n) {
        store_part(to + i, fma(load_part(x + i, n), broadcast(a), load_part(to + i, n)), n);
    });
}

// Calls f(i, weight) for the outputs of an axis that input `at` feeds, in their order.
template <class F>
void fed_by(int64_t at, int64_t factor, int64_t size, bool bilinear, F&& f) {
    const int64_t begin = bilinear && at > 0 ? (at - 1) * factor : at * factor;
    const int64_t end = bilinear && at + 1 < size ? (at + 2) * factor : (at + 1) * factor;
    for (int64_t i = begin; i < end; ++i) {
        const Taps t = taps(i, factor, size, bilinear);
        const float weight = (t.at == at ? t.here : 0.0f) + (t.next == at && t.next != t.at ? t.there : 0.0f);
        if (weight != 0.0f) f(i, weight);
    }
}

}  // namespace

void upsample2d(const args::upsample2d& a, Context&) {
    const int64_t in = a.w * a.c;
    parallel(a.n * a.i, 8.0 * static_cast<double>(a.j * a.c), [&](int64_t row) {
        float* sums = scratch(Slot::first, static_cast<size_t>(in));
        const Taps y = taps(row % a.i, a.factor[0], a.h, a.bilinear != 0);
        const float* X = a.X + row / a.i * a.h * in;
        mean_run(sums, X + y.at * in, y.here, X + y.next * in, y.there, in);
        for (int64_t j = 0; j < a.j; ++j) {
            const Taps x = taps(j, a.factor[1], a.w, a.bilinear != 0);
            mean_run(a.Y + (row * a.j + j) * a.c, sums + x.at * a.c, x.here, sums + x.next * a.c, x.there, a.c);
        }
    });
}

void upsample2d_backward(const args::upsample2d_backward& a, Context&) {
    const int64_t out = a.j * a.c;
    const bool bilinear = a.bilinear != 0;
    parallel(a.n * a.h, 8.0 * static_cast<double>(a.factor[0] * out), [&](int64_t row) {
        float* sums = scratch(Slot::first, static_cast<size_t>(out));
        clear_run(sums, out);
        const float* dY = a.dY + row / a.h * a.i * out;
        fed_by(row % a.h, a.factor[0], a.h, bilinear,
               [&](int64_t i, float weight) { add_run(sums, dY + i * out, weight, out); });
        for (int64_t x = 0; x < a.w; ++x) {
            float* dX = a.dX + (row * a.w + x) * a.c;
            clear_run(dX, a.c);
            fed_by(x, a.factor[1], a.w, bilinear,
                   [&](int64_t j, float weight) { add_run(dX, sums + j * a.c, weight, a.c); });
        }
    });
}

void max_unpool2d_backward(const args::max_unpool2d_backward& a, Context&) {
    parallel(a.n * a.i, 8.0 * static_cast<double>(a.j * a.c), [&](int64_t row) {
        const int64_t n = row / a.i, top = row % a.i * a.stride[0] - a.padding[0];
        for (int64_t j = 0; j < a.j; ++j) {
            const int64_t left = j * a.stride[1] - a.padding[2], place = (row * a.j + j) * a.c;
            for (int64_t c = 0; c < a.c; ++c) {
                const int64_t cell = a.index[place + c];
                const int64_t y = top + cell / a.window[1], x = left + cell % a.window[1];
                const bool inside = y >= 0 && y < a.h && x >= 0 && x < a.w;
                a.dX[place + c] = inside ? a.dY[((n * a.h + y) * a.w + x) * a.c + c] : 0.0f;
            }
        }
    });
}

void add_bias(const args::add_bias& a, Context&) {
    each_rows(a.n, a.k, 8, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
            each_vector(0, a.k, [&](int64_t j, int64_t n) {
                store_part(a.Y + i * a.k + j, load_part(a.X + i * a.k + j, n) + load_part(a.b + j, n), n);
            });
    });
}

void bias_gradients(const args::bias_gradients& a, Context&) {
    sum_rows(a.dY, a.n, a.k, a.db, (a.add & 1) != 0);
}

}  // namespace kn::KN_TARGET
