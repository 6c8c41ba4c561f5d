#include "train/batch.h"

#include "network/columns.h"
#include "rng/permutation.h"
#include "rng/streams.h"

namespace flow {

namespace {

uint32_t id(Stream stream) { return static_cast<uint32_t>(stream); }

// Positions [first, first + rows) of an endless sequence of permutations of [0, n), a fresh one per epoch.
void without_replacement(uint64_t n, PhiloxKey key, Stream stream, uint64_t first, int32_t rows, uint32_t* out) {
  for (int32_t done = 0; done < rows;) {
    const uint64_t epoch = (first + done) / n, position = (first + done) % n;
    const int32_t count = n - position < static_cast<uint64_t>(rows - done) ? static_cast<int32_t>(n - position) : rows - done;
    Permutation(n, key, stream, epoch).run(position, count, out + done);
    done += count;
  }
}

// Uniform indices below n < 2^32: the top of a 64-bit product.
void with_replacement(uint64_t n, PhiloxKey key, Stream stream, uint64_t first, int32_t rows, uint32_t* out) {
  kernels().random_below(key, id(stream), first, rows, static_cast<uint32_t>(n), out);
}

}  // namespace

Status BatchScratch::init(int64_t rows, int32_t dimension, int32_t condition_width, bool bridge, bool score) {
  capacity = rows;
  const int64_t size = checked_product(rows, dimension);
  FLOW_TRY(index.allocate(rows));
  FLOW_TRY(source_index.allocate(rows));
  FLOW_TRY(pair.allocate(rows));
  FLOW_TRY(x1.allocate(size));
  FLOW_TRY(x0.allocate(size));
  FLOW_TRY(eps.allocate(bridge ? size : 0));
  FLOW_TRY(xt.allocate(size));
  FLOW_TRY(ut.allocate(size));
  FLOW_TRY(condition.allocate(checked_product(rows, condition_width)));
  FLOW_TRY(t.allocate(rows));
  FLOW_TRY(uniform.allocate(rows));
  FLOW_TRY(weight.allocate(rows));
  FLOW_TRY(coefficient.allocate(checked_product(6, rows)));
  FLOW_TRY(joint.allocate(score ? checked_product(2, size) : 0));
  FLOW_TRY(gain.allocate(score ? rows : 0));
  FLOW_TRY(span.allocate(rows));
  FLOW_TRY(span_uniform.allocate(checked_product(3, rows)));
  for (float& w : weight) w = 1;
  return {};
}

Status Batch::init(const TrainerOptions& o, int32_t dimension, int32_t condition_width) {
  dimension_ = dimension;
  condition_width_ = condition_width;
  data_ = o.data.get();
  source_ = o.source.get();
  condition_ = o.condition.get();
  paired_ = o.source_paired;
  replacement_ = o.replacement;
  batch_ = o.batch_size;
  key_ = philox_key(o.seed);
  FLOW_TRY(train_.copy(o.train_rows, o.train_count));
  FLOW_TRY(validation_.copy(o.validation_rows, o.validation_count));
  table_ = o.path.table;
  sigma_min_ = o.path.sigma_min;
  if (table_) {
    path_min_ = o.path.t_min;
    path_max_ = o.path.t_max;
    FLOW_TRY(nodes_.copy(o.path.nodes, checked_product(12, o.path.node_count)));
    for (int64_t i = 0; i < nodes_.size(); ++i)
      if ((i % 6 == 2 || i % 6 == 5) && nodes_[i] != 0) bridge_ = true;
  }
  stratified_ = o.times.stratified;
  time_min_ = o.times.t_min;
  time_max_ = o.times.t_max;
  if (o.times.quantiles != nullptr) FLOW_TRY(quantiles_.copy(o.times.quantiles, o.times.quantile_count));
  target_ = o.objective.target;
  score_sigma_ = o.objective.sigma;
  score_varies_ = o.objective.varies;
  if (o.objective.weights != nullptr) FLOW_TRY(weights_.copy(o.objective.weights, o.objective.weight_count));
  importance_ = o.objective.importance && quantiles_.size() > 0;
  weighted_ = importance_ || weights_.size() > 0;
  drop_ = static_cast<float>(o.drop.probability);
  spans_ = o.span.active();
  for (int32_t most = o.span.most_steps; most > 0; most /= 2) ++levels_;
  instant_ = static_cast<float>(o.span.instant);
  if (drop_ > 0) FLOW_TRY(null_.copy(o.drop.row, condition_width));
  return {};
}

// Each row loses its condition on its own, after the coupling has seen it.
void Batch::drop(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const {
  if (!(drop_ > 0)) return;
  kernels().random_uniform(key, id(stream), row, rows, 1, s.uniform.data(), 1);
  for (int32_t i = 0; i < rows; ++i)
    if (s.uniform[i] < drop_)
      std::memcpy(s.condition.data() + int64_t{i} * condition_width_, null_.data(), static_cast<size_t>(condition_width_) * sizeof(float));
}

// Rows i = 0 .. rows - 1 of `to` from where row_at(i) says they stand.
template <class RowAt>
static void copy_rows(int32_t columns, int32_t rows, float* to, RowAt&& row_at) {
  if (columns == 2) {
    for (int32_t i = 0; i < rows; ++i) std::memcpy(to + 2 * int64_t{i}, row_at(i), 2 * sizeof(float));
    return;
  }
  for (int32_t i = 0; i < rows; ++i) std::memcpy(to + int64_t{i} * columns, row_at(i), static_cast<size_t>(columns) * sizeof(float));
}

void Batch::gather(const Dataset& from, const uint32_t* index, int32_t rows, float* to) const {
  copy_rows(from.columns(), rows, to, [&](int32_t i) { return from.row(index[i]); });
}

void Batch::draw(uint64_t step, int64_t first, int32_t rows, Pairs pairs, BatchScratch& s) const {
  const uint64_t base = step * static_cast<uint64_t>(batch_), row = base + static_cast<uint64_t>(first);
  const auto data_rows = [&](uint64_t from, int32_t count, uint32_t* out) {
    if (replacement_) with_replacement(static_cast<uint64_t>(train_.size()), key_, Stream::kReplacement, from, count, out);
    else without_replacement(static_cast<uint64_t>(train_.size()), key_, Stream::kEpoch, from, count, out);
    for (int32_t i = 0; i < count; ++i) out[i] = train_[out[i]];
  };
  const auto source_rows = [&](uint64_t from, int32_t count, uint32_t* out) {
    if (paired_) return data_rows(from, count, out);
    if (replacement_) return with_replacement(static_cast<uint64_t>(source_->rows()), key_, Stream::kSourceRow, from, count, out);
    without_replacement(static_cast<uint64_t>(source_->rows()), key_, Stream::kSourceRow, from, count, out);
  };
  if (pairs.to == nullptr) data_rows(row, rows, s.index.data());
  else
    for (int32_t i = 0; i < rows; ++i) data_rows(base + static_cast<uint64_t>(int64_t{pairs.to[first + i]}), 1, s.index.data() + i);
  gather(*data_, s.index.data(), rows, s.x1.data());
  if (condition_ != nullptr) gather(*condition_, s.index.data(), rows, s.condition.data());
  if (pairs.x0 != nullptr) {
    copy_rows(dimension_, rows, s.x0.data(), [&](int32_t i) { return pairs.x0 + int64_t{pairs.from[first + i]} * dimension_; });
  } else if (source_ != nullptr) {
    if (pairs.from == nullptr && paired_) std::memcpy(s.source_index.data(), s.index.data(), static_cast<size_t>(rows) * sizeof(uint32_t));
    else if (pairs.from == nullptr) source_rows(row, rows, s.source_index.data());
    else
      for (int32_t i = 0; i < rows; ++i) source_rows(base + static_cast<uint64_t>(pairs.from[first + i]), 1, s.source_index.data() + i);
    gather(*source_, s.source_index.data(), rows, s.x0.data());
  } else if (pairs.from == nullptr) {
    kernels().random_normal(key_, id(Stream::kSource), row, rows, dimension_, s.x0.data(), dimension_);
  } else {
    for (int32_t i = 0; i < rows; ++i)
      kernels().random_normal(key_, id(Stream::kSource), base + static_cast<uint64_t>(pairs.from[first + i]), 1, dimension_,
                              s.x0.data() + int64_t{i} * dimension_, dimension_);
  }
}

float Batch::time(double u) const {
  double t;
  if (quantiles_.size() > 0) {
    const int64_t n = quantiles_.size();
    const double at = u * static_cast<double>(n - 1);
    int64_t i = static_cast<int64_t>(at);
    if (i > n - 2) i = n - 2;
    t = quantiles_[i] + (at - static_cast<double>(i)) * (quantiles_[i + 1] - quantiles_[i]);
  } else {
    t = time_min_ + u * (time_max_ - time_min_);
  }
  t = t < time_min_ ? time_min_ : t > time_max_ ? time_max_ : t;
  return static_cast<float>(t);
}

float Batch::weight(double u, float t) const {
  double w = 1;
  if (weights_.size() > 0) {
    const int64_t n = weights_.size();
    const double range = time_max_ - time_min_;
    const double at = range > 0 ? (static_cast<double>(t) - time_min_) / range * static_cast<double>(n - 1) : 0;
    int64_t i = at > 0 ? static_cast<int64_t>(at) : 0;
    if (i > n - 2) i = n - 2;
    w = weights_[i] + (at - static_cast<double>(i)) * (weights_[i + 1] - weights_[i]);
  }
  if (importance_) {
    const int64_t n = quantiles_.size();
    int64_t i = static_cast<int64_t>(u * static_cast<double>(n - 1));
    if (i > n - 2) i = n - 2;
    w *= (quantiles_[i + 1] - quantiles_[i]) * static_cast<double>(n - 1) / (time_max_ - time_min_);
  }
  return static_cast<float>(w);
}

// Six coefficients per row from the rows' t: closed form, or cubic Hermite between the nodes of the table.
void Batch::path(int32_t rows, BatchScratch& s) const {
  float* c[6];
  for (int j = 0; j < 6; ++j) c[j] = s.coefficient.data() + j * s.capacity;
  if (!table_) {
    const float slope = static_cast<float>(-(1 - sigma_min_));
    for (int32_t i = 0; i < rows; ++i) {
      c[0][i] = s.t[i];
      c[1][i] = static_cast<float>(1 - (1 - sigma_min_) * static_cast<double>(s.t[i]));
      c[3][i] = 1;
      c[4][i] = slope;
    }
    return;
  }
  const int64_t n = nodes_.size() / 12;
  const double h = (path_max_ - path_min_) / static_cast<double>(n - 1);
  for (int32_t i = 0; i < rows; ++i) {
    double at = (static_cast<double>(s.t[i]) - path_min_) / h;
    at = at < 0 ? 0 : at > static_cast<double>(n - 1) ? static_cast<double>(n - 1) : at;
    int64_t k = static_cast<int64_t>(at);
    if (k > n - 2) k = n - 2;
    const double u = at - static_cast<double>(k), v = 1 - u;
    const double h00 = (1 + 2 * u) * v * v, h10 = u * v * v * h, h01 = u * u * (3 - 2 * u), h11 = -u * u * v * h;
    const double *p = nodes_.data() + 12 * k, *q = p + 12;
    for (int j = 0; j < 6; ++j) c[j][i] = static_cast<float>(h00 * p[j] + h10 * p[6 + j] + h01 * q[j] + h11 * q[6 + j]);
  }
}

void Batch::join(int32_t rows, BatchScratch& s, const BatchTarget& target) const {
  path(rows, s);
  const float* c = s.coefficient.data();
  const int64_t n = s.capacity;
  const float* eps = bridge_ ? s.eps.data() : nullptr;
  const Kernels& k = kernels();
  k.mix(rows, dimension_, c, s.x1.data(), c + n, s.x0.data(), c + 2 * n, eps, s.xt.data());
  if (target_ == Target::kVelocity || score()) k.mix(rows, dimension_, c + 3 * n, s.x1.data(), c + 4 * n, s.x0.data(), c + 5 * n, eps, s.ut.data());
  const float* wanted = target_ == Target::kVelocity || score() ? s.ut.data() : target_ == Target::kX1 ? s.x1.data() : s.x0.data();
  k.to_blocked(s.xt.data(), dimension_, target.x);
  if (score()) {
    const size_t bytes = static_cast<size_t>(dimension_) * sizeof(float);
    for (int64_t i = 0; i < rows; ++i) {
      float* row = s.joint.data() + 2 * i * dimension_;
      std::memcpy(row, s.ut.data() + i * dimension_, bytes);
      for (int32_t j = 0; j < dimension_; ++j) row[dimension_ + j] = -eps[i * dimension_ + j];
      const double variance = score_sigma_ * score_sigma_ * (score_varies_ ? static_cast<double>(c[3 * n + i]) : 1);
      s.gain[i] = static_cast<float>(2 * static_cast<double>(c[2 * n + i]) / variance);
    }
    k.to_blocked(s.joint.data(), 2 * dimension_, target.u);
  } else {
    k.to_blocked(wanted, dimension_, target.u);
  }
  for (int32_t i = 0; i < rows; ++i) target.t.data[int64_t{i} * kLanes] = s.t[i];
  Blocked condition = target.condition;
  condition.cols = condition_width_;
  if (condition_width_ > 0) k.to_blocked(s.condition.data(), condition_width_, condition);
  if (!spans_) return;
  float* span = cell(target.condition, condition_width_);  // behind the condition that is given
  for (int32_t i = 0; i < rows; ++i) span[int64_t{i} * kLanes] = s.span[i];
}

void Batch::fill(uint64_t step, int64_t first, int32_t rows, Pairs pairs, BatchScratch& s, const BatchTarget& target) const {
  draw(step, first, rows, pairs, s);
  const uint64_t row = step * static_cast<uint64_t>(batch_) + static_cast<uint64_t>(first);
  drop(key_, Stream::kDrop, row, rows, s);
  if (stratified_) {  // t_i = quantile((p(i) + U) / B), p a permutation of the batch
    float u;
    kernels().random_uniform(key_, id(Stream::kTime), step, 1, 1, &u, 1);
    Permutation(static_cast<uint64_t>(batch_), key_, Stream::kTimeShuffle, step).run(static_cast<uint64_t>(first), rows, s.source_index.data());
    for (int32_t i = 0; i < rows; ++i) {
      const double at = (s.source_index[i] + static_cast<double>(u)) / static_cast<double>(batch_);
      s.t[i] = time(at);
      if (weighted_) s.weight[i] = weight(at, s.t[i]);
    }
  } else {
    kernels().random_uniform(key_, id(Stream::kTime), row, rows, 1, s.uniform.data(), 1);
    for (int32_t i = 0; i < rows; ++i) s.t[i] = time(s.uniform[i]);
    if (weighted_)
      for (int32_t i = 0; i < rows; ++i) s.weight[i] = weight(s.uniform[i], s.t[i]);
  }
  draw_spans(key_, Stream::kSpan, row, rows, s);
  if (bridge_) kernels().random_normal(key_, id(Stream::kBridge), row, rows, dimension_, s.eps.data(), dimension_);
  join(rows, s, target);
}

void Batch::draw_validation(uint64_t seed, int64_t draws, const int64_t* pair, Pairs partners, int32_t rows, BatchScratch& s) const {
  const PhiloxKey key = philox_key(seed);
  for (int32_t i = 0; i < rows; ++i) s.index[i] = validation_[(partners.to != nullptr ? partners.to[pair[i]] : pair[i]) / draws];
  gather(*data_, s.index.data(), rows, s.x1.data());
  if (condition_ != nullptr) gather(*condition_, s.index.data(), rows, s.condition.data());
  for (int32_t i = 0, count; i < rows; i += count) {  // runs of neighbours are drawn together
    const auto start = [&](int32_t at) { return partners.from != nullptr ? int64_t{partners.from[pair[at]]} : pair[at]; };
    for (count = 1; i + count < rows && start(i + count) == start(i) + count;) ++count;
    const uint64_t row = static_cast<uint64_t>(start(i));
    if (source_ == nullptr) {
      kernels().random_normal(key, id(Stream::kValidationNoise), row, count, dimension_, s.x0.data() + int64_t{i} * dimension_, dimension_);
    } else if (!paired_) {
      with_replacement(static_cast<uint64_t>(source_->rows()), key, Stream::kValidationSource, row, count, s.source_index.data() + i);
    }
  }
  if (source_ != nullptr) gather(*source_, paired_ ? s.index.data() : s.source_index.data(), rows, s.x0.data());
}

void Batch::fill_validation(uint64_t seed, int64_t draws, int64_t first, int32_t rows, Pairs partners, BatchScratch& s, const BatchTarget& target) const {
  const PhiloxKey key = philox_key(seed);
  for (int32_t i = 0; i < rows; ++i) {  // t stratified over the draws of a row
    const int64_t pair = s.pair[i] = first + i, which = pair / draws;
    float u;
    kernels().random_uniform(key, id(Stream::kValidationTime), static_cast<uint64_t>(which), 1, 1, &u, 1);
    const double at = (static_cast<double>(pair % draws) + u) / static_cast<double>(draws);
    s.t[i] = time(at);
    if (weighted_) s.weight[i] = weight(at, s.t[i]);
  }
  draw_spans(key, Stream::kValidationSpan, static_cast<uint64_t>(first), rows, s);
  draw_validation(seed, draws, s.pair.data(), partners, rows, s);
  drop(key, Stream::kValidationDrop, static_cast<uint64_t>(first), rows, s);
  if (bridge_) kernels().random_normal(key, id(Stream::kValidationBridge), static_cast<uint64_t>(first), rows, dimension_, s.eps.data(), dimension_);
  join(rows, s, target);
}

}  // namespace flow
