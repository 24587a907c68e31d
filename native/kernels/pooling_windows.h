// Which cells of a map a pooling window covers, and which windows cover a cell; the same for rows and columns.
#pragma once
#include "kernels/convolution_window.h"

namespace kn::KN_TARGET {

// The rows (columns) of the map that window `at` covers.
inline Range covered(int64_t at, int64_t stride, int64_t before, int64_t window, int64_t size) {
    const int64_t begin = larger(at * stride - before, 0);
    return {begin, larger(smaller(at * stride - before + window, size), begin)};
}

// The windows begin … end-1 that cover row (column) `at` of the map, for growing `at` (both ends only grow).
struct Covering {
    int64_t stride, before, window, windows;
    int64_t begin = 0, end = 0;

    void move_to(int64_t at) {
        while (end < windows && end * stride <= at + before) ++end;
        while (begin < end && begin * stride + window <= at + before) ++begin;
    }
};

}  // namespace kn::KN_TARGET
