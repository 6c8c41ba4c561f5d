#include "train/pairing.h"

#include <new>

#include "core/pool.h"

namespace flow {

namespace {
constexpr int64_t kTileRows = 128;
}

Status Pairing::init(const TrainerOptions& o, const Batch& batch, int32_t dimension, int32_t condition_width, int32_t threads) {
  if (!o.coupling.optimal) return {};
  const int64_t rows = batch.size();
  if (rows > kMostCoupledRows) return fail(Code::kArgument, "optimal transport takes batches of at most 4096 rows");
  if (o.source_paired) return fail(Code::kArgument, "a paired source leaves nothing to couple");
  if (o.coupling.labels < 0 || o.coupling.labels > condition_width) return fail(Code::kArgument, "there are more labels than condition columns");
  batch_ = &batch;
  dimension_ = dimension;
  condition_width_ = condition_width;
  threads_ = threads;
  const bool aware = o.coupling.condition;
  FLOW_TRY(coupling_.init(rows, dimension, aware ? condition_width - o.coupling.labels : 0, aware ? o.coupling.labels : 0));
  FLOW_TRY(x0_.allocate(checked_product(rows, dimension)));
  FLOW_TRY(x1_.allocate(checked_product(rows, dimension)));
  FLOW_TRY(condition_.allocate(checked_product(rows, condition_width)));
  FLOW_TRY(pairs_.allocate(rows));
  scratch_ = new (std::nothrow) BatchScratch[static_cast<size_t>(threads)];
  if (scratch_ == nullptr) return out_of_memory();
  for (int32_t i = 0; i < threads; ++i) FLOW_TRY(scratch_[i].init(rows < kTileRows ? rows : kTileRows, dimension, condition_width, false));
  return {};
}

template <class F>
bool Pairing::draw(int64_t rows, const StopFlag* stop, F&& fill) {
  parallel_for((rows + kTileRows - 1) / kTileRows, threads_, [&](int64_t task, int32_t slot) {
    if (stop != nullptr && stop->requested()) return;
    const int64_t first = task * kTileRows, count = rows - first < kTileRows ? rows - first : kTileRows;
    BatchScratch& s = scratch_[slot];
    fill(first, static_cast<int32_t>(count), s);
    const auto bytes = [&](int64_t width) { return static_cast<size_t>(count * width) * sizeof(float); };
    std::memcpy(x0_.data() + first * dimension_, s.x0.data(), bytes(dimension_));
    std::memcpy(x1_.data() + first * dimension_, s.x1.data(), bytes(dimension_));
    if (condition_width_ > 0) std::memcpy(condition_.data() + first * condition_width_, s.condition.data(), bytes(condition_width_));
  });
  return (stop == nullptr || !stop->requested()) &&
         coupling_.pair(kernels(), static_cast<int32_t>(rows), x0_.data(), x1_.data(), condition_.data(), threads_, stop, pairs_.data());
}

const int32_t* Pairing::of_step(uint64_t step, const StopFlag* stop) {
  const bool ok = draw(batch_->size(), stop, [&](int64_t first, int32_t count, BatchScratch& s) { batch_->draw(step, first, count, nullptr, s); });
  return ok ? pairs_.data() : nullptr;
}

// A validation row has `draws` pairs side by side; batches run over different rows: position q is pair (q mod rows) draws + q / rows.
bool Pairing::of_validation(uint64_t seed, int64_t draws, int64_t rows, const StopFlag* stop, int32_t* partner) {
  const int64_t size = batch_->size(), all = rows * draws;
  const auto pair_at = [&](int64_t q) { return q % rows * draws + q / rows; };
  for (int64_t begin = 0; begin < all; begin += size) {
    const int64_t count = all - begin < size ? all - begin : size;
    const bool ok = draw(count, stop, [&](int64_t first, int32_t n, BatchScratch& s) {
      for (int32_t i = 0; i < n; ++i) s.pair[i] = pair_at(begin + first + i);
      batch_->draw_validation(seed, draws, s.pair.data(), nullptr, n, s);
    });
    if (!ok) return false;
    for (int64_t i = 0; i < count; ++i) partner[pair_at(begin + i)] = static_cast<int32_t>(pair_at(begin + pairs_[i]));
  }
  return true;
}

}  // namespace flow
