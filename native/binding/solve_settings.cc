#include "binding/solve_settings.h"

#include <cmath>

namespace flow::binding {

constexpr int64_t kMaxStages = 64;

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

template <class T>
static const T* pointer(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

SolveSettings::SolveSettings(const Fields& request, const Network& network) {
  const int64_t d = network.dimension(), c = network.condition_width();
  options.normalise_initial = request.boolean("normaliseInitial");
  options.source_scale = request.finite("sourceScale");
  if (const Napi::Value value = request.get("guidance"); !absent(value)) {
    const Fields guidance(value, "request.guidance");
    null_condition_ = guidance.floats("condition");
    if (c == 0) reject("ERR_FLOW_CONFIG", "request.guidance", "null, as the network has no condition", value);
    require_length(null_condition_.size(), c, "request.guidance.condition", "(condition width)");
    options.guidance = {null_condition_.data(), guidance.finite("scale"), guidance.finite("from"), guidance.finite("to")};
  }
  read_tableau(request);
  read_steps(request);
  shift_ = request.optional_floats("shift");
  scale_ = request.optional_floats("scale");
  const int64_t mapped = shift_.empty() && scale_.empty() ? 0 : d;
  require_length(shift_.size(), mapped, "request.shift", "(dimension), with scale");
  require_length(scale_.size(), mapped, "request.scale", "(dimension), with shift");
  options.shift = pointer(shift_);
  options.scale = pointer(scale_);
  options.precision = request.precision("precision");
  if (const Napi::Value value = request.get("adaptive"); !absent(value)) read_adaptive(value);
}

void SolveSettings::read_tableau(const Fields& request) {
  b_ = request.doubles("b");
  options.stages = static_cast<int32_t>(b_.size());
  if (b_.empty() || static_cast<int64_t>(b_.size()) > kMaxStages) throw Failure{"ERR_FLOW_SHAPE", "request.b", "1 to 64 stages", std::to_string(b_.size()), ""};
  a_ = request.doubles("a");
  require_length(a_.size(), static_cast<int64_t>(b_.size() * b_.size()), "request.a", "(stages, stages)");
  c_ = request.doubles("c");
  require_length(c_.size(), static_cast<int64_t>(b_.size()), "request.c", "(stages)");
  require_finite(a_, "request.a");
  require_finite(b_, "request.b");
  require_finite(c_, "request.c");
  options.a = a_.data();
  options.b = b_.data();
  options.c = c_.data();
}

void SolveSettings::read_steps(const Fields& request) {
  grid_ = request.doubles("grid");
  if (grid_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.grid", "at least one time", "none", ""};
  options.steps = static_cast<int64_t>(grid_.size()) - 1;
  require_finite(grid_, "request.grid");
  require_monotone(grid_);

  save_ = request.integers("save");
  for (size_t i = 0; i < save_.size(); ++i) {
    if (save_[i] < (i == 0 ? 0 : save_[i - 1] + 1) || save_[i] > options.steps) {
      throw Failure{"ERR_FLOW_RANGE", "request.save[" + std::to_string(i) + "]", "ascending indices into grid", std::to_string(save_[i]), ""};
    }
  }
  options.saves = static_cast<int64_t>(save_.size());
  if (const Napi::Value frame = request.get("frame"); !absent(frame)) {
    frame_ = doubles(frame, "request.frame");
    require_length(frame_.size(), elements("request.frame", options.steps, options.stages, 4), "request.frame", "(steps * stages, 4)");
    require_finite(frame_, "request.frame");
  }
  if (const Napi::Value noise = request.get("noise"); !absent(noise)) {
    noise_ = doubles(noise, "request.noise");
    require_length(static_cast<int64_t>(noise_.size()), options.steps, "request.noise", "(steps)");
    require_finite(noise_, "request.noise");
  }
  options.grid = grid_.data();
  options.save = pointer(save_);
  options.frame = pointer(frame_);
  options.noise = pointer(noise_);
}

void SolveSettings::read_adaptive(const Napi::Value& value) {
  const Fields fields(value, "request.adaptive");
  AdaptiveOptions& a = adaptive;
  const size_t stages = b_.size();
  a.rtol = fields.finite("rtol", 0);
  a.atol = fields.finite("atol", 1e-300);
  a.min_step = fields.finite("minStep", 0);
  a.max_steps = fields.integer("maxSteps", 1, kMostExact);
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
  options.adaptive = &adaptive;
}

int64_t SolveSettings::bytes() const {
  size_t bytes = save_.size() * sizeof(int32_t);
  for (const auto* v : {&null_condition_, &shift_, &scale_}) bytes += v->size() * sizeof(float);
  for (const auto* v : {&a_, &b_, &c_, &grid_, &frame_, &noise_, &error_, &dense_, &closing_, &frame_table_}) bytes += v->size() * sizeof(double);
  return static_cast<int64_t>(bytes);
}

}  // namespace flow::binding
