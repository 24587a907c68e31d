// Direct convolution, channels last, for any stride, dilation, padding and groups; also the input gradient.
//
// Loops: tasks (images x output rows x output columns: what threads share) - phases of the stride - runs of at most
// `strip_pixels` pixels - groups - blocks of 2 vectors of output channels - panels of the reduction over (tap row, tap
// column, channel) - blocks of pixels (convolution_block.h, where sums are held in registers).
// L1: one panel of the packed filter (at most `panel_steps`) and the sums of a run of pixels, between two panels.
// L2: the window of the input that the task reads, copied with its border of zeros where there is one, and the packed
// filter. In a window, tap columns without a gap and their channels lie side by side: one run of the reduction.
// Remainders: pixels in run_rows; output channels by zeros in the packed filter and a masked last store.
// The sums have one order, whatever the blocks: bits depend neither on threads nor on finishing steps.
#include "kernels/convolution_filter.h"

#include "threads/parallel.h"

namespace kn::KN_TARGET {

// Finishing steps take tiles whose rows lie evenly in the output: the places are cut where their distance changes.
void finish_pixels(const Direct& job, const Pixels& pixels, float* sums, int64_t stride, int64_t shift,
                   int64_t columns) {
    for (int64_t first = 0; first < pixels.count;) {
        const int64_t start = pixels.places[first];
        const int64_t width = first + 1 < pixels.count ? pixels.places[first + 1] - start : 0;
        int64_t end = first + 1;
        while (end < pixels.count && pixels.places[end] - pixels.places[end - 1] == width) ++end;
        finish(job.finish, sums + first * stride, end - first, columns, stride, job.out, start + shift, width);
        first = end;
    }
}

namespace {

constexpr int64_t panel_steps = 20 * 1024 / (block_columns * 4);
constexpr int64_t window_bytes = 128 * 1024;

// Cuts the reduction of a phase into panels. Filled in order: `next` gives the Walk of each panel.
struct Panels {
    const Window& window;
    const Axis &y, &x;
    int64_t read, group;
    int64_t offsets[panel_steps];
    int64_t runs, length, pieces, piece = 0, run = 0;
    bool single;                   // runs too short to loop over: every step has an offset of its own

    Panels(const Window& w, const Axis& y, const Axis& x, int64_t read, int64_t group)
        : window(w), y(y), x(x), read(read), group(group) {
        const bool joined = x.gap == 1 && read == w.pixel;
        runs = joined ? y.taps : y.taps * x.taps;
        length = joined ? x.taps * read : read;
        single = length < 8 && runs * length <= panel_steps;
        pieces = parts(larger(length, 1), panel_steps);
    }
    int64_t place(int64_t at) const {                     // where run `at` begins, seen from the pixel's first tap
        const bool joined = runs == y.taps && length == x.taps * read;
        const int64_t e = joined ? at : at / x.taps, g = joined ? 0 : at % x.taps;
        return e * y.gap * window.row + g * x.gap * window.pixel + group * read;
    }
    bool next(Walk& walk) {
        if (run >= runs || length == 0) return false;
        if (single) {
            for (int64_t i = 0; i < runs; ++i)
                for (int64_t t = 0; t < length; ++t) offsets[i * length + t] = place(i) + t;
            walk = {offsets, runs * length, 1, 1};
            run = runs;
        } else if (pieces > 1) {
            const int64_t begin = length * piece / pieces, end = length * (piece + 1) / pieces;
            offsets[0] = place(run) + begin;
            walk = {offsets, 1, end - begin, 1};
            if (++piece == pieces) piece = 0, ++run;
        } else {
            const int64_t count = smaller(runs - run, panel_steps / length);
            for (int64_t i = 0; i < count; ++i) offsets[i] = place(run + i);
            walk = {offsets, count, length, 1};
            run += count;
        }
        return true;
    }
};

// One run of pixels of one phase: all groups, all blocks of columns.
void convolve_pixels(const Packed& packed, const Window& window, int64_t a, int64_t b, const Pixels& pixels) {
    const Direct& job = packed.job;
    if (is_depthwise(job.groups, job.read, job.write))
        return convolve_depthwise(job, job.y[a], job.x[b], window, pixels);
    float* sums = scratch(Slot::third, static_cast<size_t>(strip_pixels * block_columns));
    for (int64_t group = 0; group < job.groups; ++group)
        for (int64_t block = 0; block < packed.blocks; ++block) {
            const int64_t shift = group * job.write + block * block_columns;
            const int64_t columns = smaller(block_columns, job.write - block * block_columns);
            const int vectors = vectors_for(columns);
            const float* start = packed.bias + (group * packed.blocks + block) * block_columns;
            Panels panels(window, job.y[a], job.x[b], job.read, group);
            Walk walk{nullptr, 0, 0, 1};
            int64_t left = packed.depth(a, b);
            const float* operand = operand_of(job.finish, job.out) + shift;
            BlockJob part{pixels.rows, walk, packed.panel(a, b, group, block), sums, false, start, nullptr,
                          pixels.places, last_of(job.finish), operand, columns};
            do {
                panels.next(part.walk);
                left -= part.walk.steps();
                if (left == 0 && part.last != Last::steps) part.out = job.out + shift;
                run_rows(part, pixels.count, vectors);
                part.panel += part.walk.steps() * vectors * lanes;
                part.resume = true;
            } while (left > 0);
            if (part.last == Last::steps) finish_pixels(job, pixels, sums, vectors * lanes, shift, columns);
        }
}

// A block of images, output rows and output columns (counted in places of a phase).
struct Block {
    Range n, u, v;
};

// The input places that a range of places reads, over all phases of an axis.
Range reach(const Axis* axes, int64_t phases, Range places) {
    Range all{0, 0};
    for (int64_t i = 0; i < phases; ++i) {
        const int64_t end = smaller(places.end, axes[i].places);
        if (axes[i].taps == 0 || end <= places.begin) continue;
        const Range one{axes[i].begin(places.begin), axes[i].end(end - 1)};
        all = all.size() == 0 ? one : Range{smaller(all.begin, one.begin), larger(all.end, one.end)};
    }
    return all;
}

void convolve_block(const Packed& packed, const Block& block) {
    const Direct& job = packed.job;
    const Range y = reach(job.y, job.phases_y, block.u), x = reach(job.x, job.phases_x, block.v);
    const Window w = window(job.in, job.y->in, job.x->in, job.groups * job.read, block.n, y, x, Slot::second);
    const int64_t channels = job.groups * job.write;
    Pixels pixels;
    for (int64_t a = 0; a < job.phases_y; ++a)
        for (int64_t b = 0; b < job.phases_x; ++b) {
            const Axis &ya = job.y[a], &xb = job.x[b];
            const int64_t u_end = smaller(block.u.end, ya.places), v_end = smaller(block.v.end, xb.places);
            const bool empty = ya.taps == 0 || xb.taps == 0;
            pixels.count = 0;
            for (int64_t n = block.n.begin; n < block.n.end; ++n)
                for (int64_t u = block.u.begin; u < u_end; ++u) {
                    const int64_t from = empty ? 0 : w.offset(n - block.n.begin, ya.begin(u), xb.begin(0));
                    const int64_t to = ((n * job.out_h + ya.out_first + u * ya.out_step) * job.out_w + xb.out_first) *
                                       channels;
                    for (int64_t v = block.v.begin; v < v_end; ++v) {
                        pixels.rows[pixels.count] = w.data + (empty ? 0 : from + v * xb.stride * w.pixel);
                        pixels.places[pixels.count] = to + v * xb.out_step * channels;
                        if (++pixels.count == strip_pixels) {
                            convolve_pixels(packed, w, a, b, pixels);
                            pixels.count = 0;
                        }
                    }
                }
            if (pixels.count > 0) convolve_pixels(packed, w, a, b, pixels);
        }
}

// How the work is cut, by sizes alone.
struct Cut {
    int64_t images, rows, columns;             // of one task
    int64_t over_n, over_u, over_v;            // how many tasks
};

Cut cut(const Direct& job, int64_t u, int64_t v) {
    const int64_t channels = job.groups * job.read;
    int64_t columns = smaller(v, strip_pixels), images = 1;
    int64_t rows = smaller(u, larger(1, 4 * strip_pixels / columns));
    if (u * v * 2 <= strip_pixels) images = larger(1, smaller(strip_pixels / (u * v), job.n / 8));
    const auto bytes = [&](int64_t r) {
        return ((r - 1) * job.y->stride + (job.y->taps - 1) * job.y->gap + 1) *
               ((columns - 1) * job.x->stride + (job.x->taps - 1) * job.x->gap + 1) * channels * 4;
    };
    while (rows > 1 && bytes(rows) > window_bytes) rows -= rows / 2;
    while (columns > block_rows && bytes(rows) > 8 * window_bytes) columns -= columns / 2;
    while (rows > 1 && rows * columns > strip_pixels / 2 && job.n * parts(u, rows) * parts(v, columns) < 16)
        rows -= rows / 2;
    rows = parts(u, parts(u, rows));
    columns = parts(v, parts(v, columns));
    return {images, rows, columns, parts(job.n, images), parts(u, rows), parts(v, columns)};
}

}  // namespace

void convolve_directly(const Direct& job) {
    int64_t u = 0, v = 0;
    for (int64_t i = 0; i < job.phases_y; ++i) u = larger(u, job.y[i].places);
    for (int64_t i = 0; i < job.phases_x; ++i) v = larger(v, job.x[i].places);
    if (job.n == 0 || u == 0 || v == 0 || job.groups * job.write == 0) return;
    const Packed packed = pack_filter(job);
    const Cut c = cut(job, u, v);
    const double steps = static_cast<double>(c.images * c.rows * c.columns * job.filter.p * job.filter.q * job.read);
    parallel(c.over_n * c.over_u * c.over_v, 2 * steps * static_cast<double>(job.groups * job.write), [&](int64_t i) {
        const int64_t at_v = i % c.over_v, at_u = i / c.over_v % c.over_u, at_n = i / c.over_v / c.over_u;
        convolve_block(packed, {{at_n * c.images, smaller(job.n, (at_n + 1) * c.images)},
                                {at_u * c.rows, smaller(u, (at_u + 1) * c.rows)},
                                {at_v * c.columns, smaller(v, (at_v + 1) * c.columns)}});
    });
}

}  // namespace kn::KN_TARGET
