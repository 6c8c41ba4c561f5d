// Minibatch transport for vitest: the coupling of given rows on a given ISA, and the entropic plan that it draws from.
#include <napi.h>

#include <vector>

#include "bench.h"
#include "checks.h"
#include "ot/coupling.h"

namespace flow_test {

namespace {

flow::Strength strength(const Napi::Value& value) {
  if (!value.IsObject()) return {};
  const Napi::Object o = value.As<Napi::Object>();
  return {o.Get("value").As<Napi::Number>().DoubleValue(), o.Get("absolute").ToBoolean().Value()};
}

flow::PlanOptions plan_of(const Napi::Value& value) {
  flow::PlanOptions plan;
  if (!value.IsObject()) return plan;
  const Napi::Object o = value.As<Napi::Object>();
  if (o.Get("kind").As<Napi::String>().Utf8Value() == "partial") {
    plan.kind = flow::PlanKind::kPartial;
    plan.mass = o.Get("mass").As<Napi::Number>().DoubleValue();
    return plan;
  }
  plan.kind = flow::PlanKind::kEntropic;
  plan.regularisation = strength(o.Get("regularisation"));
  plan.marginal = strength(o.Get("marginal"));
  plan.permutation = o.Get("permutation").ToBoolean().Value();
  plan.iterations = o.Get("iterations").As<Napi::Number>();
  plan.tolerance = o.Get("tolerance").As<Napi::Number>();
  return plan;
}

}  // namespace

// couple(isa, x0, x1, rows, dimension, condition (rows, c) or null, labels, threads, repeats = 1, plan (exact), seed = 0, first row = 0)
//   -> Int32Array pairs: row j of what is trained on has the x0 of pairs[j]; of a plan, 2 rows of them: and the x1 of pairs[rows + j]
Napi::Value couple(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  const flow::Kernels* kernels = table_named(name);
  if (!kernels) throw Napi::RangeError::New(env, "no kernels called " + name + " here");
  const Napi::Float32Array x0 = info[1].As<Napi::Float32Array>(), x1 = info[2].As<Napi::Float32Array>();
  const int32_t rows = info[3].As<Napi::Number>(), dimension = info[4].As<Napi::Number>(), labels = info[6].As<Napi::Number>();
  const bool conditional = !info[5].IsNull();
  const Napi::Float32Array condition = conditional ? info[5].As<Napi::Float32Array>() : Napi::Float32Array();
  const int32_t width = conditional ? static_cast<int32_t>(condition.ElementLength()) / rows : 0;
  if (x0.ElementLength() != x1.ElementLength() || static_cast<int32_t>(x0.ElementLength()) != rows * dimension || labels > width)
    throw Napi::RangeError::New(env, "shapes");
  flow::Coupling coupling;
  if (!coupling.init(rows, dimension, width - labels, labels, plan_of(info[9])).ok()) throw Napi::Error::New(env, "out of memory");
  const int32_t seed = info[10].IsNumber() ? info[10].As<Napi::Number>().Int32Value() : 0;
  const flow::CouplingDraws draws{flow::philox_key(static_cast<uint64_t>(seed)), flow::Stream::kCoupling,
                                  info[11].IsNumber() ? static_cast<uint64_t>(info[11].As<Napi::Number>().Int64Value()) : 0};
  std::vector<int32_t> to(static_cast<size_t>(rows));
  Napi::Int32Array pairs = Napi::Int32Array::New(env, static_cast<size_t>(info[9].IsObject() ? 2 * rows : rows));
  const int32_t repeats = info[8].IsNumber() ? info[8].As<Napi::Number>().Int32Value() : 1;
  for (int32_t i = 0; i < repeats; ++i)
    coupling.pair(*kernels, rows, x0.Data(), x1.Data(), conditional ? condition.Data() : nullptr, draws, info[7].As<Napi::Number>(), nullptr, pairs.Data(),
                  to.data());
  if (info[9].IsObject()) std::memcpy(pairs.Data() + rows, to.data(), to.size() * sizeof(int32_t));
  return pairs;
}

// entropicPlan(isa, x0, x1, rows, dimension, plan) -> {plan (rows, rows), of mass 1, iterations, error of the marginals}
Napi::Value entropic_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const flow::Kernels* kernels = table_named(info[0].As<Napi::String>());
  if (!kernels) throw Napi::RangeError::New(env, "no such kernels here");
  const Napi::Float32Array x0 = info[1].As<Napi::Float32Array>(), x1 = info[2].As<Napi::Float32Array>();
  const int32_t rows = info[3].As<Napi::Number>(), dimension = info[4].As<Napi::Number>();
  flow::Coupling coupling;
  if (!coupling.init(rows, dimension, 0, 0, plan_of(info[5])).ok()) throw Napi::Error::New(env, "out of memory");
  std::vector<int32_t> from(static_cast<size_t>(rows)), to(static_cast<size_t>(rows));
  coupling.pair(*kernels, rows, x0.Data(), x1.Data(), nullptr, {}, 1, nullptr, from.data(), to.data());
  const flow::Sinkhorn& sinkhorn = coupling.sinkhorn();
  flow::Buffer<float> column;
  if (!column.allocate(flow::round_up(rows, 16)).ok()) throw Napi::Error::New(env, "out of memory");
  Napi::Float64Array plan = Napi::Float64Array::New(env, static_cast<size_t>(rows) * static_cast<size_t>(rows));
  double all = 0;
  for (int32_t j = 0; j < rows; ++j) {
    double sum = 0;
    sinkhorn.weights(*kernels, j, 0, static_cast<int32_t>(column.size()), column.data());
    for (int32_t i = 0; i < rows; ++i) sum += static_cast<double>(column[i]);
    all += static_cast<double>(sinkhorn.masses()[j]);
    for (int32_t i = 0; i < rows; ++i)
      plan[static_cast<size_t>(i * rows + j)] = static_cast<double>(column[i]) / sum * static_cast<double>(sinkhorn.masses()[j]);
  }
  for (size_t i = 0; i < plan.ElementLength(); ++i) plan[i] = plan[i] / all;
  Napi::Object out = Napi::Object::New(env);
  out.Set("plan", plan);
  out.Set("iterations", sinkhorn.turns());
  out.Set("error", sinkhorn.error());
  return out;
}

}  // namespace flow_test
