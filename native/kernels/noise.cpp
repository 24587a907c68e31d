// Gaussian noise: Y = X + deviation · N. N by Box and Muller from pairs of random words (klarnet.random): with
// u = ((b0 >> 8) + 1) 2^-24 and v = (b1 >> 8) 2^-24,   n0 = √(-2 ln u) cos 2πv,   n1 = √(-2 ln u) sin 2πv.
//
// Runs of 256 elements, as dropout has them: the words of a run, then its normal numbers, lie in buffers in L1. Runs begin
// at multiples of a block of four, so pairs stay together.
#include "kernels/elementwise.h"
#include "simd/math.h"
#include "simd/philox.h"

namespace kn::KN_TARGET {
namespace {

struct Pair {
    vec cosine, sine;
};

// Of 2πv, 0 <= v < 1: the angle is a quarter turn, a multiple of it, and a rest of an eighth at most, all exact.
Pair turn(vec v) {
    const vec whole = broadcast(12582912.0f), shifted = 4.0f * v + whole;       // 1.5 · 2^23 rounds to an integer
    const vec f = 4.0f * v - (shifted - whole), square = f * f;
    const ivec quarter = as_int(shifted);
    const vec s = f * polynomial(square, {-0.0046056867f, 0.07968173921f, -0.6459636688f, 1.57079637050f});
    const vec c = polynomial(square, {0.00090363167f, -0.0208600722f, 0.25366920232f, -1.2337005138f, 1.0f});
    const ivec odd = (quarter & 1) != 0;
    const vec cosine = select(odd, s, c), sine = select(odd, c, s);
    return {as_float(as_int(cosine) ^ (((quarter + 1) & 2) << 30)), as_float(as_int(sine) ^ ((quarter & 2) << 30))};
}

// The normal numbers of 2 · lanes elements from their words.
void normals(const uint32_t* words, float* out) {
    vec u, v;
    for (int i = 0; i < lanes; ++i) {
        u[i] = static_cast<float>((words[2 * i] >> 8) + 1) * 0x1p-24f;
        v[i] = static_cast<float>(words[2 * i + 1] >> 8) * 0x1p-24f;
    }
    const vec radius = sqrt(-2.0f * log(u));
    const Pair turned = turn(v);
    const vec first = radius * turned.cosine, second = radius * turned.sine;
    for (int i = 0; i < lanes; ++i) {
        out[2 * i] = first[i];
        out[2 * i + 1] = second[i];
    }
}

}  // namespace

void gaussian_noise(const args::gaussian_noise& a, Context& c) {
    const Stream stream(*c.state, a.node, NOISE);
    const float deviation = static_cast<float>(a.deviation);
    elementwise(a.n, 60, [&](int64_t begin, int64_t end) {
        constexpr int64_t run = 256;
        uint32_t words[words_a_group];
        float noise[run];
        for (int64_t first = begin; first < end; first += run) {
            const int64_t length = end - first < run ? end - first : run;
            for (int64_t w = 0; w < length; w += words_a_group) {
                philox(stream, static_cast<uint64_t>((first + w) / 4), words);
                normals(words, noise + w);
            }
            each_vector(0, length, [&](int64_t i, int64_t count) {
                const float* from = a.X + first + i;
                const vec N = deviation * load(noise + i);
                if (count == lanes) store(a.Y + first + i, load(from) + N);
                else store(a.Y + first + i, load(from, count) + N, count);
            });
        }
    });
}

}  // namespace kn::KN_TARGET
