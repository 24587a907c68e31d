// Winograd's output transform Y = Aᵀ m A, bias, finishing steps and the only store.
//
// A tile and a vector of filters at a time: 36 products are read from L2, Aᵀ goes over the columns, then the rows.
// Whole tiles go straight to their place (no step, ReLU or its mask in registers); the rest, cut by the map's border or
// with other steps, by way of a row of tiles in L1 and `finish`, which masks the last filters.
#include "kernels/winograd.h"

namespace kn::KN_TARGET::winograd {
namespace {

// Where outputs go: the array itself, or a tile in L1; floats between lines and between pixels.
struct Place {
    float* out;
    const float* operand;
    int64_t line, pixel;
};

// Aᵀ m A of one tile and one vector of filters; m has its points `plane` floats apart.
template <Last last>
[[gnu::always_inline]] inline void transform_output(const float* m, int64_t plane, vec bias, float* out,
                                               const float* operand, int64_t line, int64_t pixel) {
    vec half[outputs][points];
    for (int j = 0; j < points; ++j) {
        vec column[points], turned[outputs];
        for (int i = 0; i < points; ++i) column[i] = load(m + (i * points + j) * plane);
        output(column, turned);
        for (int i = 0; i < outputs; ++i) half[i][j] = turned[i];
    }
    for (int i = 0; i < outputs; ++i, out += line, operand += line) {
        vec row[outputs];
        output(half[i], row);
        for (int j = 0; j < outputs; ++j) store_last<last>(out + j * pixel, row[j] + bias, operand + j * pixel);
    }
}

// Tiles begin … end-1 of a row of tiles.
template <Last last>
void transform_tiles(const Direct& job, Range tiles, int64_t block, const float* bias, const float* products,
                     int64_t plane, const Place& first) {
    const int64_t width = width_of(job, block), line = first.line, pixel = first.pixel;
    for (int64_t tile = tiles.begin; tile < tiles.end; ++tile)
        for (int64_t v = 0; v < width; v += lanes) {
            const int64_t at = tile * outputs * pixel + v;
            transform_output<last>(products + tile * width + v, plane, load(bias + block * block_columns + v),
                                   first.out + at, first.operand + at, line, pixel);
        }
}

}  // namespace

void store_outputs(const Direct& job, int64_t n, int64_t y, Range x, int64_t block, const float* bias,
                   const float* products, int64_t plane) {
    const int64_t columns = filters_of(job, block), width = width_of(job, block), left = x.begin * outputs;
    const int64_t rows = smaller(outputs, job.out_h - y * outputs);
    const int64_t pixels = smaller(x.size() * outputs, job.out_w - left);
    const int64_t index = ((n * job.out_h + y * outputs) * job.out_w + left) * job.write + block * block_columns;
    const Last last = last_of(job.finish);
    const int64_t whole = rows == outputs && columns == width && last != Last::steps ? pixels / outputs : 0;
    const Place place{job.out + index, operand_of(job.finish, job.out) + index, job.out_w * job.write, job.write};
    const auto transform = last == Last::relu            ? transform_tiles<Last::relu>
                           : last == Last::relu_backward ? transform_tiles<Last::relu_backward>
                                                         : transform_tiles<Last::store>;
    transform(job, {0, whole}, block, bias, products, plane, place);
    if (whole == x.size()) return;
    const int64_t line = x.size() * outputs * width, begin = whole * outputs;
    float* tile = scratch(Slot::fourth, static_cast<size_t>(outputs * line));
    transform_tiles<Last::store>(job, {whole, x.size()}, block, bias, products, plane, {tile, tile, line, width});
    for (int64_t i = 0; i < rows; ++i)
        finish(job.finish, tile + i * line + begin * width, pixels - begin, columns, width, job.out,
               index + (i * job.out_w + begin) * job.write, job.write);
}

}  // namespace kn::KN_TARGET::winograd
