// What the threads of a solve with fixed steps hold: for each a Runge-Kutta tile and a row-major one. And the first row of all that went wrong.
#pragma once
#include <atomic>
#include <new>

#include "solver/integrate.h"
#include "solver/runge_kutta.h"

namespace flow {

class StepRunners {
 public:
  Status init(const SampleOptions& o, int32_t dimension, int32_t tile, int32_t slots) {
    size_ = int64_t{tile} * dimension;
    steps_ = new (std::nothrow) RungeKutta[static_cast<size_t>(slots)];
    if (steps_ == nullptr) return out_of_memory();
    for (int32_t i = 0; i < slots; ++i) FLOW_TRY(steps_[i].init({o.stages, o.a, o.b, o.c}, dimension, tile, o.noise != nullptr));
    return rows_.allocate(checked_product(slots, tile, dimension));
  }
  RungeKutta& operator[](int32_t slot) { return steps_[slot]; }
  float* rows(int32_t slot) { return rows_.data() + slot * size_; }
  StepRunners() = default;
  StepRunners(const StepRunners&) = delete;
  StepRunners& operator=(const StepRunners&) = delete;
  ~StepRunners() { delete[] steps_; }

 private:
  RungeKutta* steps_ = nullptr;
  Buffer<float> rows_;
  int64_t size_ = 0;
};

// The least of the rows that any thread names; -1 = none.
class FirstRow {
 public:
  void name(int64_t row) {
    int64_t seen = row_.load(std::memory_order_relaxed);
    while (row < seen && !row_.compare_exchange_weak(seen, row, std::memory_order_relaxed)) {
    }
  }
  int64_t row() const {
    const int64_t row = row_.load();
    return row == INT64_MAX ? -1 : row;
  }

 private:
  std::atomic<int64_t> row_{INT64_MAX};
};

}  // namespace flow
