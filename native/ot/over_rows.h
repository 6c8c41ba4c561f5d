// Rows [0, n) dealt to threads in tasks of 16; nothing more is begun once the stop flag is up.
#pragma once
#include "core/pool.h"
#include "core/stop.h"

namespace flow {

template <class F>
void over_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& run) {
  constexpr int32_t kTaskRows = 16;
  parallel_for((n + kTaskRows - 1) / kTaskRows, threads, [&](int64_t task, int32_t) {
    if (stop != nullptr && stop->requested()) return;
    const int32_t end = static_cast<int32_t>(task + 1) * kTaskRows;
    for (int32_t i = static_cast<int32_t>(task) * kTaskRows; i < (end < n ? end : n); ++i) run(i);
  });
}

}  // namespace flow
