// Work in chunks, shared among threads.
//
// A kernel cuts its work into chunks by its sizes alone, never by the number of threads, and each chunk writes its own
// part of the result (or its own partial sum, added up afterwards in the order of the chunks). So the bits of a result
// do not depend on how many threads ran, nor on which.
#pragma once
#include <cstdint>
#include <type_traits>

namespace kn {

using Chunk = void (*)(void* context, int64_t chunk);

// Runs f(context, 0) … f(context, chunks - 1), each once, in any order; returns when all are done. `cost` is the work
// of one chunk in floating point operations (for work bound by memory: about 8 per float touched); it decides how
// many threads are worth waking. Inside a chunk a further call runs on the same thread.
// What a chunk throws (std::bad_alloc) is thrown again here, once all threads have left.
void run_chunks(int64_t chunks, double cost, Chunk f, void* context);

// A thread is worth waking for this much work, in floating point operations.
constexpr double worth_a_thread = 250'000;

template <class F>
void parallel(int64_t chunks, double cost, F&& f) {
    using Function = std::remove_reference_t<F>;
    if (chunks <= 1 || cost * static_cast<double>(chunks) < 2 * worth_a_thread) {
        for (int64_t chunk = 0; chunk < chunks; ++chunk) f(chunk);
    } else {
        run_chunks(chunks, cost, [](void* g, int64_t chunk) { (*static_cast<Function*>(g))(chunk); },
                   const_cast<void*>(static_cast<const void*>(&f)));
    }
}

int threads();                  // the most threads a call may use
void set_threads(int count);    // from 1
int default_threads();          // the processors this process may use: affinity and control-group limits

}  // namespace kn
