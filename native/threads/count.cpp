// How many processors this process may use: its affinity mask, cut down to the limit of its control group (a container
// with 2 of 64 processors must not start 64 threads). A limit of 1.5 processors counts as 2.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>
#if defined(__linux__)
#include <sched.h>
#endif

#include "parallel.h"

namespace kn {
namespace {

int affinity() {
#if defined(__linux__)
    for (int processors = 1024; processors <= 1 << 16; processors *= 2) {   // a mask too small is refused: try larger
        cpu_set_t* mask = CPU_ALLOC(processors);
        if (!mask) break;
        const size_t size = CPU_ALLOC_SIZE(processors);
        const bool known = sched_getaffinity(0, size, mask) == 0;
        const int count = known ? CPU_COUNT_S(size, mask) : 0;
        CPU_FREE(mask);
        if (known && count > 0) return count;
    }
#endif
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// The whole of a file, "" where there is none. (Streams would bring 0.8 MB of their library, the locales, along.)
std::string text_of(const std::string& path) {
    std::string text;
    if (FILE* file = std::fopen(path.c_str(), "re")) {
        char piece[512];
        for (size_t count; (count = std::fread(piece, 1, sizeof piece, file)) > 0;) text.append(piece, count);
        std::fclose(file);
    }
    return text;
}

// Processors allowed by one group of version 2 ("max 100000" or "200000 100000") or version 1 (two files); 0: no limit.
double quota(const std::string& folder, bool second) {
    const std::string text = second ? text_of(folder + "/cpu.max")
                                    : text_of(folder + "/cpu.cfs_quota_us") + text_of(folder + "/cpu.cfs_period_us");
    double amount = -1, period = 0;
    const int found = std::sscanf(text.c_str(), "%lf %lf", &amount, &period);        // of "max": none
    return found == 2 && amount > 0 && period > 0 ? amount / period : 0;
}

// The smallest limit of the groups that this process is in, and of the groups around them; 0: no limit.
double control_groups() {
    double least = 0;
    const std::string lines = text_of("/proc/self/cgroup");                 // number:controllers:path
    for (size_t begin = 0, end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const std::string line = lines.substr(begin, end - begin);
        const size_t first = line.find(':'), last = line.find(':', first + 1);
        if (first == std::string::npos || last == std::string::npos) continue;
        std::string controllers = ",";
        controllers.append(line, first + 1, last - first - 1).push_back(',');
        const bool second = controllers == ",,";
        if (!second && controllers.find(",cpu,") == std::string::npos) continue;
        const std::string root = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
        for (std::string path = line.substr(last + 1);; path.erase(path.rfind('/'))) {
            const double allowed = quota(root + path, second);
            if (allowed > 0 && (least == 0 || allowed < least)) least = allowed;
            if (path.find('/') == std::string::npos) break;
        }
    }
    return least;
}

}  // namespace

int default_threads() {
    const int processors = affinity();
    const double allowed = control_groups();
    return allowed > 0 ? std::clamp(static_cast<int>(std::ceil(allowed)), 1, processors) : processors;
}

}  // namespace kn
