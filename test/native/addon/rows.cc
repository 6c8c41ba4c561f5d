// The native integrator with error control over a field in JavaScript: v = field(x (rows, d) f32, t (rows) f64, row numbers (rows)). One thread unless the
// field is one of C++: `cosine`, v = rate(row) cos(rate(row) t) x with rate = 1 + row % 7, and `spoil`, the same but NaN after t = 0.5 in rows 3, 10, 17 ...
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "solver.h"
#include "solver/integrate.h"
#include "solver/row_field.h"

namespace flow_test {
namespace {

using flow::Blocked;
using flow::kLanes;

struct Probe {
  Napi::Env env;
  Napi::Function call;  // empty: a field of C++
  bool spoil = false;
  int64_t stop_after = -1;
  flow::StopFlag stop;
  std::atomic<int64_t> evaluations{0}, rows{0};
  std::vector<std::vector<int64_t>> places;

  static float& at(const Blocked& m, int32_t r, int32_t c) { return m.data[c / kLanes * m.block + int64_t{r} * kLanes + c % kLanes]; }

  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v) {
    if (evaluations.fetch_add(1) + 1 == stop_after) stop.request();
    rows.fetch_add(x.rows);
    const std::vector<int64_t>& place = places[static_cast<size_t>(slot)];
    if (call.IsEmpty()) {
      for (int32_t r = 0; r < x.rows; ++r) {
        const double rate = 1 + static_cast<double>(place[static_cast<size_t>(r)] % 7);
        const bool bad = spoil && place[static_cast<size_t>(r)] % 7 == 3 && t[r] > 0.5;
        for (int32_t c = 0; c < x.cols; ++c) at(v, r, c) = bad ? NAN : static_cast<float>(rate * std::cos(rate * t[r])) * at(x, r, c);
      }
      return;
    }
    const Napi::HandleScope scope(env);
    const size_t n = static_cast<size_t>(x.rows), d = static_cast<size_t>(x.cols);
    Napi::Float32Array state = Napi::Float32Array::New(env, n * d);
    Napi::Float64Array times = Napi::Float64Array::New(env, n), numbers = Napi::Float64Array::New(env, n);
    for (size_t r = 0; r < n; ++r) {
      times[r] = t[r];
      numbers[r] = static_cast<double>(place[r]);
      for (size_t c = 0; c < d; ++c) state[r * d + c] = at(x, static_cast<int32_t>(r), static_cast<int32_t>(c));
    }
    const Napi::Float32Array slope = call.Call({state, times, numbers}).As<Napi::Float32Array>();
    for (size_t r = 0; r < n; ++r)
      for (size_t c = 0; c < d; ++c) at(v, static_cast<int32_t>(r), static_cast<int32_t>(c)) = slope[r * d + c];
  }
};

}  // namespace

Napi::Value integrate_rows(const Napi::CallbackInfo& info) {
  const Napi::Object request = info[0].As<Napi::Object>();
  const auto number = [&](const char* name) { return request.Get(name).As<Napi::Number>().Int64Value(); };
  const auto real = [&](const char* name) { return request.Get(name).As<Napi::Number>().DoubleValue(); };
  const auto doubles = [&](const char* name) { return request.Get(name).As<Napi::Float64Array>(); };
  const Napi::Value field = request.Get("field");
  Probe probe{info.Env(), field.IsFunction() ? field.As<Napi::Function>() : Napi::Function(), false, number("stopAfter"), {}, {}, {}, {}};
  probe.spoil = field.IsString() && field.As<Napi::String>().Utf8Value() == "spoil";
  const int32_t d = static_cast<int32_t>(number("dimension"));
  const Napi::Int32Array save = request.Get("save").As<Napi::Int32Array>();
  const Napi::Float64Array a = doubles("a"), b = doubles("b"), c = doubles("c"), error = doubles("error"), dense = doubles("dense"), grid = doubles("grid");
  flow::AdaptiveOptions steps;
  steps.rtol = real("rtol");
  steps.atol = real("atol");
  steps.min_step = real("minStep");
  steps.max_steps = number("maxSteps");
  steps.pi = request.Get("pi").ToBoolean();
  steps.batch = request.Get("batch").ToBoolean();
  steps.error = error.Data();
  steps.error_order = static_cast<int32_t>(number("errorOrder"));
  steps.dense = dense.Data();
  steps.dense_degree = static_cast<int32_t>(dense.ElementLength() / b.ElementLength());
  flow::SampleOptions o;
  o.n = number("n");
  const Napi::Value initial = request.Get("initial");
  o.initial = initial.IsNull() ? nullptr : initial.As<Napi::Float32Array>().Data();
  o.first_row = number("firstRow");
  o.stages = static_cast<int32_t>(b.ElementLength());
  o.a = a.Data();
  o.b = b.Data();
  o.c = c.Data();
  o.steps = static_cast<int64_t>(grid.ElementLength()) - 1;
  o.grid = grid.Data();
  o.save = save.Data();
  o.saves = static_cast<int64_t>(save.ElementLength());
  o.threads = static_cast<int32_t>(number("threads"));
  o.adaptive = &steps;
  const size_t n = static_cast<size_t>(o.n);
  std::vector<int32_t> nfe(n);
  std::vector<uint8_t> row_status(n);
  std::vector<float> x(static_cast<size_t>(o.saves) * n * static_cast<size_t>(d), -77.0f);
  steps.row_nfe = nfe.data();
  steps.row_status = row_status.data();
  const Napi::Value closing = request.Get("closing");
  if (closing.IsTypedArray()) steps.closing = closing.As<Napi::Float64Array>().Data();
  const flow::RowField rows{
      &probe,
      [](void* self, int32_t slots, int32_t capacity) {
        static_cast<Probe*>(self)->places.assign(static_cast<size_t>(slots), std::vector<int64_t>(static_cast<size_t>(capacity)));
        return flow::Status{};
      },
      [](void* self, int32_t slot, int32_t at, int64_t row) { static_cast<Probe*>(self)->places[static_cast<size_t>(slot)][static_cast<size_t>(at)] = row; },
      [](void* self, int32_t slot, const double* t, Blocked state, Blocked v) { static_cast<Probe*>(self)->evaluate(slot, t, state, v); }};
  flow::SampleReport report;
  const flow::Status status = flow::integrate_rows(rows, d, o, &probe.stop, x.data(), &report);
  Napi::Object result = Napi::Object::New(info.Env());
  if (!status.ok()) {
    result["error"] = status.what;
    return result;
  }
  const auto copy = [&](auto array, const auto& from) {
    if (!from.empty()) std::memcpy(array.Data(), from.data(), from.size() * sizeof(from[0]));
    return array;
  };
  result["x"] = copy(Napi::Float32Array::New(info.Env(), x.size()), x);
  result["rowNfe"] = copy(Napi::Int32Array::New(info.Env(), n), nfe);
  result["rowStatus"] = copy(Napi::Uint8Array::New(info.Env(), n), row_status);
  result["nfe"] = static_cast<double>(report.nfe);
  result["nonfiniteRow"] = static_cast<double>(report.nonfinite_row);
  result["stopped"] = report.stopped;
  result["evaluations"] = static_cast<double>(probe.evaluations.load());
  result["rows"] = static_cast<double>(probe.rows.load());
  return result;
}

}  // namespace flow_test
