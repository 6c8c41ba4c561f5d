// One process-wide pool, started on first use and leaked on purpose (joining threads at exit is what crashes hosts).
// Workers own 1 MiB stacks, spin about 20 us, then sleep in atomic::wait. Several threads may call parallel_for at once: each caller
// runs tasks of its own loop, idle workers join whichever loop wants more hands, so no call ever waits for a worker to be free.
#pragma once
#include <cstdint>
#include <type_traits>

namespace flow {

constexpr int32_t kMaxThreads = 256;

// Physical cores this process may run on (affinity and SMT siblings accounted for), at least 1.
int32_t available_threads();
// 0 -> available_threads(); otherwise clamped to [1, kMaxThreads].
int32_t resolve_threads(int32_t requested);

// Calls fn(context, task, slot) once for every task in [0, tasks), on the caller and at most threads - 1 workers; returns when all are done.
// slot < threads names the runner: no two runners of one call share it. Which runner takes which task is not defined: results must not depend on it.
// A pool that cannot start threads (or threads <= 1) runs everything on the caller.
using Task = void (*)(void* context, int64_t task, int32_t slot);
void parallel_for(int64_t tasks, int32_t threads, Task fn, void* context);

template <class F>
void parallel_for(int64_t tasks, int32_t threads, F&& fn) {
  using Body = std::remove_reference_t<F>;
  parallel_for(
      tasks, threads, [](void* self, int64_t task, int32_t slot) { (*static_cast<Body*>(self))(task, slot); },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

}  // namespace flow
