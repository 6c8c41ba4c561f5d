#include "train/mean_flow.h"

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

Status MeanFlow::init(const SpanOptions& o, const Program& network) {
  if (o.program == nullptr) return {};
  FLOW_TRY(program_.parse(o.program, o.program_words, o.constants, o.constant_count));
  const Program& p = program_;
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
  FLOW_TRY(plan_.build(p, Pass::kForward));
  active_ = true;
  return {};
}

Status MeanTarget::init(const MeanFlow& flow, int64_t rows) {
  if (!flow.active()) return {};
  const Program& p = flow.program();
  FLOW_TRY(derivative_.init(p, flow.plan(), rows));
  FLOW_TRY(from_.allocate(rows));
  int32_t* const seeds[3] = {&along_x_, &along_t_, &along_condition_};
  int32_t count = 0;
  for (const Op& op : p.ops)
    if (op.kind == OpKind::kSeed && op.raw == 1) *seeds[count++] = flow.plan().values[op.output].buffer >= 0 ? op.output : -1;
  const Rows all{0, static_cast<int32_t>(rows)};  // t' = 1 and s' = -1 stand for good
  for (int32_t r = 0; r < all.count; ++r) {
    if (along_t_ >= 0) cell(derivative_.value(along_t_, all), 0)[int64_t{r} * kLanes] = 1;
    if (along_condition_ >= 0) cell(derivative_.value(along_condition_, all), p.condition_width - 1)[int64_t{r} * kLanes] = -1;
  }
  return {};
}

void MeanTarget::apply(const Workspace& w, Rows rows, const float* parameters, const float* span, Blocked u) {
  int32_t count = 0;
  for (int32_t r = 0; r < rows.count; ++r)
    if (span[r] > 0) from_[count++] = r;
  if (count == 0) return;
  const Rows part{0, count};
  for (const int32_t v : {kValueX, kValueT, kValueCondition}) gather_rows(w.value(v, rows), from_.data(), derivative_.value(v, part));
  if (along_x_ >= 0) gather_rows(u, from_.data(), derivative_.value(along_x_, part));
  forward(derivative_, parameters, part);
  const Blocked change = derivative_.value(derivative_.program().tangent, part);
  for (int32_t c = 0; c < u.cols; ++c) {
    float* to = cell(u, c);
    const float* by = cell(change, c);
    for (int64_t i = 0; i < count; ++i) to[int64_t{from_[i]} * kLanes] += span[from_[i]] * by[i * kLanes];
  }
}

}  // namespace flow
