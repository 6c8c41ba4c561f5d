// Two symbols that newer libstdc++ headers call for and older libraries lack, defined here and hidden: the addon then asks for neither.
#include "core/glibc_floor.h"

#ifdef FLOW_FLOOR
namespace std {
[[noreturn]] void __throw_bad_alloc();  // libstdc++, GLIBCXX_3.4
}

extern "C" {
// std::__throw_bad_array_new_length(), GLIBCXX_3.4.29: an array size that overflows. Older code throws bad_alloc in its place.
[[noreturn]] __attribute__((visibility("hidden"))) void flow_bad_array_length() __asm__("_ZSt28__throw_bad_array_new_lengthv");
void flow_bad_array_length() { std::__throw_bad_alloc(); }

// GLIBC_2.32; tells shared_ptr that it may count without atomics. "Perhaps not" is always right.
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
}
#endif
