// The kernels of this instruction set, in the order of the table. A row that no file defines is null.
#include "replay/target.h"
#include "simd/vec.h"

namespace kn::KN_TARGET {

#define KN_DECLARE(name) [[gnu::weak]] void name(const args::name&, Context&);
KN_FUNCTIONS(KN_DECLARE)
#undef KN_DECLARE

double multiply_add(int64_t rounds);

namespace {

template <class Arguments, void (*kernel)(const Arguments&, Context&)>
void call(const void* record, Context& context) { kernel(*static_cast<const Arguments*>(record), context); }

void fill(Kernel* table) {
#define KN_ENTER(name) *table++ = name != nullptr ? call<args::name, name> : nullptr;
    KN_FUNCTIONS(KN_ENTER)
#undef KN_ENTER
}

#define KN_TEXT(name) #name
#define KN_NAME(name) KN_TEXT(name)

}  // namespace

extern const Target target;
constinit const Target target = {KN_NAME(KN_TARGET), fill, multiply_add};

}  // namespace kn::KN_TARGET
