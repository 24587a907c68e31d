// One instruction set that the kernels were compiled for.
#pragma once
#include "engine.h"

namespace kn {

struct Target {
    const char* name;
    void (*fill)(Kernel* table);                // the kernel of each row, or null
    double (*multiply_add)(int64_t rounds);     // does that many rounds of independent ones, returns their operations
};

const Target& active();                         // the best one this processor runs, or the one `kn_set_isa` chose
const Kernel* kernels();                        // its kernels, in the order of the table

}  // namespace kn
