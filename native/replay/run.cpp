// Replays records: fills in the addresses, calls the kernel, stops at the first refusal.
#include <new>

#include "api.h"
#include "target.h"
#include "threads/denormals.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn {
namespace {

constexpr int64_t usual_length = 128;           // longer records (concat of many arrays) are resolved in scratch

struct Header {
    int64_t number, length, heads, tails;
    explicit Header(uint64_t word)
        : number(word & 0xffff), length(word >> 16 & 0xffff), heads(word >> 32 & 0xffff), tails(word >> 48) {}
};

int64_t address(int64_t word, const uint64_t* bases) {
    const uint64_t buffer = static_cast<uint64_t>(word) >> 48;
    const uint64_t offset = static_cast<uint64_t>(word) & 0xffff'ffff'ffff;
    return static_cast<int64_t>(buffer ? bases[buffer] + offset : offset);
}

// The structure of the row: the record without its first word, with real addresses.
void resolve(const int64_t* words, const Header& header, const uint64_t* bases, int64_t* record) {
    const int64_t size = header.length - 1, entries = size - 4 * header.tails;
    for (int64_t i = 0; i < size; ++i) record[i] = words[1 + i];
    for (int64_t i = 0; i < header.heads; ++i) record[i] = address(record[i], bases);
    for (int64_t i = entries; i < size; i += 4) record[i] = address(record[i], bases);
}

void run(const Job& job, int64_t& position) {
    Context context{job.state};
    const Kernel* table = kernels();
    alignas(64) int64_t usual[usual_length];
    while (position < job.last) {
        const int64_t* words = job.words + position;
        const Header header(static_cast<uint64_t>(words[0]));
        int64_t* record = usual;
        if (header.length > usual_length)
            record = reinterpret_cast<int64_t*>(scratch(Slot::record, 2 * static_cast<size_t>(header.length)));
        resolve(words, header, job.bases, record);
        const Kernel kernel = header.number < functions ? table[header.number] : nullptr;
        if (!kernel) context.refuse(no_kernel, 0, header.number);
        else kernel(record, context);
        if (job.state->status != fine) return;
        position += header.length;
    }
}

}  // namespace
}  // namespace kn

KN_PUBLIC uint32_t kn_abi() { return kn::abi; }

KN_PUBLIC int64_t kn_run(const kn::Job* job) {
    kn::FlushDenormals flush;
    int64_t position = job->first;
    job->state->status = kn::fine;
    try {
        kn::run(*job, position);
    } catch (...) {                             // std::bad_alloc: kernels throw nothing else
        kn::Context{job->state}.refuse(kn::no_memory, 0);
    }
    return job->state->status == kn::fine ? -1 : position;
}

KN_PUBLIC int kn_missing(int number) {
    return number < 0 || number >= kn::functions || !kn::kernels()[number];
}

KN_PUBLIC void kn_set_threads(int count) { kn::set_threads(count); }
KN_PUBLIC int kn_threads() { return kn::threads(); }
KN_PUBLIC int kn_default_threads() { return kn::default_threads(); }
