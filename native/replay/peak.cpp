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

// Operations a second of one thread.
double measure(double seconds) {
    const kn::Target& target = kn::active();
    double operations = 0, took = 0;
    const auto start = Clock::now();
    do {
        operations += target.multiply_add(10'000);
        took = std::chrono::duration<double>(Clock::now() - start).count();
    } while (took < seconds);
    return operations / took;
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
