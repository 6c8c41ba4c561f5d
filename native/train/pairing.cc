#include "train/pairing.h"

namespace flow {

namespace {
constexpr int64_t kTileRows = 128;
}

Status Pairing::init(const TrainerOptions& o, const Batch& batch, int32_t dimension, int32_t condition_width, int32_t threads) {
  if (!o.coupling.optimal) return {};
  const int64_t rows = o.coupling.batch > 0 ? o.coupling.batch : batch.size();
  if (rows > kMostCoupledRows) return fail(Code::kArgument, "optimal transport takes batches of at most 4096 rows");
  if (rows % batch.size() != 0) return fail(Code::kArgument, "the batch of the coupling must be a multiple of the batch size");
  if (o.source_paired) return fail(Code::kArgument, "a paired source leaves nothing to couple");
  if (o.coupling.labels < 0 || o.coupling.labels > condition_width) return fail(Code::kArgument, "there are more labels than condition columns");
  batch_ = &batch;
  dimension_ = dimension;
  condition_width_ = condition_width;
  threads_ = threads;
  steps_per_group_ = rows / batch.size();
  if (o.steps > 0) groups_ = static_cast<uint64_t>((o.steps - 1) / steps_per_group_ + 1);
  const bool aware = o.coupling.condition;
  resamples_ = o.coupling.plan.resamples();
  key_ = philox_key(o.seed);
  for (int32_t l = 0; l < (threads > 1 ? kAhead : 1); ++l) {
    Lane& lane = lanes_[l];
    FLOW_TRY(lane.coupling.init(rows, dimension, aware ? condition_width - o.coupling.labels : 0, aware ? o.coupling.labels : 0, o.coupling.plan));
    FLOW_TRY(lane.x0.allocate(checked_product(rows, dimension)));
    FLOW_TRY(lane.x1.allocate(checked_product(rows, dimension)));
    FLOW_TRY(lane.condition.allocate(checked_product(rows, condition_width)));
    FLOW_TRY(lane.from.allocate(rows));
    FLOW_TRY(lane.to.allocate(rows));
    FLOW_TRY(lane.scratch.init(rows < kTileRows ? rows : kTileRows, dimension, condition_width, false));
  }
  for (Result& r : results_) {
    FLOW_TRY(r.from.allocate(rows));
    FLOW_TRY(r.to.allocate(rows));
    FLOW_TRY(r.x0.allocate(checked_product(rows, dimension)));
  }
  rows_ = rows;
  return {};
}

template <class F>
bool Pairing::draw(Lane& lane, int64_t rows, const CouplingDraws& draws, int32_t threads, const StopFlag* stop, F&& fill) {
  BatchScratch& s = lane.scratch;
  for (int64_t first = 0; first < rows; first += kTileRows) {
    if (stop != nullptr && stop->requested()) return false;
    const int64_t count = rows - first < kTileRows ? rows - first : kTileRows;
    fill(first, static_cast<int32_t>(count), s);
    const auto bytes = [&](int64_t width) { return static_cast<size_t>(count * width) * sizeof(float); };
    std::memcpy(lane.x0.data() + first * dimension_, s.x0.data(), bytes(dimension_));
    std::memcpy(lane.x1.data() + first * dimension_, s.x1.data(), bytes(dimension_));
    if (condition_width_ > 0) std::memcpy(lane.condition.data() + first * condition_width_, s.condition.data(), bytes(condition_width_));
  }
  return lane.coupling.pair(kernels(), static_cast<int32_t>(rows), lane.x0.data(), lane.x1.data(), lane.condition.data(), draws, threads, stop,
                            lane.from.data(), lane.to.data());
}

bool Pairing::solve(uint64_t group, Lane& lane, int32_t threads, const StopFlag* stop) {
  Result& result = results_[group % kResults];
  if (result.holds(group)) return true;
  result.ready = false;
  const uint64_t step = group * static_cast<uint64_t>(steps_per_group_);
  const auto fill = [&](int64_t first, int32_t count, BatchScratch& s) { batch_->draw(step, first, count, {}, s); };
  const int64_t size = batch_->size();
  const CouplingDraws draws{key_, Stream::kCoupling, step * static_cast<uint64_t>(size)};
  if (!draw(lane, rows_, draws, threads, stop, fill)) return false;
  for (int64_t i = 0; i < rows_; ++i) {
    const auto first = static_cast<int32_t>(i / size * size);
    result.from[i] = lane.from[i] - first;
    result.to[i] = lane.to[i] - first;
  }
  std::swap(result.x0, lane.x0);
  result.index = group;
  result.error = lane.coupling.error();
  result.ready = true;
  solved_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Pairing::of_step(uint64_t step, const StopFlag* stop, Pairs* pairs) {
  const auto per_group = static_cast<uint64_t>(steps_per_group_);
  const uint64_t group = step / per_group;
  if (!solve(group, lanes_[0], threads_, stop)) return false;
  const Result& result = results_[group % kResults];
  const int64_t first = static_cast<int64_t>(step % per_group) * batch_->size();
  *pairs = {result.from.data() + first, resamples_ ? result.to.data() + first : nullptr, result.x0.data() + first * dimension_};
  return true;
}

// A validation row has `draws` pairs side by side; groups run over different rows: position q is pair (q mod rows) draws + q / rows.
bool Pairing::of_validation(uint64_t seed, int64_t draws, int64_t rows, const StopFlag* stop, int32_t* from, int32_t* to) {
  const int64_t all = rows * draws;
  const auto pair_at = [&](int64_t q) { return q % rows * draws + q / rows; };
  for (int64_t begin = 0; begin < all; begin += rows_) {
    const int64_t count = all - begin < rows_ ? all - begin : rows_;
    const CouplingDraws numbers{philox_key(seed), Stream::kValidationCoupling, static_cast<uint64_t>(begin)};
    const bool ok = draw(lanes_[0], count, numbers, threads_, stop, [&](int64_t first, int32_t n, BatchScratch& s) {
      for (int32_t i = 0; i < n; ++i) s.pair[i] = pair_at(begin + first + i);
      batch_->draw_validation(seed, draws, s.pair.data(), {}, n, s);
    });
    if (!ok) return false;
    for (int64_t i = 0; i < count; ++i) {
      from[pair_at(begin + i)] = static_cast<int32_t>(pair_at(begin + lanes_[0].from[i]));
      to[pair_at(begin + i)] = static_cast<int32_t>(pair_at(begin + lanes_[0].to[i]));
    }
  }
  return true;
}

}  // namespace flow
