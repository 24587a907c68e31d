// What every kernel knows: the state block, the refusal, the context of a run, and the form of a kernel.
//
// A kernel file native/kernels/NAME.cpp is compiled once per instruction set, with -DKN_TARGET=baseline, avx2, avx512
// or neon. All its code stands in `namespace kn::KN_TARGET`, so that the compilations never meet:
//
//     #include "../simd/vec.h"
//     namespace kn::KN_TARGET {
//     void relu(const args::relu& a, Context& context) { … }      // the row `relu` of the table
//     }
//
// A row that no file defines is simply missing (replay/functions.cpp refers to it weakly).
// Use no standard library templates there beyond what is certainly inlined (std::min): the linker keeps ONE copy of
// such a function, and that may be the one with instructions this machine does not have.
#pragma once
#include "waist.h"

namespace kn {

// Values that change from step to step. Python writes the first three before a run and reads the rest after it.
// The generated records hold everything else, so a plan is replayed without being encoded again.
struct State {
    double learning_rate;
    int64_t step;        // from 1
    uint64_t seed;       // key of the random generator
    int64_t status;      // 0, or why a function refused: see Refusal
    int64_t where;       // position of the first bad element
    int64_t value;       // the bad element itself, where it is a whole number
};

enum Refusal : int64_t {
    fine = 0, bad_label = 1, bad_index = 2, not_finite = 3, bad_length = 4, no_memory = 5, no_kernel = 6,
    not_finite_gradient = 7
};

struct Context {
    State* state;
    // The first refusal counts; the run stops behind the function that made it. Call it from the thread that runs
    // the kernel, never from inside `parallel`.
    void refuse(Refusal why, int64_t where, int64_t value = 0) {
        if (state->status == fine) { state->status = why; state->where = where; state->value = value; }
    }
};

using Kernel = void (*)(const void* record, Context&);

}  // namespace kn
