// A line of CTC to look at: the best path and how it reads, the lattice of known labels, the best path through it.
//
// One line a call, on one thread: a step needs the one before. In double and in logarithms, with the sums of the page in
// its order, so that both choose the same path also where two are nearly as good.
#include "ctc_log.h"
#include "engine.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

double* doubles(Slot slot, int64_t count) { return reinterpret_cast<double*>(scratch(slot, 2 * static_cast<size_t>(count))); }

// Refuses a label that is the blank or no class.
bool refused(const int32_t* labels, int64_t s, int64_t k, int64_t blank, Context& context) {
    for (int64_t i = 0; i < s; ++i)
        if (labels[i] < 0 || labels[i] >= k || labels[i] == blank) {
            context.refuse(bad_label, i, labels[i]);
            return true;
        }
    return false;
}

// log y of each state at each step: a blank before, between and behind the labels.
void of_states(const float* X, const int32_t* labels, int64_t t, int64_t k, int64_t u, int64_t blank, double* log_y) {
    double* row = doubles(Slot::first, k);
    for (int64_t i = 0; i < t; ++i) {
        log_softmax(X + i * k, k, row);
        for (int64_t j = 0; j < u; ++j) log_y[i * u + j] = row[j % 2 ? labels[j / 2] : blank];
    }
}

// May a path come into state j from j - 2? Into a label that differs from the one before.
bool leaps(const int32_t* labels, int64_t j) { return j % 2 && j >= 3 && labels[j / 2] != labels[j / 2 - 1]; }

}  // namespace

void ctc_best_path(const args::ctc_best_path& a, Context&) {
    for (int64_t i = 0; i < a.t; ++i) {
        const float* x = a.X + i * a.k;
        int64_t best = 0;
        for (int64_t c = 0; c < a.k; ++c) {
            if (x[c] > x[best]) best = c;
            if (x[c] != x[c]) {     // the first NaN, if there is one
                best = c;
                break;
            }
        }
        a.path[i] = static_cast<int32_t>(best);
    }
}

void ctc_read(const args::ctc_read& a, Context& context) {
    for (int64_t i = 0; i < a.t; ++i)
        if (a.path[i] < 0 || a.path[i] >= a.k) return context.refuse(bad_index, i, a.path[i]);
    double* row = doubles(Slot::first, a.k);
    double along = 0, most = never;
    int64_t count = 0, start = 0;
    for (int64_t i = 0; i < a.t; ++i) {
        const int32_t c = a.path[i];
        log_softmax(a.X + i * a.k, a.k, row);
        along += row[c];
        if (i == start || row[c] > most) most = row[c];
        if (i + 1 < a.t && a.path[i + 1] == c) continue;
        if (c != a.blank) {
            a.labels[count] = c;
            a.spans[2 * count] = static_cast<int32_t>(start);
            a.spans[2 * count + 1] = static_cast<int32_t>(i + 1);
            a.confidences[count++] = ::exp(most);
        }
        start = i + 1;
    }
    *a.count = static_cast<int32_t>(count);
    *a.log_probability = along;
    for (; count < a.t; ++count) {
        a.labels[count] = a.spans[2 * count] = a.spans[2 * count + 1] = -1;
        a.confidences[count] = 0;
    }
}

void ctc_lattice(const args::ctc_lattice& a, Context& context) {
    const int64_t t = a.t, u = a.u;
    if (refused(a.labels, a.s, a.k, a.blank, context)) return;
    of_states(a.X, a.labels, t, a.k, u, a.blank, a.log_y);
    for (int64_t i = 0; i < t; ++i) {
        const double* before = a.log_alpha + (i - 1) * u;
        for (int64_t j = 0; j < u; ++j) {
            double came = never;
            if (i) {
                came = before[j];
                if (j) came = log_add(came, before[j - 1]);
                if (leaps(a.labels, j)) came = log_add(came, before[j - 2]);
            } else if (j < 2) {
                came = 0;   // a path begins with the first blank or the first label
            }
            a.log_alpha[i * u + j] = came + a.log_y[i * u + j];
        }
    }
    for (int64_t i = t - 1; i >= 0; --i) {
        const double* behind = a.log_beta + (i + 1) * u;
        for (int64_t j = u - 1; j >= 0; --j) {
            double goes = never;
            if (i < t - 1) {
                goes = behind[j];
                if (j + 1 < u) goes = log_add(goes, behind[j + 1]);
                if (j + 2 < u && leaps(a.labels, j + 2)) goes = log_add(goes, behind[j + 2]);
            } else if (j >= u - 2) {
                goes = 0;
            }
            a.log_beta[i * u + j] = goes + a.log_y[i * u + j];
        }
    }
    const double* last = a.log_alpha + t * u;
    *a.log_probability = !t ? (u == 1 ? 0 : never) : u == 1 ? last[-1] : log_add(last[-2], last[-1]);
}

void ctc_best_states(const args::ctc_best_states& a, Context& context) {
    const int64_t t = a.t, u = 2 * a.s + 1;
    if (refused(a.labels, a.s, a.k, a.blank, context)) return;
    double* log_y = doubles(Slot::second, t * u);
    of_states(a.X, a.labels, t, a.k, u, a.blank, log_y);
    double* best = doubles(Slot::third, 2 * u);
    double* next = best + u;
    // How many states back the best way into a state came from.
    auto* came = reinterpret_cast<unsigned char*>(scratch(Slot::fourth, static_cast<size_t>(t * u / 4 + 1)));
    for (int64_t i = 0; i < t; ++i) {
        for (int64_t j = 0; j < u; ++j) {
            double way = i ? best[j] : j < 2 ? 0 : never;
            unsigned char back = 0;
            if (i && j && best[j - 1] > way) way = best[j - 1], back = 1;
            if (i && leaps(a.labels, j) && best[j - 2] > way) way = best[j - 2], back = 2;
            next[j] = way + log_y[i * u + j];
            came[i * u + j] = back;
        }
        double* old = best;
        best = next;
        next = old;
    }
    int64_t j = u == 1 || (t && best[u - 1] >= best[u - 2]) ? u - 1 : u - 2;
    const bool none = t && best[j] == never;
    for (int64_t i = t - 1; i >= 0; --i) {
        a.path[i] = none ? -1 : static_cast<int32_t>(j);
        j -= came[i * u + j];
    }
}

}  // namespace kn::KN_TARGET
