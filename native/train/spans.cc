#include "train/spans.h"

#include "network/columns.h"

namespace flow {

namespace {

// Row i of `y` is row from[i] of `x`.
void gather_rows(ConstBlocked x, const int32_t* from, Blocked y) {
  const int32_t blocks = (x.cols + kLanes - 1) / kLanes;
  for (int32_t b = 0; b < blocks; ++b)
    for (int64_t i = 0; i < y.rows; ++i)
      std::memcpy(y.data + b * y.block + i * kLanes, x.data + b * x.block + int64_t{from[i]} * kLanes, kLanes * sizeof(float));
}

}  // namespace

Status Spans::init(const SpanOptions& o, const Program& network) {
  if (!o.active()) return {};
  if (o.program != nullptr) return derive(o, network);
  if (network.condition_width < 1) return fail(Code::kArgument, "the network of a shortcut has no column for its span");
  shortest_ = static_cast<float>(1.0 / o.most_steps);
  limit_ = static_cast<float>(o.limit);
  ema_ = o.ema;
  program_ = &network;
  return plan_.build(network, Pass::kForward);
}

Status SpanTarget::init(const Spans& spans, int64_t rows) {
  if (!spans.active()) return {};
  spans_ = &spans;
  FLOW_TRY(forward_.init(spans.program(), spans.plan(), rows));
  FLOW_TRY(from_.allocate(rows));
  if (spans.shortcut()) return first_.allocate(checked_product(rows, round_up(spans.program().dimension, kLanes)));
  return seed(rows);
}

void SpanTarget::gather(const Workspace& w, Rows rows) {
  for (const int32_t v : {kValueX, kValueT, kValueCondition}) gather_rows(w.value(v, rows), from_.data(), forward_.value(v, {0, count_}));
}

void SpanTarget::apply(const Workspace& w, Rows rows, const float* parameters, const float* span, Blocked u) {
  span_ = span;
  count_ = 0;
  for (int32_t r = 0; r < rows.count; ++r)
    if (span[r] > 0) from_[count_++] = r;
  if (count_ == 0) return;
  if (spans_->shortcut()) return halve(w, rows, parameters, u);
  gather(w, rows);
  if (along_x_ >= 0) gather_rows(u, from_.data(), forward_.value(along_x_, {0, count_}));
  derive(parameters, u);
}

}  // namespace flow
