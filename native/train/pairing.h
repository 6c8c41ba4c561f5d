// The coupling of whole batches, once per step and before the tiles: draw x0, x1 and the condition, then the permutation. A pure function of seed and step.
#pragma once
#include "ot/coupling.h"
#include "train/batch.h"

namespace flow {

class Pairing {
 public:
  Status init(const TrainerOptions& options, const Batch& batch, int32_t dimension, int32_t condition_width, int32_t threads);
  ~Pairing() { delete[] scratch_; }
  Pairing() = default;
  Pairing(const Pairing&) = delete;
  Pairing& operator=(const Pairing&) = delete;

  bool active() const { return scratch_ != nullptr; }
  // x0 of row i is that of row result[i]. null: stopped on the way.
  const int32_t* of_step(uint64_t step, const StopFlag* stop);
  // The same for all validation pairs, batch by batch: partner[p] is the pair whose x0 joins pair p.
  bool of_validation(uint64_t seed, int64_t draws, int64_t rows, const StopFlag* stop, int32_t* partner);

 private:
  template <class F>
  bool draw(int64_t rows, const StopFlag* stop, F&& fill);

  const Batch* batch_ = nullptr;
  int32_t dimension_ = 0, condition_width_ = 0, threads_ = 1;
  Coupling coupling_;
  BatchScratch* scratch_ = nullptr;
  Buffer<float> x0_, x1_, condition_;
  Buffer<int32_t> pairs_;
};

}  // namespace flow
