// Applies finishing steps to a tile that lies in L1, one step over the whole tile after the other; the last one stores its
// results in the output. One switch a step and tile; the tile's rows are padded to whole vectors, only operands and the
// output have a remainder.
#include "simd/finish.h"

#include "kernels/dropout.h"
#include "simd/steps.h"

namespace kn::KN_TARGET {
namespace {

struct Tile {
    float* data;
    int64_t rows, columns, stride, index, width;
    float* to;                                      // where a step puts its results: the tile itself or the output
    int64_t to_stride;

    // to = f(data)
    template <class F>
    void apply(F&& f) const {
        for (int64_t r = 0; r < rows; ++r) {
            const float* row = data + r * stride;
            float* target = to + r * to_stride;
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                if (n == lanes) store(target + c, f(load(row + c)));
                else store(target + c, f(load(row + c)), n);
            });
        }
    }

    // to = f(data, operand)
    template <class F>
    void apply(const float* operand, F&& f) const {
        for (int64_t r = 0; r < rows; ++r) {
            const float *row = data + r * stride, *other = operand + index + r * width;
            float* target = to + r * to_stride;
            each_vector(0, columns, [&](int64_t c, int64_t n) {
                if (n == lanes) store(target + c, f(load(row + c), load(other + c)));
                else store(target + c, f(load(row + c), load(other + c, n)), n);
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
            for (int64_t r = 0; r < tile.rows; ++r)
                dropout(d, tile.data + r * tile.stride, tile.to + r * tile.to_stride, tile.index + r * tile.width,
                        tile.columns);
        }
    }
}

}  // namespace

void finish(const Finish& steps, float* data, int64_t rows, int64_t columns, int64_t tile_stride, float* out,
            int64_t index, int64_t width) {
    Tile tile{data, rows, columns, tile_stride, index, width, data, tile_stride};
    for (int64_t i = 0; i + 1 < steps.count; ++i) apply(steps.entries[i], tile, *steps.context->state);
    tile.to = out + index;
    tile.to_stride = width;
    if (steps.count > 0) apply(steps.entries[steps.count - 1], tile, *steps.context->state);
    else tile.apply([](vec x) { return x; });
}

}  // namespace kn::KN_TARGET
