// What every kernel knows: the state block, the refusal, the context of a run.
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

enum Refusal : int64_t { fine = 0, bad_label = 1, bad_index = 2, not_finite = 3, bad_length = 4, no_memory = 5 };

struct Context {
    State* state;
    // The first refusal counts; the run stops behind the function that made it.
    void refuse(Refusal why, int64_t where, int64_t value = 0) {
        if (state->status == fine) { state->status = why; state->where = where; state->value = value; }
    }
};

using Kernel = void (*)(const void* record, Context&);

}  // namespace kn
