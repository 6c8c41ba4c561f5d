// Two symbols that newer libstdc++ headers call for and older libraries lack, defined here and hidden: the addon then asks for neither.
#if defined(__linux__) && defined(__GLIBCXX__) || defined(__linux__) && __has_include(<bits/functexcept.h>)
#include <bits/functexcept.h>

namespace std {
// GLIBCXX_3.4.29; thrown for an array size that overflows. Older code throws bad_alloc in its place.
__attribute__((visibility("hidden"), noreturn)) void __throw_bad_array_new_length() { __throw_bad_alloc(); }
}  // namespace std

// GLIBC_2.32; tells shared_ptr that it may count without atomics. "Perhaps not" is always right.
extern "C" __attribute__((visibility("hidden"))) char __libc_single_threaded = 0;
#endif
