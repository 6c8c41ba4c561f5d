// Rows [0, n) dealt to threads in tasks of 16; nothing more is begun once the stop flag is up.
#pragma once
#include "core/pool.h"
#include "core/stop.h"

namespace flow {

// run(first, end): the rows of a task.
template <class F>
void over_tasks(int32_t n, int32_t threads, const StopFlag* stop, F&& run) {
  constexpr int32_t kTaskRows = 16;
  parallel_for((n + kTaskRows - 1) / kTaskRows, threads, [&](int64_t task, int32_t) {
    if (stop != nullptr && stop->requested()) return;
    const int32_t first = static_cast<int32_t>(task) * kTaskRows, end = first + kTaskRows;
    run(first, end < n ? end : n);
  });
}
template <class F>
void over_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& run) {
  over_tasks(n, threads, stop, [&](int32_t first, int32_t end) {
    for (int32_t i = first; i < end; ++i) run(i);
  });
}

}  // namespace flow
