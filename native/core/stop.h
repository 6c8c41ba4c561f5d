// One atomic flag per job: set from any thread, read per row tile and per solver step.
#pragma once
#include <atomic>

namespace flow {

class StopFlag {
 public:
  void request() { flag_.store(true, std::memory_order_relaxed); }
  bool requested() const { return flag_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> flag_{false};
};

}  // namespace flow
