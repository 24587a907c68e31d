// Chooses, when the library is loaded, the best instruction set that it was compiled for and this processor runs.
#include "target.h"

#include <cstring>
#include <string>

#include "api.h"

namespace kn {
#if defined(KN_HAVE_NEON)
namespace neon { extern const Target target; }
#else
namespace baseline { extern const Target target; }
#endif
#if defined(KN_HAVE_AVX2)
namespace avx2 { extern const Target target; }
#endif
#if defined(KN_HAVE_AVX512)
namespace avx512 { extern const Target target; }
#endif

namespace {

// Best first. __builtin_cpu_supports knows whether the system saves the wide registers, too.
const Target* choice(int i) {
#if defined(KN_HAVE_AVX512)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && i-- == 0)
        return &avx512::target;
#endif
#if defined(KN_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && i-- == 0) return &avx2::target;
#endif
#if defined(KN_HAVE_NEON)
    if (i-- == 0) return &neon::target;
#else
    if (i-- == 0) return &baseline::target;
#endif
    return nullptr;
}

struct Active {
    const Target* target;
    Kernel table[functions] = {};

    Active() {
#if defined(__x86_64__)
        __builtin_cpu_init();
#endif
        use(choice(0));
    }
    void use(const Target* t) {
        target = t;
        t->fill(table);
    }
};

Active now;

}  // namespace

const Target& active() { return *now.target; }
const Kernel* kernels() { return now.table; }

}  // namespace kn

KN_PUBLIC const char* kn_isa() { return kn::active().name; }

KN_PUBLIC const char* kn_isas() {
    static const std::string names = [] {
        std::string all;
        for (int i = 0; const kn::Target* t = kn::choice(i); ++i) {
            if (i) all += ' ';
            all += t->name;
        }
        return all;
    }();
    return names.c_str();
}

KN_PUBLIC int kn_set_isa(const char* name) {
    for (int i = 0; const kn::Target* t = kn::choice(i); ++i)
        if (std::strcmp(name, t->name) == 0) {
            kn::now.use(t);
            return 1;
        }
    return 0;
}
