// Prefix beam search over one line, with a language model and a lexicon if there are any.
//
// The prefixes of a beam are nodes of one tree, so that a prefix that grows into another one of the beam is found by
// its parent, and nothing is ever copied. Of all candidates a heap keeps the w best, the worst of them on top: whatever
// cannot beat that one costs a few additions and a comparison, since a model only makes a score smaller. Equal scores are told apart by their place among the candidates, as the page does: those that
// stay in the order of the beam, then each prefix grown by each class.
#include <new>
#include <stdlib.h>

#include "ctc_log.h"
#include "engine.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {
namespace {

using Args = args::ctc_beam_search;

struct Node {
    int32_t parent, label, child, sibling;   // the first child and the next child of the parent, -1 for none
    int32_t place, depth;                    // where it stands in the beam of step `seen`; how many labels it has
    int64_t seen;
};

// The tree of all prefixes that were ever in the beam.
class Tree {
public:
    Tree() { add(-1, -1); }
    ~Tree() { free(nodes_); }
    Tree(const Tree&) = delete;
    Node& operator[](int64_t i) { return nodes_[i]; }
    int32_t child(int32_t parent, int32_t label) const {
        int32_t i = nodes_[parent].child;
        while (i >= 0 && nodes_[i].label != label) i = nodes_[i].sibling;
        return i;
    }
    int32_t add(int32_t parent, int32_t label) {
        if (count_ == room_) {
            const int64_t room = room_ ? 2 * room_ : 1024;
            auto* more = static_cast<Node*>(realloc(nodes_, static_cast<size_t>(room) * sizeof(Node)));
            if (!more) throw std::bad_alloc();
            nodes_ = more;
            room_ = room;
        }
        const int32_t i = static_cast<int32_t>(count_++);
        nodes_[i] = {parent, label, -1, -1, 0, 0, -1};
        if (parent >= 0) {
            nodes_[i].sibling = nodes_[parent].child;
            nodes_[i].depth = nodes_[parent].depth + 1;
            nodes_[parent].child = i;
        }
        return i;
    }

private:
    Node* nodes_ = nullptr;
    int64_t count_ = 0, room_ = 0;
};

struct Prefix {
    double blank, label;       // log p_b, log p_n
    double whole;              // log (p_b + p_n)
    double extra;              // weight · log P_model + bonus · |l|
    double stay_blank, stay_label;
    int32_t node, last, model, way;   // in the tree; last label, the blank if there is none; states of model and lexicon
    int32_t child, sibling;           // in the beam, -1 for none: the first one it grows into, the next of its parent
};

// A score and its place among the candidates as one number that grows with what goes first: of equal scores the lower
// place does. Whole numbers are compared without a jump, which here nobody could foresee.
using Rank = unsigned __int128;

inline Rank rank(double score, int64_t place) {
    score += 0.0;   // -0 is 0
    uint64_t bits;
    __builtin_memcpy(&bits, &score, sizeof bits);
    bits ^= bits >> 63 ? ~uint64_t{0} : uint64_t{1} << 63;
    return static_cast<Rank>(bits) << 64 | ~static_cast<uint64_t>(place);
}
inline int64_t place_of(Rank r) { return static_cast<int64_t>(~static_cast<uint64_t>(r)); }
inline double score_of(Rank r) {
    uint64_t bits = static_cast<uint64_t>(r >> 64);
    bits ^= bits >> 63 ? uint64_t{1} << 63 : ~uint64_t{0};
    double score;
    __builtin_memcpy(&score, &bits, sizeof score);
    return score;
}

// The `most` best candidates, the worst of them on top.
struct Heap {
    Rank* at;
    int64_t count, most;
    double bar;   // what a score must beat

    void clear() {
        count = 0;
        bar = never;
    }
    void push(double score, int64_t place) {
        const Rank added = rank(score, place);
        if (count == most) {
            sink(added, count);
        } else {
            int64_t i = count++;
            for (; i && added < at[(i - 1) / 2]; i = (i - 1) / 2) at[i] = at[(i - 1) / 2];
            at[i] = added;
        }
        if (count == most) bar = score_of(at[0]);
    }
    // The best first; a heap no longer.
    void sort() {
        for (int64_t end = count - 1; end > 0; --end) {
            const Rank worst = at[0];
            sink(at[end], end);
            at[end] = worst;
        }
    }

private:
    // In place of the top one.
    void sink(Rank moving, int64_t end) {
        int64_t i = 0;
        for (int64_t child; (child = 2 * i + 1) < end; i = child) {
            if (child + 1 < end) child += at[child + 1] < at[child];
            if (moving <= at[child]) break;
            at[i] = at[child];
        }
        at[i] = moving;
    }
};

// log P_model of every symbol behind a history, and the state behind both. The rows of histories asked for lately are
// kept: one more history costs its own arcs and an addition a symbol.
class Model {
public:
    struct Row {
        const double* log_p;
        const int32_t* to;
    };

    // Work space for `symbols` symbols, in doubles.
    static int64_t space(int64_t symbols) { return (kept + 1) * (symbols + (symbols + 1) / 2) + kept; }
    Model(const Args& a, int64_t symbols, double* work) : a(a), v(symbols) {
        tags_ = reinterpret_cast<int64_t*>(work);
        log_p_ = work + kept;
        to_ = reinterpret_cast<int32_t*>(log_p_ + (kept + 1) * v);
        for (int64_t i = 0; i < kept; ++i) tags_[i] = 0;
        for (int64_t x = 0; x < v; ++x) log_p_[kept * v + x] = never, to_[kept * v + x] = 0;
        if (v) overlay(0, kept);
    }
    Row row(int32_t state) {
        if (!state) return at(kept);   // the empty history
        const int64_t slot = state % kept;
        if (tags_[slot] != state) {
            const Row shorter = row(a.states[3 * state + 2]);
            const double price = static_cast<double>(a.log_back[state]);
            for (int64_t x = 0; x < v; ++x) log_p_[slot * v + x] = shorter.log_p[x] + price;
            for (int64_t x = 0; x < v; ++x) to_[slot * v + x] = shorter.to[x];
            overlay(state, slot);
            tags_[slot] = state;
        }
        return at(slot);
    }

private:
    static constexpr int64_t kept = 509;

    Row at(int64_t slot) const { return {log_p_ + slot * v, to_ + slot * v}; }
    void overlay(int32_t state, int64_t slot) {
        for (int64_t arc = a.states[3 * state]; arc < a.states[3 * state + 1]; ++arc) {
            const int32_t x = a.arcs[2 * arc];
            log_p_[slot * v + x] = static_cast<double>(a.log_p[arc]);
            to_[slot * v + x] = a.arcs[2 * arc + 1];
        }
    }

    const Args& a;
    int64_t v;
    int64_t* tags_;   // which history a row is of
    double* log_p_;
    int32_t* to_;
};

class Search {
public:
    Search(const Args& a, int64_t symbols) : a(a), log_y(doubles(3 * a.k + Model::space(symbols))),
          marked(reinterpret_cast<int64_t*>(log_y + a.k)), live(reinterpret_cast<int32_t*>(log_y + 2 * a.k)),
          model(a, symbols, log_y + 3 * a.k) {
        for (int64_t c = 0; c < a.k; ++c) marked[c] = -1;
        const int64_t w = a.w;
        beam = reinterpret_cast<Prefix*>(scratch(Slot::second, static_cast<size_t>(w) * sizeof(Prefix) / 4));
        next = reinterpret_cast<Prefix*>(scratch(Slot::third, static_cast<size_t>(w) * sizeof(Prefix) / 4));
        heap = {reinterpret_cast<Rank*>(scratch(Slot::fourth, static_cast<size_t>(w) * sizeof(Rank) / 4)), 0, w, never};
        beam[0] = {0, never, 0, 0, 0, 0, 0, static_cast<int32_t>(a.blank), static_cast<int32_t>(a.begin), 0,
                   -1, -1};
    }

    void step(int64_t t) {
        log_softmax(a.X + t * a.k, a.k, log_y);
        for (int64_t i = 0; i < count; ++i) {
            beam[i].whole = log_add(beam[i].blank, beam[i].label);
            beam[i].child = -1;
            tree[beam[i].node].seen = t;
            tree[beam[i].node].place = static_cast<int32_t>(i);
        }
        heap.clear();
        for (int64_t i = 0; i < count; ++i) stay(i, t);
        alive = 0;
        for (int32_t c = 0; c < a.k; ++c)
            if (c != a.blank) live[alive++] = c;
        for (int64_t i = 0; i < count; ++i) {
            if (a.nodes) grow_in_words(i, t);
            else grow(i, t);
        }
        heap.sort();
        if (!heap.count) heap.at[heap.count++] = rank(never, 0);   // nothing is possible any more: the best one stands for it
        for (int64_t j = 0; j < heap.count; ++j) next[j] = chosen(place_of(heap.at[j]));
        count = heap.count;
        Prefix* old = beam;
        beam = next;
        next = old;
    }

    void finish() {
        heap.clear();
        for (int64_t i = 0; i < count; ++i) {
            Prefix& p = beam[i];
            p.whole = log_add(p.blank, p.label);
            if (a.states) p.extra += a.weight * model.row(p.model).log_p[a.end];
            const bool ends = !a.nodes || a.nodes[3 * p.way + 2] == 1;
            if (ends && p.whole + p.extra > heap.bar) heap.push(p.whole + p.extra, i);
        }
        heap.sort();
        *a.count = static_cast<int32_t>(heap.count);
        for (int64_t i = 0; i < a.w * a.t; ++i) a.labels[i] = -1;
        for (int64_t j = 0; j < a.w; ++j) {
            a.log_probability[j] = a.score[j] = never;
            if (j >= heap.count) continue;
            const Prefix& p = beam[place_of(heap.at[j])];
            a.log_probability[j] = p.whole;
            a.score[j] = score_of(heap.at[j]);
            for (int32_t n = p.node; tree[n].depth; n = tree[n].parent) a.labels[j * a.t + tree[n].depth - 1] = tree[n].label;
        }
    }

private:
    static double* doubles(int64_t count) {
        return reinterpret_cast<double*>(scratch(Slot::first, 2 * static_cast<size_t>(count)));
    }

    // log p_n of a prefix grown by a class.
    double grown(const Prefix& p, int32_t c) const { return (c == p.last ? p.blank : p.whole) + log_y[c]; }

    // What the grown prefix has beside its probability.
    double extra(const Prefix& p, const Model::Row& row, int32_t c) const {
        return p.extra + (a.weight * (a.states ? row.log_p[a.symbols[c]] : 0.0) + a.bonus);
    }

    void stay(int64_t i, int64_t t) {
        Prefix& p = beam[i];
        p.stay_blank = p.whole + log_y[a.blank];
        p.stay_label = p.label + log_y[p.last];
        const int32_t parent = tree[p.node].parent;
        if (parent >= 0 && tree[parent].seen == t) {   // it grows into this one: their paths belong together
            Prefix& from = beam[tree[parent].place];
            p.stay_label = log_add(p.stay_label, grown(from, p.last));
            p.sibling = from.child;
            from.child = static_cast<int32_t>(i);
        }
        const double score = log_add(p.stay_blank, p.stay_label) + p.extra;
        if (score > heap.bar) heap.push(score, i);
    }

    // Notes the classes by which prefix i grows into one that is in the beam, where its paths are counted.
    void mark_children(int64_t i, int64_t t) {
        mark = t * a.w + i;
        for (int32_t j = beam[i].child; j >= 0; j = beam[j].sibling) marked[beam[j].last] = mark;
    }

    // The prefixes come from the best to the worst and the bar only rises: a class that is far below the bar for one of
    // them is below it for all that follow, and leaves.
    void grow(int64_t i, int64_t t) {
        const Prefix& p = beam[i];
        const Model::Row row = a.states ? model.row(p.model) : Model::Row{};
        mark_children(i, t);
        const double most = a.weight >= 0 ? p.extra + a.bonus : -never;   // no model makes it more
        const double start = heap.bar;
        const double far = start - 1e-6 * (1 + (start < 0 ? -start : start));
        int64_t left = 0;
        for (int64_t j = 0; j < alive; ++j) {
            const int32_t c = live[j];
            const double bound = (p.whole + log_y[c]) + most;
            live[left] = c;
            left += !(bound <= far);
            if (bound > heap.bar) offer(i, c, row);
        }
        alive = left;
    }

    void grow_in_words(int64_t i, int64_t t) {
        const Prefix& p = beam[i];
        const Model::Row row = a.states ? model.row(p.model) : Model::Row{};
        mark_children(i, t);
        const int32_t* node = a.nodes + 3 * p.way;
        for (int64_t branch = node[0]; branch < node[1]; ++branch) {
            const int32_t c = a.branches[2 * branch];
            const bool again = branch > node[0] && a.branches[2 * branch - 2] == c;
            if (c != a.blank && !again) offer(i, c, row);
        }
    }

    void offer(int64_t i, int32_t c, const Model::Row& row) {
        const Prefix& p = beam[i];
        const double score = grown(p, c) + extra(p, row, c);
        if (score > heap.bar && marked[c] != mark) heap.push(score, count + i * a.k + c);
    }

    // The prefix at a place among the candidates.
    Prefix chosen(int64_t place) {
        Prefix p = beam[place < count ? place : (place - count) / a.k];
        if (place < count) {
            p.blank = p.stay_blank;
            p.label = p.stay_label;
            return p;
        }
        const int32_t c = static_cast<int32_t>((place - count) % a.k);
        const double label = grown(p, c);
        const Model::Row row = a.states ? model.row(p.model) : Model::Row{};
        p.extra = extra(p, row, c);
        if (a.states) p.model = row.to[a.symbols[c]];
        if (a.nodes) p.way = way(p.way, c);
        p.blank = never;
        p.label = label;
        p.last = c;
        const int32_t child = tree.child(p.node, c);
        p.node = child < 0 ? tree.add(p.node, c) : child;
        return p;
    }
    int32_t way(int32_t node, int32_t c) const {
        int64_t branch = a.nodes[3 * node];
        while (a.branches[2 * branch] != c) ++branch;
        return a.branches[2 * branch + 1];
    }

    const Args& a;
    double* log_y;
    int64_t* marked;   // by class: the last prefix that grows by it into another one of the beam
    int32_t* live;     // classes that some prefix may still grow by
    int64_t mark = -1, alive = 0;
    Model model;
    Tree tree;
    Prefix *beam, *next;
    Heap heap;
    int64_t count = 1;
};

}  // namespace

void ctc_beam_search(const args::ctc_beam_search& a, Context& context) {
    const int64_t symbols = a.states ? a.states[1] - a.states[0] : 0;   // the empty history knows every symbol
    for (int64_t c = 0; a.states && c < a.k; ++c)
        if (a.symbols[c] < 0 || a.symbols[c] >= symbols) return context.refuse(bad_index, c, a.symbols[c]);
    if (a.states && (a.end < 0 || a.end >= symbols)) return context.refuse(bad_index, a.k, a.end);
    Search search(a, symbols);
    for (int64_t t = 0; t < a.t; ++t) search.step(t);
    search.finish();
}

}  // namespace kn::KN_TARGET
