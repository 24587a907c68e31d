// Applies finishing steps to a tile that lies in L1, one step over the whole tile after the other, then stores it. One
// switch a step and tile; the tile's rows are padded to whole vectors, only operands and the output have a remainder.
#include "simd/finish.h"

#include "kernels/dropout.h"
#include "simd/steps.h"

namespace kn::KN_TARGET {
namespace {

struct Tile {
    float* data;
    int64_t rows, columns, stride, index, width;

    // data = f(data)
    template <class F>
    void apply(F&& f) const {
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < columns; c += lanes) {
                float* p = data + r * stride + c;
                store(p, f(load(p)));
            }
    }

    // data = f(data, operand)
    template <class F>
    void apply(const float* operand, F&& f) const {
        for (int64_t r = 0; r < rows; ++r) {
            float* row = data + r * stride;
            const float* other = operand + index + r * width;
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                store(row + c, f(load(row + c), n == lanes ? load(other + c) : load(other + c, n)));
            });
        }
    }
};

void apply(const Entry& e, const Tile& tile, const State& state) {
    const float a = static_cast<float>(e.a.d);
    switch (static_cast<Step>(e.code)) {
        case Step::relu: return tile.apply([](vec x) { return relu(x); });
        case Step::relu_backward: return tile.apply(e.array, [](vec x, vec y) { return relu_backward(x, y); });
        case Step::leaky_relu: return tile.apply([a](vec x) { return leaky_relu(x, a); });
        case Step::leaky_relu_backward:
            return tile.apply(e.array, [a](vec x, vec y) { return leaky_relu_backward(x, y, a); });
        case Step::elu: return tile.apply([a](vec x) { return elu(x, a); });
        case Step::elu_backward: return tile.apply(e.array, [a](vec x, vec y) { return elu_backward(x, y, a); });
        case Step::gelu: return tile.apply([](vec x) { return gelu(x); });
        case Step::gelu_backward: return tile.apply(e.array, [](vec x, vec y) { return gelu_backward(x, y); });
        case Step::silu: return tile.apply([](vec x) { return silu(x); });
        case Step::silu_backward: return tile.apply(e.array, [](vec x, vec y) { return silu_backward(x, y); });
        case Step::tanh: return tile.apply([](vec x) { return tanh(x); });
        case Step::tanh_backward: return tile.apply(e.array, [](vec x, vec y) { return tanh_backward(x, y); });
        case Step::sigmoid: return tile.apply([](vec x) { return sigmoid(x); });
        case Step::sigmoid_backward: return tile.apply(e.array, [](vec x, vec y) { return sigmoid_backward(x, y); });
        case Step::add: return tile.apply(e.array, [](vec x, vec y) { return add(x, y); });
        case Step::dropout:
        case Step::dropout_backward: {
            const Dropout d(state, e.a.d, e.b.i);
            for (int64_t r = 0; r < tile.rows; ++r) {
                float* row = tile.data + r * tile.stride;
                dropout(d, row, row, tile.index + r * tile.width, tile.columns);
            }
        }
    }
}

}  // namespace

void finish(const Finish& steps, float* data, int64_t rows, int64_t columns, int64_t tile_stride, float* out,
            int64_t index, int64_t width) {
    const Tile tile{data, rows, columns, tile_stride, index, width};
    for (int64_t i = 0; i < steps.count; ++i) apply(steps.entries[i], tile, *steps.context->state);
    for (int64_t r = 0; r < rows; ++r) {
        const float* row = data + r * tile_stride;
        float* to = out + index + r * width;
        each_vector(0, columns, [&](int64_t c, int64_t n) {
            if (n == lanes) store(to + c, load(row + c));
            else store(to + c, load(row + c), n);
        });
    }
}

}  // namespace kn::KN_TARGET
