// Class targets: numbers t or distributions T, with smoothing and class weights (the page on targets):
//     Q_j = ω_j ((1 - ε) T_j + ε / k),   0 for an ignored position.
#pragma once
#include "kernels/rows.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

class Targets {
public:
    template <class Arguments>
    explicit Targets(const Arguments& a)
        : t(a.t), T(a.T), weights(a.weights), k(a.k), ignored(a.ignored), smooth(a.smoothing != 0),
          kept(static_cast<float>(1.0 - a.smoothing)), spread(static_cast<float>(a.smoothing / static_cast<double>(a.k))) {}

    bool ignores(int64_t row) const { return t && t[row] == ignored; }      // `none` is no int32

    // The first row of begin … end - 1 whose number is no class; end if all are.
    int64_t bad_row(int64_t begin, int64_t end) const {
        if (t)
            for (int64_t i = begin; i < end; ++i)
                if ((t[i] < 0 || t[i] >= k) && t[i] != ignored) return i;
        return end;
    }

    // Q of classes j, j + 1, … of a row that counts.
    vec of(int64_t row, int64_t j, int64_t count) const {
        vec q = T ? load_part(T + row * k + j, count)
                  : select(iota() == static_cast<int32_t>(t[row] - j), broadcast(1.0f), zero());
        if (smooth) q = kept * q + spread;
        return weights ? q * load_part(weights + j, count) : q;
    }

    // What a row counts in a mean: 1, or its weight Σ ω_j T_j.
    float counts(int64_t row) const {
        if (!weights) return 1;
        if (t) return weights[t[row]];
        vec s = zero();
        each_vector(0, k, [&](int64_t j, int64_t count) {
            s += load_part(T + row * k + j, count) * load_part(weights + j, count);
        });
        return sum(s);
    }

    const int32_t* t;

private:
    const float *T, *weights;
    int64_t k, ignored;
    bool smooth;
    float kept, spread;
};

// What a chunk of rows adds to a loss.
struct LossPart {
    double loss, total;
    int64_t bad;                // the first row with a bad label, or -1
};

// Runs f(LossPart of the chunk, begin, end) over chunks of rows whose labels are good, and writes value and total from the sums
// in the order of the chunks. A bad label or a loss that is no finite number is refused.
template <class Arguments, class F>
inline void loss_of_rows(const Arguments& a, const Targets& targets, double cost, Context& context, F&& f) {
    const int64_t chunks = row_chunks(a.n, a.k);
    LossPart* parts = reinterpret_cast<LossPart*>(scratch(Slot::first, static_cast<size_t>(chunks) * sizeof(LossPart) / sizeof(float)));
    each_rows(a.n, a.k, cost, [&](int64_t chunk, int64_t begin, int64_t end) {
        LossPart& part = parts[chunk] = {0, 0, -1};
        const int64_t bad = targets.bad_row(begin, end);
        if (bad < end) part.bad = bad;
        else f(part, begin, end);
    });
    double loss = 0, total = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        if (parts[chunk].bad >= 0) return context.refuse(bad_label, parts[chunk].bad, targets.t[parts[chunk].bad]);
        loss += parts[chunk].loss;
        total += parts[chunk].total;
    }
    a.total[0] = a.mean && total != 0 ? static_cast<float>(total) : 1.0f;
    a.value[0] = static_cast<float>(a.factor * loss / static_cast<double>(a.total[0]));
    if (!__builtin_isfinite(a.value[0])) context.refuse(not_finite, 0);
}

// Runs f(row) for the rows that count and g(row) for ignored ones; a bad label is refused.
template <class Arguments, class F, class G>
inline void gradient_of_rows(const Arguments& a, const Targets& targets, Context& context, F&& f, G&& g) {
    const int64_t bad = targets.bad_row(0, a.n);
    if (bad < a.n) return context.refuse(bad_label, bad, targets.t[bad]);
    each_rows(a.n, a.k, 30, [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) targets.ignores(i) ? g(i) : f(i);
    });
}

}  // namespace kn::KN_TARGET
