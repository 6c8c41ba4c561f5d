// Fields, for column c of row r (its number in [0, n)):
//   growth  v = cos(t) x                      x(t) = x(0) exp(sin t - sin 0)
//   turn    v_2j = -x_2j+1, v_2j+1 = x_2j     a rotation of every pair by t; a last column without partner stands still
//   row     v = r                             x(t) = x(0) + r t
//   stage   v = number of the stage           a sum over the steps
//   spoil   v = 0, but NaN in rows 500, 1477, 2454 ... from stage 3 on
#include "solver.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "solver/integrate.h"

namespace flow_test {
namespace {

using flow::Blocked;
using flow::ConstBlocked;
using flow::kLanes;

enum class Kind { kGrowth, kTurn, kRow, kStage, kSpoil };

struct Probe {
  Kind kind;
  int64_t stop_after;  // evaluations until the flag is raised; -1 = never
  flow::StopFlag stop;
  std::atomic<int64_t> evaluations{0};

  void evaluate(int64_t first_row, int64_t stage, double t, ConstBlocked x, Blocked v) {
    if (evaluations.fetch_add(1) + 1 == stop_after) stop.request();
    const float growth = static_cast<float>(std::cos(t));
    for (int32_t r = 0; r < x.rows; ++r)
      for (int32_t c = 0; c < x.cols; ++c) {
        const auto at = [&](int32_t column) { return x.data[column / kLanes * x.block + int64_t{r} * kLanes + column % kLanes]; };
        float value = 0;
        if (kind == Kind::kGrowth) value = growth * at(c);
        if (kind == Kind::kTurn && (c ^ 1) < x.cols) value = c % 2 == 0 ? -at(c ^ 1) : at(c ^ 1);
        if (kind == Kind::kRow) value = static_cast<float>(first_row + r);
        if (kind == Kind::kStage) value = static_cast<float>(stage);
        if (kind == Kind::kSpoil && stage >= 3 && (first_row + r) % 977 == 500) value = NAN;
        v.data[c / kLanes * v.block + int64_t{r} * kLanes + c % kLanes] = value;
      }
  }
};

Kind kind_of(const std::string& name) {
  const char* const names[] = {"growth", "turn", "row", "stage", "spoil"};
  for (int i = 0; i < 5; ++i)
    if (name == names[i]) return static_cast<Kind>(i);
  return Kind::kGrowth;
}

const double* doubles(const Napi::Object& o, const char* name) { return o.Get(name).As<Napi::Float64Array>().Data(); }
const float* floats(const Napi::Object& o, const char* name) { return o.Get(name).IsNull() ? nullptr : o.Get(name).As<Napi::Float32Array>().Data(); }

}  // namespace

Napi::Value integrate(const Napi::CallbackInfo& info) {
  const Napi::Object request = info[0].As<Napi::Object>();
  const auto number = [&](const char* name) { return request.Get(name).As<Napi::Number>().Int64Value(); };
  Probe probe{kind_of(request.Get("field").As<Napi::String>()), number("stopAfter"), {}, {}};
  const int32_t dimension = static_cast<int32_t>(number("dimension"));
  const Napi::Int32Array save = request.Get("save").As<Napi::Int32Array>();
  flow::SampleOptions o;
  bool lossless = true;
  o.n = number("n");
  o.first_row = number("firstRow");
  o.seed = request.Get("seed").As<Napi::BigInt>().Uint64Value(&lossless);
  o.initial = floats(request, "initial");
  o.source_scale = request.Get("sourceScale").As<Napi::Number>().DoubleValue();
  o.stages = static_cast<int32_t>(request.Get("b").As<Napi::Float64Array>().ElementLength());
  o.a = doubles(request, "a");
  o.b = doubles(request, "b");
  o.c = doubles(request, "c");
  o.steps = static_cast<int64_t>(request.Get("grid").As<Napi::Float64Array>().ElementLength()) - 1;
  o.grid = doubles(request, "grid");
  o.save = save.Data();
  o.saves = static_cast<int64_t>(save.ElementLength());
  o.shift = floats(request, "shift");
  o.scale = floats(request, "scale");
  o.threads = static_cast<int32_t>(number("threads"));
  const flow::Field field{&probe, [](void* self, int64_t first_row, int64_t stage, double t, ConstBlocked x, Blocked v) {
                            static_cast<Probe*>(self)->evaluate(first_row, stage, t, x, v);
                          }};
  // Requests of absurd size must fail before they touch x: they get none.
  const bool small = o.n >= 0 && o.n <= 1 << 20;
  std::vector<float> x(small ? static_cast<size_t>(o.saves * o.n * dimension) : 0, -77.0f);
  flow::SampleReport report;
  const flow::Status status = flow::integrate(field, dimension, o, &probe.stop, x.data(), &report);
  Napi::Object result = Napi::Object::New(info.Env());
  if (!status.ok()) {
    result["error"] = status.what;
    return result;
  }
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), x.size());
  if (!x.empty()) std::memcpy(out.Data(), x.data(), x.size() * sizeof(float));
  result["x"] = out;
  result["nfe"] = static_cast<double>(report.nfe);
  result["nonfiniteRow"] = static_cast<double>(report.nonfinite_row);
  result["stopped"] = report.stopped;
  result["evaluations"] = static_cast<double>(probe.evaluations.load());
  return result;
}

}  // namespace flow_test
