// Replays records: fills in the addresses, calls the kernel, stops at the first refusal.
#include <new>

#include "api.h"
#include "target.h"
#include "threads/denormals.h"
#include "threads/parallel.h"
#include "threads/scratch.h"

namespace kn {
namespace {

constexpr int64_t side_by_side = 0xffff;        // the number of a mark
constexpr int64_t most_side_by_side = 64;       // pieces behind it
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

// May what is packed from a record's second array, the weights of a convolution, be kept?
bool keeps(const Job& job, const Header& header, int64_t position) {
    const int64_t buffer = static_cast<int64_t>(static_cast<uint64_t>(job.words[position + 2]) >> 48);
    return job.keep && header.heads > 1 && buffer == job.constant;
}

// Runs the record at `position`. What it refuses stands in `state`.
void run_record(const Job& job, const Header& header, int64_t position, State* state) {
    Context context{state};
    alignas(64) int64_t usual[usual_length];
    int64_t* record = usual;
    if (header.length > usual_length)
        record = reinterpret_cast<int64_t*>(scratch(Slot::record, 2 * static_cast<size_t>(header.length)));
    resolve(job.words + position, header, job.bases, record);
    const Kernel* table = kernels();
    const Kernel kernel = header.number < functions ? table[header.number] : nullptr;
    begin_record(keeps(job, header, position) ? job.keep : nullptr, position, table);
    if (!kernel) context.refuse(no_kernel, 0, header.number);
    else kernel(record, context);
}

// Runs the records from `position` to `end`; stops, on it, at one that refuses.
void run_piece(const Job& job, int64_t& position, int64_t end, State* state) {
    while (position < end) {
        const Header header(static_cast<uint64_t>(job.words[position]));
        run_record(job, header, position, state);
        if (state->status != fine) return;
        position += header.length;
    }
}

// Runs the pieces behind a mark, each as one chunk. Each has a state block of its own, since two may refuse; the first
// in order counts. `position` then lies behind the last piece, or on the record that refused.
void run_side_by_side(const Job& job, const Header& mark, int64_t& position) {
    const int64_t* lengths = job.words + position + 2;
    int64_t places[most_side_by_side], ends[most_side_by_side];
    State states[most_side_by_side];
    int64_t end = position + mark.length;
    for (int64_t i = 0; i < mark.heads; ++i) {
        places[i] = end;
        end += lengths[i];
        ends[i] = end;
        states[i] = *job.state;
    }
    const double work = static_cast<double>(job.words[position + 1]);
    position = places[0];                           // where an exception is reported
    parallel(mark.heads, work, [&](int64_t i) { run_piece(job, places[i], ends[i], &states[i]); });
    for (int64_t i = 0; i < mark.heads; ++i)
        if (states[i].status != fine) {
            *job.state = states[i];
            position = places[i];
            return;
        }
    position = end;
}

void run(const Job& job, int64_t& position) {
    while (position < job.last && job.state->status == fine) {
        const Header header(static_cast<uint64_t>(job.words[position]));
        if (header.number == side_by_side) run_side_by_side(job, header, position);
        else run_piece(job, position, position + header.length, job.state);
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

KN_PUBLIC kn::Keep* kn_make_keep() {
    try {
        return kn::make_keep();
    } catch (...) {
        return nullptr;
    }
}
KN_PUBLIC void kn_free_keep(kn::Keep* keep) { kn::free_keep(keep); }

KN_PUBLIC int kn_missing(int number) {
    return number < 0 || number >= kn::functions || !kn::kernels()[number];
}

KN_PUBLIC void kn_set_threads(int count) { kn::set_threads(count); }
KN_PUBLIC int kn_threads() { return kn::threads(); }
KN_PUBLIC int kn_default_threads() { return kn::default_threads(); }
