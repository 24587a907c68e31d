// The elementwise functions: activations, their backward passes, and the sum of two arrays. One pass over flat arrays in
// fixed chunks, the arithmetic of steps.h; an output may lie over an input. The remainder is a part of a vector.
#include "kernels/elementwise.h"
#include "simd/steps.h"

namespace kn::KN_TARGET {
namespace {

// What an element costs besides 8 a float moved: exponential and division.
constexpr double cheap = 0, dear = 24;

// The captured values are copied into the loop: what is stored cannot lie over them, so they stay in registers.
template <class F>
void map(const float* from, float* to, int64_t n, double cost, const F& f) {
    elementwise(n, 16 + cost, [=](int64_t begin, int64_t end) {
        const float* const X = from;
        float* const Y = to;
        each_vector(begin, end, [&](int64_t i, int64_t count) {
            if (count == lanes) store(Y + i, f(load(X + i)));
            else store(Y + i, f(load(X + i, count)), count);
        });
    });
}

template <class F>
void map(const float* first, const float* second, float* to, int64_t n, double cost, const F& f) {
    elementwise(n, 24 + cost, [=](int64_t begin, int64_t end) {
        const float *const A = first, *const B = second;
        float* const Y = to;
        each_vector(begin, end, [&](int64_t i, int64_t count) {
            if (count == lanes) store(Y + i, f(load(A + i), load(B + i)));
            else store(Y + i, f(load(A + i, count), load(B + i, count)), count);
        });
    });
}

}  // namespace

void relu(const args::relu& a, Context&) { map(a.X, a.Y, a.n, cheap, [](vec x) { return relu(x); }); }

void relu_backward(const args::relu_backward& a, Context&) {
    map(a.dY, a.Y, a.dX, a.n, cheap, [](vec d, vec y) { return relu_backward(d, y); });
}

void leaky_relu(const args::leaky_relu& a, Context&) {
    map(a.X, a.Y, a.n, cheap, [slope = static_cast<float>(a.slope)](vec x) { return leaky_relu(x, slope); });
}

void leaky_relu_backward(const args::leaky_relu_backward& a, Context&) {
    map(a.dY, a.X, a.dX, a.n, cheap,
        [slope = static_cast<float>(a.slope)](vec d, vec x) { return leaky_relu_backward(d, x, slope); });
}

void elu(const args::elu& a, Context&) {
    map(a.X, a.Y, a.n, dear, [alpha = static_cast<float>(a.alpha)](vec x) { return elu(x, alpha); });
}

void elu_backward(const args::elu_backward& a, Context&) {
    map(a.dY, a.Y, a.dX, a.n, cheap,
        [alpha = static_cast<float>(a.alpha)](vec d, vec y) { return elu_backward(d, y, alpha); });
}

void gelu(const args::gelu& a, Context&) { map(a.X, a.Y, a.n, dear, [](vec x) { return gelu(x); }); }

void gelu_backward(const args::gelu_backward& a, Context&) {
    map(a.dY, a.X, a.dX, a.n, dear, [](vec d, vec x) { return gelu_backward(d, x); });
}

void silu(const args::silu& a, Context&) { map(a.X, a.Y, a.n, dear, [](vec x) { return silu(x); }); }

void silu_backward(const args::silu_backward& a, Context&) {
    map(a.dY, a.X, a.dX, a.n, dear, [](vec d, vec x) { return silu_backward(d, x); });
}

void tanh(const args::tanh& a, Context&) { map(a.X, a.Y, a.n, dear, [](vec x) { return tanh(x); }); }

void tanh_backward(const args::tanh_backward& a, Context&) {
    map(a.dY, a.Y, a.dX, a.n, cheap, [](vec d, vec y) { return tanh_backward(d, y); });
}

void sigmoid(const args::sigmoid& a, Context&) { map(a.X, a.Y, a.n, dear, [](vec x) { return sigmoid(x); }); }

void sigmoid_backward(const args::sigmoid_backward& a, Context&) {
    map(a.dY, a.Y, a.dX, a.n, cheap, [](vec d, vec y) { return sigmoid_backward(d, y); });
}

void add(const args::add& a, Context&) {
    map(a.A, a.B, a.Y, a.n, cheap, [](vec x, vec y) { return add(x, y); });
}

}  // namespace kn::KN_TARGET
