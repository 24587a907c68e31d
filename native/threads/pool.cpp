// The threads that help the caller of `parallel`.
//
// The caller cuts the chunks into one contiguous range a participant, opens the door, works on its own range and then
// on what the others have left; helpers do the same, and always take the same range, so that what a thread wrote is
// still in its cache. The caller never waits for a helper that has not come yet: it closes the door once no chunk is
// left and waits for those inside only.
// A helper without work looks at the door for some 50 microseconds, then sleeps. A second Python thread that calls
// while the pool is at work does its chunks alone. The pool is never destroyed: helpers may still sleep in it when the
// process ends. After a fork the child has none of the threads, forgets this pool and makes one of its own.
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <thread>

#include "denormals.h"
#include "parallel.h"

namespace kn {
namespace {

constexpr int most_threads = 256;
constexpr std::chrono::microseconds patience{50};

std::atomic<int> limit{0};                                  // 0: not set yet
thread_local bool inside = false;                           // this thread is working on a chunk

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Looks at `ready` until it is true or patience ends.
template <class F>
bool spin(F&& ready) {
    const auto end = std::chrono::steady_clock::now() + patience;
    do {
        for (int i = 0; i < 64; ++i) {
            if (ready()) return true;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    return ready();
}

// Who may come in, as one word: number of the job, participants, whether the door is open, how many came.
struct Door {
    static constexpr uint64_t came = 1, open = uint64_t{1} << 15, job = uint64_t{1} << 32;
    static int count(uint64_t d) { return static_cast<int>(d & 0x7fff); }
    static int participants(uint64_t d) { return static_cast<int>(d >> 16 & 0xffff); }
    static uint64_t make(uint64_t number, int participants) {
        return number * job | static_cast<uint64_t>(participants) << 16 | open;
    }
};

struct alignas(64) Range {
    std::atomic<int64_t> next{0};
    std::atomic<bool> taken{false};                         // its owner is at work
    int64_t end = 0;

    // The next chunk, or `end`. Another participant leaves the last one to the owner: it would not be done earlier, only
    // in the wrong cache.
    int64_t take(bool own) {
        int64_t i = next.load(std::memory_order_relaxed);
        do {
            if (i >= end || (!own && i == end - 1 && taken.load(std::memory_order_relaxed))) return end;
        } while (!next.compare_exchange_weak(i, i + 1, std::memory_order_relaxed));
        return i;
    }
};

class Pool {
public:
    // False if another thread is using the pool.
    bool run(int participants, int64_t chunks, Chunk f, void* g) {
        if (busy.test_and_set(std::memory_order_acquire)) return false;
        participants = std::min(participants, start(participants - 1) + 1);
        function = f;
        context = g;
        failed.store(false, std::memory_order_relaxed);
        left.store(0, std::memory_order_relaxed);
        for (int p = 0; p < participants; ++p) {
            ranges[p].next.store(chunks * p / participants, std::memory_order_relaxed);
            ranges[p].taken.store(false, std::memory_order_relaxed);
            ranges[p].end = chunks * (p + 1) / participants;
        }
        door.store(Door::make(++jobs, participants));
        bell.fetch_add(1);
        bell.notify_all();
        work(0, participants);
        const int helpers = Door::count(door.fetch_and(~Door::open));
        if (!spin([&] { return left.load(std::memory_order_acquire) == helpers; }))
            for (int seen; (seen = left.load(std::memory_order_acquire)) != helpers;) left.wait(seen);
        const bool bad = failed.load(std::memory_order_relaxed);
        busy.clear(std::memory_order_release);
        if (bad) throw std::bad_alloc();
        return true;
    }

private:
    // Starts helpers until there are `count`; fewer if the system gives no more.
    int start(int count) {
        for (; started < count; ++started) {
            try {
                std::thread(&Pool::help, this, started + 1).detach();
            } catch (...) {
                break;
            }
        }
        return started;
    }

    void work(int seat, int participants) {
        inside = true;
        try {
            for (int p = 0; p < participants; ++p) {
                Range& range = ranges[(seat + p) % participants];
                if (p == 0) range.taken.store(true, std::memory_order_relaxed);
                for (int64_t i; (i = range.take(p == 0)) < range.end;) function(context, i);
            }
        } catch (...) {
            failed.store(true, std::memory_order_relaxed);
        }
        inside = false;
    }

    [[noreturn]] void help(int seat) {
        FlushDenormals flush;
        for (uint64_t last = 0;;) {
            const int rung = bell.load();
            uint64_t now = door.load();
            const auto wanted = [&] {
                now = door.load(std::memory_order_acquire);
                return (now & Door::open) && now / Door::job != last && seat < Door::participants(now);
            };
            if (!spin(wanted)) {
                bell.wait(rung);
                continue;
            }
            last = now / Door::job;
            bool in = false;
            while (!in && (now & Door::open) && now / Door::job == last)
                in = door.compare_exchange_weak(now, now + Door::came);
            if (!in) continue;
            work(seat, Door::participants(now));
            left.fetch_add(1, std::memory_order_release);
            left.notify_one();
        }
    }

    std::atomic_flag busy;
    Chunk function = nullptr;
    void* context = nullptr;
    uint64_t jobs = 0;
    int started = 0;
    Range ranges[most_threads];
    std::atomic<bool> failed{false};
    alignas(64) std::atomic<uint64_t> door{0};
    alignas(64) std::atomic<int> bell{0};
    alignas(64) std::atomic<int> left{0};
};

std::atomic<Pool*> current{nullptr};

Pool& pool() {
    Pool* found = current.load(std::memory_order_acquire);
    if (found) return *found;
    static const int registered = pthread_atfork(nullptr, nullptr, [] { current.store(nullptr); });
    static_cast<void>(registered);
    Pool* made = new Pool;
    if (current.compare_exchange_strong(found, made)) return *made;
    delete made;
    return *found;
}

}  // namespace

int threads() {
    int n = limit.load(std::memory_order_relaxed);
    if (n == 0) limit.store(n = std::clamp(default_threads(), 1, most_threads), std::memory_order_relaxed);
    return n;
}

void set_threads(int count) { limit.store(std::clamp(count, 1, most_threads), std::memory_order_relaxed); }

void run_chunks(int64_t chunks, double cost, Chunk f, void* context) {
    const double worth = cost * static_cast<double>(chunks) / worth_a_thread;
    int participants = inside ? 1 : threads();
    if (worth < participants) participants = static_cast<int>(worth);
    if (chunks < participants) participants = static_cast<int>(chunks);
    if (participants > 1 && pool().run(participants, chunks, f, context)) return;
    for (int64_t i = 0; i < chunks; ++i) f(context, i);
}

}  // namespace kn
