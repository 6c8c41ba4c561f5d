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
  x_ = Output<float>(env, elements("request.n", o.n, d, o.saves), "sample");
}

void SampleTask::run(const StopFlag* stop) {
  if (options_.n == 0) return;
  check(flow::sample(*network_, options_, stop, x_.data, &report_), "sample");
}

Napi::Value SampleTask::result(Napi::Env env) const {
  Napi::Object record = Napi::Object::New(env);
  record.Set("x", x_.value());
  record.Set("nfe", static_cast<double>(options_.n == 0 ? network_evaluations(options_) : report_.nfe));
  record.Set("nonfiniteRow", static_cast<double>(report_.nonfinite_row));
  record.Set("status", report_.stopped ? "stopped" : "done");
  return record;
}

}  // namespace flow::binding
