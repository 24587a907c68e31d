// Measures what the arithmetic units can do at most: independent multiply-adds in registers, nothing else.
#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <vector>

#include "api.h"
#include "target.h"

namespace {

using Clock = std::chrono::steady_clock;

// Operations a second of one thread: the best of short stretches, for another process may share the processor.
double measure(double seconds) {
    const kn::Target& target = kn::active();
    double best = 0;
    const auto start = Clock::now();
    for (auto now = start; std::chrono::duration<double>(now - start).count() < seconds;) {
        const double operations = target.multiply_add(2'000);
        const auto then = Clock::now();
        best = std::max(best, operations / std::chrono::duration<double>(then - now).count());
        now = then;
    }
    return best;
}

}  // namespace

KN_PUBLIC double kn_peak(double seconds, int threads) try {
    std::vector<double> rates(static_cast<size_t>(std::max(1, threads)), 0.0);
    std::vector<std::thread> others;
    for (size_t i = 1; i < rates.size(); ++i) others.emplace_back([&rates, i, seconds] { rates[i] = measure(seconds); });
    rates[0] = measure(seconds);
    for (std::thread& t : others) t.join();
    double sum = 0;
    for (const double r : rates) sum += r;
    return sum / 1e9;
} catch (...) {
    return 0;                                   // no thread or memory to be had
}
