#include "binding/sample.h"

#include "solver/network_field.h"

#include <cmath>

namespace flow::binding {

constexpr int64_t kMaxStages = 64;
constexpr int64_t kMaxRow = int64_t{1} << 53;

static std::vector<float> optional_floats(const Fields& fields, const char* name) {
  const Napi::Value value = fields.get(name);
  return absent(value) ? std::vector<float>() : floats(value, fields.path(name));
}

static void require_finite(const std::vector<double>& values, const std::string& path) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) throw Failure{"ERR_FLOW_NONFINITE", path + "[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
  }
}

static void require_monotone(const std::vector<double>& grid) {
  const bool descending = grid.size() > 1 && grid[1] < grid[0];
  for (size_t i = 1; i < grid.size(); ++i) {
    if (descending ? grid[i] >= grid[i - 1] : grid[i] <= grid[i - 1]) {
      throw Failure{"ERR_FLOW_RANGE", "request.grid[" + std::to_string(i) + "]", "strictly monotone times", "a time out of order", ""};
    }
  }
}

SampleTask::SampleTask(Napi::Env env, std::shared_ptr<const Network> network, const Napi::Value& request) : network_(std::move(network)) {
  const Fields fields(request, "request");
  const int64_t d = network_->dimension(), c = network_->condition_width();
  SampleOptions& o = options_;
  o.n = fields.integer("n", 0, kMaxElements);
  o.first_row = fields.integer("firstRow", 0, kMaxRow - o.n);
  o.seed = fields.seed("seed");
  elements("request.n", o.n, d);

  if (const Napi::Value initial = fields.get("initial"); !absent(initial)) {
    initial_ = floats(initial, "request.initial");
    require_length(initial_.size(), o.n * d, "request.initial", "(n, dimension)");
  }
  o.normalise_initial = fields.boolean("normaliseInitial");
  o.source_scale = fields.finite("sourceScale");

  condition_ = optional_floats(fields, "condition");
  const int64_t given = static_cast<int64_t>(condition_.size());
  o.condition_rows = c == 0 ? 0 : given == c ? 1 : o.n;
  require_length(condition_.size(), elements("request.condition", o.condition_rows, c), "request.condition", "(n, condition width) or (1, condition width)");

  if (const Napi::Value value = fields.get("guidance"); !absent(value)) {
    const Fields guidance(value, "request.guidance");
    null_condition_ = guidance.floats("condition");
    if (c == 0) reject("ERR_FLOW_CONFIG", "request.guidance", "null, as the network has no condition", value);
    require_length(null_condition_.size(), c, "request.guidance.condition", "(condition width)");
    o.guidance = {null_condition_.data(), guidance.finite("scale"), guidance.finite("from"), guidance.finite("to")};
  }
  b_ = fields.doubles("b");
  o.stages = static_cast<int32_t>(b_.size());
  if (b_.empty() || static_cast<int64_t>(b_.size()) > kMaxStages) throw Failure{"ERR_FLOW_SHAPE", "request.b", "1 to 64 stages", std::to_string(b_.size()), ""};
  a_ = fields.doubles("a");
  require_length(a_.size(), static_cast<int64_t>(b_.size() * b_.size()), "request.a", "(stages, stages)");
  c_ = fields.doubles("c");
  require_length(c_.size(), static_cast<int64_t>(b_.size()), "request.c", "(stages)");
  grid_ = fields.doubles("grid");
  if (grid_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.grid", "at least one time", "none", ""};
  o.steps = static_cast<int64_t>(grid_.size()) - 1;
  require_finite(a_, "request.a");
  require_finite(b_, "request.b");
  require_finite(c_, "request.c");
  require_finite(grid_, "request.grid");
  require_monotone(grid_);

  save_ = fields.integers("save");
  for (size_t i = 0; i < save_.size(); ++i) {
    if (save_[i] < (i == 0 ? 0 : save_[i - 1] + 1) || save_[i] > o.steps) {
      throw Failure{"ERR_FLOW_RANGE", "request.save[" + std::to_string(i) + "]", "ascending indices into grid", std::to_string(save_[i]), ""};
    }
  }
  o.saves = static_cast<int64_t>(save_.size());
  if (const Napi::Value frame = fields.get("frame"); !absent(frame)) {
    frame_ = doubles(frame, "request.frame");
    require_length(frame_.size(), elements("request.frame", o.steps, o.stages, 4), "request.frame", "(steps * stages, 4)");
    require_finite(frame_, "request.frame");
  }
  if (const Napi::Value noise = fields.get("noise"); !absent(noise)) {
    noise_ = doubles(noise, "request.noise");
    require_length(static_cast<int64_t>(noise_.size()), o.steps, "request.noise", "(steps)");
    require_finite(noise_, "request.noise");
  }
  shift_ = optional_floats(fields, "shift");
  scale_ = optional_floats(fields, "scale");
  const int64_t mapped = shift_.empty() && scale_.empty() ? 0 : d;
  require_length(shift_.size(), mapped, "request.shift", "(dimension), with scale");
  require_length(scale_.size(), mapped, "request.scale", "(dimension), with shift");
  o.threads = static_cast<int32_t>(fields.integer("threads", 0, kMostThreadsAsked));
  o.precision = fields.precision("precision");

  const auto pointer = [](const auto& v) { return v.empty() ? nullptr : v.data(); };
  o.initial = pointer(initial_);
  o.condition = pointer(condition_);
  o.a = a_.data();
  o.b = b_.data();
  o.c = c_.data();
  o.grid = grid_.data();
  o.save = pointer(save_);
  o.frame = pointer(frame_);
  o.noise = pointer(noise_);
  o.shift = pointer(shift_);
  o.scale = pointer(scale_);
  if (const Napi::Value adaptive = fields.get("adaptive"); !absent(adaptive)) read_adaptive(env, adaptive);
  x_ = Output<float>(env, elements("request.n", o.n, d, o.saves), "sample");
}

void SampleTask::read_adaptive(Napi::Env env, const Napi::Value& value) {
  const Fields fields(value, "request.adaptive");
  AdaptiveOptions& a = adaptive_;
  const size_t stages = b_.size();
  a.rtol = fields.finite("rtol", 0);
  a.atol = fields.finite("atol", 1e-300);
  a.min_step = fields.finite("minStep", 0);
  a.max_steps = fields.integer("maxSteps", 1, kMaxRow);
  a.pi = fields.boolean("pi");
  a.batch = fields.boolean("batch");
  error_ = fields.doubles("error");
  require_length(error_.size(), static_cast<int64_t>(stages), "request.adaptive.error", "(stages)");
  a.error_order = static_cast<int32_t>(fields.integer("errorOrder", 1, 63));
  dense_ = fields.doubles("dense");
  if (dense_.empty() || dense_.size() % stages != 0 || dense_.size() / stages > kMaxStages)
    throw Failure{"ERR_FLOW_SHAPE", "request.adaptive.dense", "(stages, degree), 1 to 64 columns", std::to_string(dense_.size()), ""};
  a.dense_degree = static_cast<int32_t>(dense_.size() / stages);
  require_finite(error_, "request.adaptive.error");
  require_finite(dense_, "request.adaptive.dense");
  bool ends = stages >= 2 && c_[stages - 1] == 1 && b_[stages - 1] == 0;
  for (size_t j = 0; ends && j + 1 < stages; ++j) ends = a_[(stages - 1) * stages + j] == b_[j];
  if (!ends) throw Failure{"ERR_FLOW_CONFIG", "request.a", "a last row that is b, and c = 1", "another last stage", ""};
  if (const Napi::Value closing = fields.get("closing"); !absent(closing)) {
    closing_ = doubles(closing, "request.adaptive.closing");
    require_length(closing_.size(), 2, "request.adaptive.closing", "(2)");
    require_finite(closing_, "request.adaptive.closing");
    a.closing = closing_.data();
  }
  if (!frame_.empty()) throw Failure{"ERR_FLOW_CONFIG", "request.frame", "null: adaptive solves read request.adaptive.frame", "an array", ""};
  if (const Napi::Value given = fields.get("frame"); !absent(given)) {
    const Fields frame(given, "request.adaptive.frame");
    frame_table_ = frame.doubles("nodes");
    if (frame_table_.size() < 16 || frame_table_.size() % 8 != 0)
      throw Failure{"ERR_FLOW_SHAPE", "request.adaptive.frame.nodes", "(nodes, 8), at least 2 nodes", std::to_string(frame_table_.size()), ""};
    require_finite(frame_table_, "request.adaptive.frame.nodes");
    a.frame = frame_table_.data();
    a.frame_nodes = static_cast<int64_t>(frame_table_.size() / 8);
    a.frame_from = frame.finite("tMin");
    a.frame_to = frame.finite("tMax");
    if (!(a.frame_from < a.frame_to)) throw Failure{"ERR_FLOW_RANGE", "request.adaptive.frame.tMax", "a time above tMin", std::to_string(a.frame_to), ""};
  }
  a.error = error_.data();
  a.dense = dense_.data();
  row_nfe_ = Output<int32_t>(env, options_.n, "sample");
  row_status_ = Output<uint8_t>(env, options_.n, "sample");
  a.row_nfe = row_nfe_.data;
  a.row_status = row_status_.data;
  options_.adaptive = &adaptive_;
}

void SampleTask::run(const StopFlag* stop) {
  if (options_.n == 0) return;
  check(flow::sample(*network_, options_, stop, x_.data, &report_), "sample");
}

Napi::Value SampleTask::result(Napi::Env env) const {
  Napi::Object record = Napi::Object::New(env);
  record.Set("x", x_.value());
  record.Set("nfe", static_cast<double>(report_.nfe));
  record.Set("rowNfe", row_nfe(env));
  record.Set("rowStatus", row_status(env));
  record.Set("nonfiniteRow", static_cast<double>(report_.nonfinite_row));
  record.Set("status", report_.stopped ? "stopped" : "done");
  return record;
}

}  // namespace flow::binding
