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

// A flag (or none) as the threads of a job read it, and whether one of them obeyed.
class Interruption {
 public:
  explicit Interruption(const StopFlag* flag) : flag_(flag) {}
  bool requested() {
    if (flag_ == nullptr || !flag_->requested()) return false;
    seen_.store(true, std::memory_order_relaxed);
    return true;
  }
  bool seen() const { return seen_.load(); }

 private:
  const StopFlag* flag_;
  std::atomic<bool> seen_{false};
};

}  // namespace flow
