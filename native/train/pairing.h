// The coupling of whole batches, before the tiles of a step: draw x0, x1 and the condition, then the pairs. The rows of `steps_per_group` training
// batches may be coupled at once (a group) and then cut. A pure function of seed and step. With three threads or more the next two groups are coupled while a
// step runs (none beyond the last step, where it is known); with two, side by side before it, as a step of a few large tasks ends with one thread idle when the
// other comes late to it: (2, 256, 3), B = 256 on two Zen 3 cores takes 1.24 times a step without transport instead of 1.39 (medians of three turns).
#pragma once
#include <atomic>

#include "core/pool.h"
#include "ot/coupling.h"
#include "train/batch.h"

namespace flow {

class Pairing {
 public:
  Status init(const TrainerOptions& options, const Batch& batch, int32_t dimension, int32_t condition_width, int32_t threads);

  bool active() const { return rows_ > 0; }
  // Counted from the step's first row; with groups also below 0 or past the batch. false: stopped on the way.
  bool of_step(uint64_t step, const StopFlag* stop, Pairs* pairs);
  // Runs the body of this step, and beside or before it the next two groups where none is ready.
  template <class F>
  void beside(uint64_t step, const StopFlag* stop, F&& body) {
    const uint64_t group = step / static_cast<uint64_t>(steps_per_group_);
    const int64_t ahead = ahead_of(group);
    if (threads_ < 2 || ahead == 0 || results_[(group + 1) % kResults].holds(group + 1)) return body();
    if (threads_ == 2) {
      parallel_for(ahead, 2, [&](int64_t task, int32_t) { solve(group + 1 + static_cast<uint64_t>(task), lanes_[task], 1, stop); });
      return body();
    }
    parallel_for(1 + ahead, threads_ <= ahead ? threads_ : static_cast<int32_t>(1 + ahead), [&](int64_t task, int32_t) {
      if (task == 0) body();
      else solve(group + static_cast<uint64_t>(task), lanes_[task - 1], 1, stop);
    });
  }
  // By how much the masses of the plan that this step's pairs were drawn from are off (Coupling::error); of a step just taken.
  double error(uint64_t step) const { return results_[step / static_cast<uint64_t>(steps_per_group_) % kResults].error; }
  int64_t solved() const { return solved_.load(std::memory_order_relaxed); }  // transports of training batches so far
  // The same for all validation pairs, group by group: pair p joins the x0 of pair from[p] and the x1 of pair to[p].
  bool of_validation(uint64_t seed, int64_t draws, int64_t rows, const StopFlag* stop, int32_t* from, int32_t* to);

 private:
  static constexpr int32_t kAhead = 2, kResults = 1 + kAhead;
  struct Lane {  // one transport at a time
    Coupling coupling;
    BatchScratch scratch;
    Buffer<float> x0, x1, condition;
    Buffer<int32_t> from, to;
  };
  struct Result {
    bool holds(uint64_t group) const { return ready && index == group; }
    uint64_t index = 0;
    bool ready = false;
    double error = 0;
    Buffer<int32_t> from, to;
    Buffer<float> x0;  // as they were drawn for the transport
  };
  template <class F>
  bool draw(Lane& lane, int64_t rows, const CouplingDraws& draws, int32_t threads, const StopFlag* stop, F&& fill);
  int64_t ahead_of(uint64_t group) const {
    const uint64_t left = group + 1 < groups_ ? groups_ - group - 1 : 0;
    return left < static_cast<uint64_t>(kAhead) ? static_cast<int64_t>(left) : kAhead;
  }
  bool solve(uint64_t group, Lane& lane, int32_t threads, const StopFlag* stop);

  const Batch* batch_ = nullptr;
  int32_t dimension_ = 0, condition_width_ = 0, threads_ = 1;
  int64_t rows_ = 0, steps_per_group_ = 1;
  uint64_t groups_ = UINT64_MAX;  // of the steps that training takes
  std::atomic<int64_t> solved_{0};
  bool resamples_ = false;
  PhiloxKey key_{};
  Lane lanes_[kAhead];
  Result results_[kResults];
};

}  // namespace flow
