// The loss of CTC and its gradient by the logits. Formulas: the pages on CTC and its lattice.
//
// A line is a chunk. Its probabilities would leave what a float holds after some ten steps, and logarithms would cost one
// logarithm and two exponentials a state: so a number here is m · 2^e, a float from 1 to 2 and a whole number
// (`Wide`). Adding takes a comparison and a shift, multiplying an addition, and the digits are those of floats.
// Blanks and labels of the lattice are kept apart: blank i stands before label i, blank s at the end.
//
//     b'_i = y_blank (b_i + l_{i-1})          l'_i = y_i (l_i + b_i + l_{i-1} if it differs from label i)
//
// The way back runs along the same steps with what follows in place of what came before. It holds β without the y of
// its own step, so that γ = α β / P needs no division by y.
#include "kernels/elementwise.h"
#include "kernels/rows.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

constexpr int32_t nothing = -(1 << 30);             // the exponent of 0
constexpr float faintest = -20000.0f;               // log y of what is no -∞: 18,000 such factors are no overflow

struct Wide {
    vec m;
    ivec e;
};

ivec larger(ivec a, ivec b) { return a > b ? a : b; }

// 2^d, d <= 127; 0 below 2^-126
vec power(ivec d) { return as_float((larger(d, ivec{} - 127) + 127) << 23); }

// v · 2^e with 1 <= m < 2, or 0. v >= 0 is no denormal number.
Wide normal(vec v, ivec e) {
    const ivec bits = as_int(v), none = v == 0;
    const vec m = as_float((bits & 0x7fffff) | 0x3f800000);
    return {select(none, zero(), m), none ? ivec{} + nothing : e + ((bits >> 23) - 127)};
}

// e^(x - m) for x <= m, as `exp_of_negative` without putting its two parts together. What the difference loses in
// rounding is taken along: many steps multiply it.
Wide wide_exp(vec x, float m) {
    const vec all = x - m, back = all - x;
    const ivec none = all == -__builtin_inff();
    const vec lost = select(all < faintest, zero(), (x - (all - back)) - (m + back));
    x = max(broadcast(faintest), all);
    const vec whole = broadcast(12582912.0f), shifted = fma(x, broadcast(log2_e), whole), n = shifted - whole;
    const vec r = fma(n, broadcast(-ln2_low), fma(n, broadcast(-ln2_high), x)) + lost;
    const vec p = polynomial(r, {0.00138131424f, 0.00836941879f, 0.04166845604f, 0.16666515171f, 0.49999994039f});
    return {select(none, zero(), 1.0f + fma(r * r, p, r)), as_int(shifted) - 0x4b400000};
}

// 1 or 0: the exponent of a 0 is `nothing` wherever it comes from, or a shift by it would leave what an int holds.
Wide one_where(ivec condition) {
    return {select(condition, broadcast(1.0f), zero()), condition ? ivec{} : ivec{} + nothing};
}

// A row of numbers m · 2^e in memory.
struct Row {
    float* m;
    int32_t* e;
    Wide at(int64_t i) const { return {load(m + i), as_int(load(reinterpret_cast<const float*>(e + i)))}; }
    void put(int64_t i, Wide w) const {
        store(m + i, w.m);
        store(reinterpret_cast<float*>(e + i), as_float(w.e));
    }
    void set(int64_t i, float value, int32_t exponent) const {
        m[i] = value;
        e[i] = exponent;
    }
    void clear(int64_t begin, int64_t end) const {
        for (int64_t i = begin; i < end; ++i) set(i, 0, nothing);
    }
};

// Rows one behind the other, `lanes` numbers of room before each for its neighbour on the left, which is 0.
class Rows {
public:
    Rows(float*& memory, int64_t count, int64_t width) : stride(width + lanes) {
        m = memory;
        e = reinterpret_cast<int32_t*>(m + (count + 1) * stride);       // the room behind the last is a row too
        memory += 2 * (count + 1) * stride;
    }
    static int64_t floats(int64_t count, int64_t width) { return 2 * (count + 1) * (width + lanes); }
    Row operator[](int64_t t) const { return {m + t * stride + lanes, e + t * stride + lanes}; }

private:
    float* m;
    int32_t* e;
    int64_t stride;
};

// One line: its target and the memory of its lattice.
class Line {
public:
    Line(const args::ctc& a, int64_t i, int64_t steps, int64_t count)
        : k(a.k), T(steps), s(count), width((count + lanes) / lanes * lanes), blank(a.blank), labels(a.labels + i * a.s),
          X(a.X + i * a.t * a.k), memory(scratch(Slot::first, static_cast<size_t>(room(a)))), G(a.G ? a.G + i * a.t * a.k : memory),
          step(a.G ? a.k : 0), next(memory += a.k), y(next, T, width), l(next, T, width), b(next, T, width),
          l_next(next, 1, width), b_next(next, 1, width) {
        y_blank = {next, reinterpret_cast<int32_t*>(next + T)};
        may = reinterpret_cast<int32_t*>(next += 2 * T);
        part = next + width + lanes;
    }

    // -log P; G becomes softmax(X) where it is wanted. NaN if a logit is NaN or +∞, or all of a step are -∞.
    float forward() {
        for (int64_t i = 0; i < width + lanes; ++i) may[i] = i > 0 && i < s && labels[i] != labels[i - 1] ? -1 : 0;
        if (T == 0) return s == 0 ? 0.0f : __builtin_inff();
        bool finite = true;
        for (int64_t t = 0; t < T; ++t) {
            finite &= probabilities(t);
            l[t].clear(-1, 0);
            if (t == 0) begin();
            else
                for (int64_t i = 0; i < width; i += lanes) go(t, i);
        }
        if (!finite) return __builtin_nanf("");
        return end();
    }

    // G -= γ, step by step from the last one.
    void backward() {
        const Row bl = l_next[0], bb = b_next[0];
        bl.clear(-1, width + lanes);
        bb.clear(-1, width + lanes);
        for (int64_t t = T - 1; t >= 0; --t) {
            vec blanks = zero();
            for (int64_t i = 0; i < width; i += lanes) {
                Wide to_b, to_l;
                if (t == T - 1) {
                    const ivec at = iota() + static_cast<int32_t>(i);
                    to_b = one_where(at == static_cast<int32_t>(s));
                    to_l = one_where(at == static_cast<int32_t>(s - 1));
                } else {
                    const Wide same_b = bb.at(i), same_l = bl.at(i), b1 = bb.at(i + 1), l1 = bl.at(i + 1);
                    to_b = sum(same_b, same_l);
                    to_l = sum(same_l, b1, l1, as_int(load(reinterpret_cast<const float*>(may + i + 1))));
                }
                blanks += occupancy(b[t].at(i), to_b);
                store(part + i, occupancy(l[t].at(i), to_l));
                bb.put(i, times(to_b, broadcast(y_blank.m[t]), ivec{} + y_blank.e[t]));
                const Wide own = y[t].at(i);
                bl.put(i, times(to_l, own.m, own.e));
            }
            float* g = G + t * k;
            g[blank] -= kn::KN_TARGET::sum(blanks);
            for (int64_t i = 0; i < s; ++i) g[labels[i]] -= part[i];
        }
    }

    static int64_t room(const args::ctc& a) {
        const int64_t width = (a.s + lanes) / lanes * lanes;
        return a.k + lanes + 3 * Rows::floats(a.t, width) + 2 * Rows::floats(1, width) + 2 * a.t + 2 * (width + lanes);
    }

private:
    // y of a step; false if it has none.
    bool probabilities(int64_t t) {
        const float *x = X + t * k, m = row_maximum(x, k);
        float* g = G + t * step;
        const float whole = exp_of_row(x, g, k, m), inverse = 1.0f / whole;
        if (step) divide_row(g, k, whole);
        const Row row = y[t];
        for (int64_t i = 0; i < s; ++i) row.m[i] = x[labels[i]];
        for (int64_t i = 0; i < width; i += lanes) {
            const ivec label = iota() + static_cast<int32_t>(i) < static_cast<int32_t>(s);
            const Wide p = wide_exp(select(label, load(row.m + i), broadcast(m)), m);
            row.put(i, {select(label, p.m * inverse, zero()), p.e});
        }
        const Wide p = wide_exp(broadcast(x[blank]), m);
        y_blank.set(t, p.m[0] * inverse, p.e[0]);
        return m - m == 0;
    }

    void begin() {
        b[0].clear(0, width);
        l[0].clear(0, width);
        const Wide first = normal(broadcast(y_blank.m[0]), ivec{} + y_blank.e[0]);
        b[0].set(0, first.m[0], first.e[0]);
        if (s == 0) return;
        const Wide label = normal(broadcast(y[0].m[0]), ivec{} + y[0].e[0]);
        l[0].set(0, label.m[0], label.e[0]);
    }

    void go(int64_t t, int64_t i) {
        const Wide same_b = b[t - 1].at(i), same_l = l[t - 1].at(i), left = l[t - 1].at(i - 1), own = y[t].at(i);
        b[t].put(i, times(sum(same_b, left), broadcast(y_blank.m[t]), ivec{} + y_blank.e[t]));
        l[t].put(i, times(sum(same_l, same_b, left, as_int(load(reinterpret_cast<const float*>(may + i)))), own.m, own.e));
    }

    // P and -log P
    float end() {
        const Row blanks = b[T - 1], last = l[T - 1];
        const int64_t i = s > 0 ? s - 1 : -1;                                   // the room before a row holds 0
        const Wide p = sum({broadcast(blanks.m[s]), ivec{} + blanks.e[s]}, {broadcast(last.m[i]), ivec{} + last.e[i]});
        const Wide whole = normal(p.m, p.e);
        if (whole.m[0] == 0) return __builtin_inff();
        inverse_P = broadcast(1.0f / whole.m[0]);
        e_P = whole.e;
        const double log_m = static_cast<double>(log(whole.m)[0]);
        return static_cast<float>(-(log_m + static_cast<double>(whole.e[0]) * 0.69314718055994530942));
    }

    // The sums are not brought to 1 <= m < 2: what multiplies them does.
    static Wide sum(Wide a, Wide b) {
        const ivec e = larger(a.e, b.e);
        return {fma(a.m, power(a.e - e), b.m * power(b.e - e)), e};
    }
    static Wide sum(Wide a, Wide b, Wide c, ivec if_c) {
        c = {select(if_c, c.m, zero()), if_c ? c.e : ivec{} + nothing};
        const ivec e = larger(larger(a.e, b.e), c.e);
        return {fma(a.m, power(a.e - e), fma(b.m, power(b.e - e), c.m * power(c.e - e))), e};
    }
    static Wide times(Wide a, vec m, ivec e) { return normal(a.m * m, a.e + e); }

    vec occupancy(Wide alpha, Wide beta) const { return alpha.m * beta.m * inverse_P * power(alpha.e + beta.e - e_P); }

    int64_t k, T, s, width, blank;
    const int32_t* labels;
    const float* X;
    float* memory;
    float* G;
    int64_t step;                   // of G from row to row; 0 where one row of memory serves for all
    float* next;
    Rows y, l, b, l_next, b_next;   // y of the labels, α of labels and blanks, β of both
    Row y_blank;
    int32_t* may;                   // is label i another than the one before?
    float* part;
    vec inverse_P{};
    ivec e_P{};
};

// What a line's numbers are: steps and labels that count.
struct Extent {
    int64_t steps, labels;
};

Extent extent(const args::ctc& a, int64_t i) {
    int64_t count = 0;
    if (a.label_lengths) count = a.label_lengths[i];
    else
        while (count < a.s && a.labels[i * a.s + count] >= 0) ++count;
    return {a.lengths ? a.lengths[i] : a.t, count};
}

// False, with the refusal, where a length or a label is out of range.
bool sound(const args::ctc& a, Context& context) {
    for (int64_t i = 0; i < a.n; ++i) {
        const Extent of = extent(a, i);
        if (of.steps < 0 || of.steps > a.t) return context.refuse(bad_length, i, of.steps), false;
        if (of.labels < 0 || of.labels > a.s) return context.refuse(bad_length, i, of.labels), false;
        for (int64_t j = 0; j < of.labels; ++j) {
            const int64_t label = a.labels[i * a.s + j];
            if (label < 0 || label >= a.k || label == a.blank) return context.refuse(bad_label, i * a.s + j, label), false;
        }
    }
    return true;
}

}  // namespace

void ctc(const args::ctc& a, Context& context) {
    if (!sound(a, context)) return;
    const double cost = static_cast<double>(a.t) * (20.0 * static_cast<double>(a.k) + 120.0 * static_cast<double>(a.s + 1));
    parallel(a.n, cost, [&](int64_t i) {
        const Extent of = extent(a, i);
        Line line(a, i, of.steps, of.labels);
        const float loss = line.forward();
        a.losses[i] = loss;
        if (!a.G) return;
        float* G = a.G + i * a.t * a.k;
        const bool possible = loss - loss == 0;
        if (possible) line.backward();
        const int64_t rest = possible ? of.steps : 0;                          // infeasible, NaN, and past the end: 0
        for (int64_t j = rest * a.k; j < a.t * a.k; ++j) G[j] = 0;
    });
    double loss = 0;
    int64_t total = 0;
    for (int64_t i = 0; i < a.n; ++i) {
        if (a.skip && a.losses[i] == __builtin_inff()) continue;
        loss += static_cast<double>(a.losses[i]);
        ++total;
    }
    a.total[0] = a.mean && total > 0 ? static_cast<float>(total) : 1.0f;
    a.value[0] = static_cast<float>(a.factor * loss / static_cast<double>(a.total[0]));
    if (!(__builtin_fabsf(a.value[0]) <= __FLT_MAX__)) context.refuse(not_finite, 0);
}

void ctc_backward(const args::ctc_backward& a, Context&) {
    const float scale = static_cast<float>(a.factor / static_cast<double>(a.total[0]));
    elementwise(a.n * a.t * a.k, 16, [&](int64_t begin, int64_t end) {
        each_vector(begin, end, [&](int64_t i, int64_t n) { store_part(a.dX + i, scale * load_part(a.G + i, n), n); });
    });
}

}  // namespace kn::KN_TARGET
