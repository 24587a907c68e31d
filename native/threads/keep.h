// What is kept of weights that do not change from run to run: the packed filters of a network frozen for inference.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kn {

struct Keep;                    // all that one plan keeps; belongs to one Python thread
Keep* make_keep();
void free_keep(Keep* keep);

// Says which record this thread runs now, and where it may keep things (null: nowhere). `layout` tells apart who packs:
// kernels of another instruction set pack otherwise.
void begin_record(Keep* keep, int64_t position, const void* layout);

// Memory for `floats` floats, 64-byte aligned, that this record finds again in later runs, call by call in the same order;
// null where weights may change. `fresh`: nothing is in it yet, the caller fills it. To be called by the thread that runs
// the kernel, outside `parallel`. Throws std::bad_alloc.
struct Kept {
    float* memory;
    bool fresh;
};
Kept kept(size_t floats);

}  // namespace kn
