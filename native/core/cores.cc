// How many cores this process may run on: the CPUs of its affinity mask, one for each set of SMT siblings (Linux: sysfs), else those that are online.
#include <atomic>
#if defined(_WIN32)
#include <thread>
#else
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>

#include <cstdio>
#endif

#include "core/pool.h"

namespace flow {

namespace {

#if defined(__linux__)
// True when `cpu` is not the first of its core among the CPUs of `set`.
bool later_sibling(int cpu, const cpu_set_t& set) {
  char path[96];
  std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  bool later = false;
  int first = -1, last = -1;
  char separator = ',';
  while (!later && separator == ',' && std::fscanf(file, "%d", &first) == 1) {
    last = first;
    if (std::fscanf(file, "%c", &separator) != 1) separator = '\n';
    if (separator == '-') {
      if (std::fscanf(file, "%d", &last) != 1) break;
      if (std::fscanf(file, "%c", &separator) != 1) separator = '\n';
    }
    for (int i = first; i <= last && i < cpu; ++i)
      if (i >= 0 && i < CPU_SETSIZE && CPU_ISSET(i, &set)) later = true;
  }
  std::fclose(file);
  return later;
}
#endif

int32_t count_cores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int32_t cores = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set) && !later_sibling(cpu, set)) ++cores;
    if (cores > 0) return cores;
  }
#endif
#if defined(_WIN32)
  return static_cast<int32_t>(std::thread::hardware_concurrency());
#else
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<int32_t>(online) : 1;
#endif
}

}  // namespace

int32_t available_threads() {
  static std::atomic<int32_t> cached{0};
  int32_t n = cached.load(std::memory_order_relaxed);
  if (n == 0) {
    n = count_cores();
    n = n < 1 ? 1 : n > kMaxThreads ? kMaxThreads : n;
    cached.store(n, std::memory_order_relaxed);
  }
  return n;
}

int32_t resolve_threads(int32_t requested) {
  if (requested <= 0) return available_threads();
  return requested > kMaxThreads ? kMaxThreads : requested;
}

}  // namespace flow
