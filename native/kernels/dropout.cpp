// Dropout, forward and backward: Y = X ⊙ M / (1 - rate), the mask drawn again from (seed, node, step) each time; and the
// masks of recurrent states, which are dropout of ones.
//
// Runs of 256 elements: their words are drawn into a buffer in L1, from the block that holds the first element on, then
// compared and applied a vector at a time. The bound is the generator: some 2 cycles an element. Chunks are fixed; the
// remainder of a run is a part of a vector.
#include "kernels/dropout.h"

#include "kernels/elementwise.h"

namespace kn::KN_TARGET {

Dropout::Dropout(const State& state, double rate, int64_t node)
    : stream(state, node, DROPOUT), threshold(static_cast<int32_t>(__builtin_ceil(rate * 16777216.0))),
      scale(static_cast<float>(1.0 / (1.0 - rate))) {}

void dropout(const Dropout& d, const float* x, float* y, int64_t index, int64_t count) {
    constexpr int64_t run = 256;
    uint32_t words[run + 2 * words_a_group];
    for (int64_t begin = 0; begin < count; begin += run) {
        const int64_t first = index + begin, length = count - begin < run ? count - begin : run, skip = first % 4;
        for (int64_t w = 0; w < skip + length; w += words_a_group)
            philox(d.stream, static_cast<uint64_t>((first + w) / 4), words + w);
        each_vector(0, length, [&](int64_t i, int64_t n) {
            uvec word;
            std::memcpy(&word, words + skip + i, sizeof word);
            const ivec stays = reinterpret_cast<ivec>(word >> 8) >= d.threshold;
            const float* from = x + begin + i;
            const vec kept = select(stays, (n == lanes ? load(from) : load(from, n)) * d.scale, zero());
            if (n == lanes) store(y + begin + i, kept);
            else store(y + begin + i, kept, n);
        });
    }
}

namespace {

void run(const float* X, float* Y, int64_t n, double rate, int64_t node, const State& state) {
    const Dropout d(state, rate, node);
    elementwise(n, 40, [&](int64_t begin, int64_t end) { dropout(d, X + begin, Y + begin, begin, end - begin); });
}

}  // namespace

void dropout(const args::dropout& a, Context& c) { run(a.X, a.Y, a.n, a.rate, a.node, *c.state); }

void state_mask(const args::state_mask& a, Context& c) {
    const Dropout d(*c.state, a.rate, a.node);
    const int64_t first = a.reverse * a.n * a.k;
    elementwise(a.n * a.k, 40, [&](int64_t begin, int64_t end) {
        each_vector(begin, end, [&](int64_t i, int64_t count) { store(a.M + i, broadcast(1.0f), count); });
        dropout(d, a.M + begin, a.M + begin, first + begin, end - begin);
    });
}

void dropout_backward(const args::dropout_backward& a, Context& c) { run(a.dY, a.dX, a.n, a.rate, a.node, *c.state); }

}  // namespace kn::KN_TARGET
