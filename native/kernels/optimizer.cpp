// The optimizers: one pass over a range of the flat buffers, weights, gradients and moments read and written once each.
// Bound by memory. Formulas: the pages. η = learning_rate · rate; decay adds λ W to the gradient.
#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/rows.h"

namespace kn::KN_TARGET {
namespace {

// Gradients with weight decay: g + λ W.
struct Decay {
    float lambda;
    explicit Decay(double decay) : lambda(static_cast<float>(decay)) {}
    vec operator()(vec g, vec W) const { return lambda != 0 ? g + lambda * W : g; }
};

template <class Arguments>
float step_size(const Arguments& a, const Context& c) { return static_cast<float>(c.state->learning_rate * a.rate); }

// The copy of `f` and of all it holds is local to the loop: what is stored cannot lie over it, so it stays in registers.
template <class F>
void sweep(int64_t p, double floats, const F& f) {
    elementwise(p, 8 * floats, [&f](int64_t begin, int64_t end) {
        F local = f;
        each_vector(begin, end, local);
    });
}

}  // namespace

void gradient_descent(const args::gradient_descent& a, Context& c) {
    const float eta = step_size(a, c);
    const Decay decayed(a.decay);
    sweep(a.p, 3, [=](int64_t i, int64_t n) {
        const vec W = load_part(a.W + i, n);
        store_part(a.W + i, W - eta * decayed(load_part(a.g + i, n), W), n);
    });
}

void momentum(const args::momentum& a, Context& c) {
    const float eta = step_size(a, c), mu = static_cast<float>(a.momentum);
    const Decay decayed(a.decay);
    const bool nesterov = a.nesterov != 0;
    sweep(a.p, 5, [=](int64_t i, int64_t n) {
        const vec W = load_part(a.W + i, n), g = decayed(load_part(a.g + i, n), W);
        const vec v = mu * load_part(a.v + i, n) + g;
        store_part(a.v + i, v, n);
        store_part(a.W + i, W - eta * (nesterov ? g + mu * v : v), n);
    });
}

void adagrad(const args::adagrad& a, Context& c) {
    const float eta = step_size(a, c), epsilon = static_cast<float>(a.epsilon);
    const Decay decayed(a.decay);
    sweep(a.p, 6, [=](int64_t i, int64_t n) {
        const vec W = load_part(a.W + i, n), g = decayed(load_part(a.g + i, n), W);
        const vec s = load_part(a.s + i, n) + g * g;
        store_part(a.s + i, s, n);
        store_part(a.W + i, W - eta * (g / (sqrt(s) + epsilon)), n);
    });
}

void rmsprop(const args::rmsprop& a, Context& c) {
    const float eta = step_size(a, c), epsilon = static_cast<float>(a.epsilon);
    const float rho = static_cast<float>(a.rho), rest = static_cast<float>(1.0 - a.rho);
    const Decay decayed(a.decay);
    sweep(a.p, 6, [=](int64_t i, int64_t n) {
        const vec W = load_part(a.W + i, n), g = decayed(load_part(a.g + i, n), W);
        const vec s = rho * load_part(a.s + i, n) + rest * (g * g);
        store_part(a.s + i, s, n);
        store_part(a.W + i, W - eta * (g / (sqrt(s) + epsilon)), n);
    });
}

// The two divisors 1 - βᵗ are worked out once, in double, and taken as factors of the step and of the root.
void adam(const args::adam& a, Context& c) {
    const double t = static_cast<double>(c.state->step - a.born), eta = c.state->learning_rate * a.rate;
    const float beta1 = static_cast<float>(a.beta1), rest1 = static_cast<float>(1.0 - a.beta1);
    const float beta2 = static_cast<float>(a.beta2), rest2 = static_cast<float>(1.0 - a.beta2);
    const float step = static_cast<float>(eta / (1.0 - std::pow(a.beta1, t)));
    const float root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(a.beta2, t)));
    const float epsilon = static_cast<float>(a.epsilon);
    const bool decoupled = a.decoupled != 0;
    const float shrink = decoupled ? static_cast<float>(eta * a.decay) : 0.0f;
    const Decay decayed(decoupled ? 0.0 : a.decay);
    sweep(a.p, 10, [=](int64_t i, int64_t n) {
        vec W = load_part(a.W + i, n);
        const vec g = decayed(load_part(a.g + i, n), W);
        if (shrink != 0) W = W - shrink * W;
        const vec m = beta1 * load_part(a.m + i, n) + rest1 * g;
        const vec s = beta2 * load_part(a.s + i, n) + rest2 * (g * g);
        store_part(a.m + i, m, n);
        store_part(a.s + i, s, n);
        store_part(a.W + i, W - step * m / (sqrt(s) * root + epsilon), n);
    });
}

}  // namespace kn::KN_TARGET
