// Keeps the addon loadable on glibc 2.28 when it is built on a newer one: functions that moved into libc.so with 2.32 and 2.34 are bound to the version they
// carried before, which newer libraries still offer. Include where they are called. The other half is glibc_floor.cc; scripts/check-symbols.sh judges.
#pragma once

#if defined(__linux__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <limits.h>  // defines __GLIBC__
#if defined(__GLIBC__)
#if defined(__x86_64__)
#define FLOW_FLOOR "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FLOW_FLOOR "GLIBC_2.17"
#endif
#ifdef FLOW_FLOOR
__asm__(".symver pthread_create, pthread_create@" FLOW_FLOOR);
__asm__(".symver pthread_join, pthread_join@" FLOW_FLOOR);
__asm__(".symver pthread_sigmask, pthread_sigmask@" FLOW_FLOOR);
__asm__(".symver pthread_attr_setstacksize, pthread_attr_setstacksize@" FLOW_FLOOR);
#endif
#endif
#endif
