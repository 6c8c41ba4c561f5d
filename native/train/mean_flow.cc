// The target of mean flow: one forward derivative along (v, 1, -1) in (x, t, s).
#include "network/columns.h"
#include "train/spans.h"

namespace flow {

Status Spans::derive(const SpanOptions& o, const Program& network) {
  FLOW_TRY(derived_.parse(o.program, o.program_words, o.constants, o.constant_count));
  const Program& p = derived_;
  const int32_t widths[3] = {p.dimension, 1, p.condition_width};
  int32_t seeds = 0;
  bool same = true;
  for (const Op& op : p.ops) {
    if (op.kind != OpKind::kSeed || op.raw != 1) continue;
    same = same && seeds < 3 && p.values[op.output].width == widths[seeds] && p.values[op.output].copies == 1;
    ++seeds;
  }
  // The same parameters at the same places: one packed vector serves both.
  same = same && p.dimension == network.dimension && p.condition_width == network.condition_width && p.parameter_count == network.parameter_count &&
         p.packed_count == network.packed_count && p.parameters.size() == network.parameters.size();
  for (int64_t i = 0; same && i < p.parameters.size(); ++i)
    same = p.parameters[i].packed == network.parameters[i].packed && p.parameters[i].shape[0] == network.parameters[i].shape[0] &&
           p.parameters[i].shape[1] == network.parameters[i].shape[1];
  if (!same || seeds != 3 || p.tangent < 0 || p.values[p.tangent].width != p.dimension || p.values[p.tangent].copies != 1 || p.condition_width < 1)
    return fail(Code::kArgument, "the program of the average velocity is not the network's with its derivative");
  program_ = &p;
  return plan_.build(p, Pass::kForward);
}

Status SpanTarget::seed(int64_t rows) {
  const Program& p = spans_->program();
  int32_t* const seeds[3] = {&along_x_, &along_t_, &along_condition_};
  int32_t count = 0;
  for (const Op& op : p.ops)
    if (op.kind == OpKind::kSeed && op.raw == 1) *seeds[count++] = spans_->plan().values[op.output].buffer >= 0 ? op.output : -1;
  const Rows all{0, static_cast<int32_t>(rows)};  // t' = 1 and s' = -1 stand for good
  for (int32_t r = 0; r < all.count; ++r) {
    if (along_t_ >= 0) cell(forward_.value(along_t_, all), 0)[int64_t{r} * kLanes] = 1;
    if (along_condition_ >= 0) cell(forward_.value(along_condition_, all), p.condition_width - 1)[int64_t{r} * kLanes] = -1;
  }
  return {};
}

void SpanTarget::derive(const float* parameters, Blocked u) {
  const Rows part{0, count_};
  forward(forward_, parameters, part);
  const Blocked change = forward_.value(spans_->program().tangent, part);
  for (int32_t c = 0; c < u.cols; ++c) {
    float* to = cell(u, c);
    const float* by = cell(change, c);
    for (int64_t i = 0; i < count_; ++i) to[int64_t{from_[i]} * kLanes] += span_[from_[i]] * by[i * kLanes];
  }
}

}  // namespace flow
