// The C face of the library: what Python calls through ctypes.
#pragma once
#include "engine.h"
#include "threads/keep.h"

#define KN_PUBLIC extern "C" __attribute__((visibility("default")))

namespace kn {

// Records `first` … `last` (positions in words) of a plan. A record is
//     number | length << 16 | heads << 32 | tails << 48
//     heads addresses, then the rest of the row's structure, at its end `tails` entries of four words
// length counts all words, the first included. An address, and the first word of each entry, is
//     buffer << 48 | offset in bytes      with buffer 0 = the address itself, 0 = missing
// Words with the number 0xffff stand before pieces, of one or more records, that may run at the same time:
//     0xffff | (2 + n) << 16 | n << 32,  floating point operations of one piece,  the lengths of the n pieces
struct Job {
    const int64_t* words;
    int64_t first, last;
    const uint64_t* bases;      // addresses of the buffers
    State* state;
    Keep* keep;                 // where packed weights are kept from run to run, or null
    int64_t constant;           // number of the buffer whose contents stay the same as long as `keep` lives
};

}  // namespace kn

KN_PUBLIC uint32_t kn_abi();                            // must equal the number that Python works out from its table
KN_PUBLIC int64_t kn_run(const kn::Job* job);           // -1, or the position of the record that refused
KN_PUBLIC kn::Keep* kn_make_keep();                     // null where there is no memory
KN_PUBLIC void kn_free_keep(kn::Keep* keep);
KN_PUBLIC int kn_missing(int number);                   // 1: this build has no native form of that function
KN_PUBLIC void kn_set_threads(int count);
KN_PUBLIC int kn_threads();
KN_PUBLIC int kn_default_threads();
KN_PUBLIC const char* kn_isa();
KN_PUBLIC const char* kn_isas();                        // those this processor runs, best first, separated by spaces
KN_PUBLIC int kn_set_isa(const char* name);             // 1: done; for tests, while nothing runs
KN_PUBLIC double kn_peak(double seconds, int threads);  // GFLOP/s of fused multiply-adds, measured
