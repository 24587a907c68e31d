// Copies a window of an image with a border of zeros. One pass, row by row; a window is made small enough for L2.
#include "kernels/convolution_window.h"

#include <cstring>

namespace kn::KN_TARGET {

Window window(const float* in, int64_t h, int64_t w, int64_t c, Range n, Range y, Range x, Slot slot) {
    const float* images = in + n.begin * h * w * c;
    if (y.begin >= 0 && y.end <= h && x.begin >= 0 && x.end <= w)
        return {images + (y.begin * w + x.begin) * c, h * w * c, w * c, c, y, x};
    const int64_t row = x.size() * c, image = y.size() * row;
    float* copy = scratch(slot, static_cast<size_t>(n.size() * image));
    const int64_t left = smaller(larger(-x.begin, 0), x.size());                 // columns before the image
    const int64_t inside = larger(smaller(x.end, w) - larger(x.begin, 0), 0);    // columns of the image
    const int64_t right = x.size() - left - inside;
    float* to = copy;
    for (int64_t m = 0; m < n.size(); ++m)
        for (int64_t at = y.begin; at < y.end; ++at, to += row) {
            if (at < 0 || at >= h || inside == 0) {
                std::memset(to, 0, sizeof(float) * static_cast<size_t>(row));
                continue;
            }
            const float* from = images + ((m * h + at) * w + larger(x.begin, 0)) * c;
            std::memset(to, 0, sizeof(float) * static_cast<size_t>(left * c));
            std::memcpy(to + left * c, from, sizeof(float) * static_cast<size_t>(inside * c));
            std::memset(to + (left + inside) * c, 0, sizeof(float) * static_cast<size_t>(right * c));
        }
    return {copy, image, row, c, y, x};
}

}  // namespace kn::KN_TARGET
