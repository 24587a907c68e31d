// The part of the input that a block of output places reads, with zeros where it reaches beyond the image.
#pragma once
#include "simd/vec.h"
#include "threads/scratch.h"

namespace kn::KN_TARGET {

struct Range {
    int64_t begin, end;
    int64_t size() const { return end - begin; }
};

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

struct Window {
    const float* data;             // place (first image, y.begin, x.begin)
    int64_t image, row, pixel;     // strides in floats
    Range y, x;
    int64_t offset(int64_t n, int64_t at_y, int64_t at_x) const {
        return n * image + (at_y - y.begin) * row + (at_x - x.begin) * pixel;
    }
};

// Images n of in[·,h,w,c], rows y, columns x: the array itself where the window lies inside the image, else a copy in
// this thread's scratch `slot`.
Window window(const float* in, int64_t h, int64_t w, int64_t c, Range n, Range y, Range x, Slot slot);

}  // namespace kn::KN_TARGET
