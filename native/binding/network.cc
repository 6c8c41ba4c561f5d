#include "binding/network.h"

#include "binding/density.h"
#include "binding/sample.h"
#include "binding/solve.h"
#include "core/subnormals.h"

namespace flow::binding {

Napi::Function NetworkHandle::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {
                         InstanceMethod("evaluateSync", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::evaluate_sync>)),
                         InstanceMethod("gradientSync", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::gradient_sync>)),
                         InstanceMethod("sample", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::sample>)),
                         InstanceMethod("sampleSync", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::sample_sync>)),
                         InstanceMethod("prepare", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::prepare>)),
                         InstanceMethod("logDensity", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::log_density>)),
                         InstanceMethod("tangentSync", static_cast<Method>(&NetworkHandle::call<&NetworkHandle::tangent_sync>)),
                         InstanceMethod("dispose", static_cast<Method>(&NetworkHandle::dispose)),
                     });
}

static std::shared_ptr<Network> packed(const Napi::CallbackInfo& info) {
  const std::vector<int32_t> words = integers(info[0], "program");
  const std::vector<float> constants = floats(info[1], "constants");
  const std::vector<float> parameters = floats(info[2], "parameters");
  auto network = std::make_shared<Network>();
  check(network->init(words.data(), static_cast<int64_t>(words.size()), constants.data(), static_cast<int64_t>(constants.size()), parameters.data(),
                      static_cast<int64_t>(parameters.size())),
        "parameters");
  return network;
}

NetworkHandle::NetworkHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    std::shared_ptr<Network> network = built();
    if (!network) network = packed(info);
    const int64_t bytes = 2 * network->parameter_count() * static_cast<int64_t>(sizeof(float));  // panels and their transposes
    adopt(info.Env(), std::move(network), bytes);
  });
}
// Rows of x, t and the condition, checked against the network.
struct Inputs {
  std::vector<float> x, t, condition;
  int64_t rows;
  const float* condition_data() const { return condition.empty() ? nullptr : condition.data(); }

  Inputs(const Network& network, const Napi::CallbackInfo& info) : x(floats(info[0], "x")), t(floats(info[1], "t")) {
    rows = static_cast<int64_t>(t.size());
    require_length(x.size(), elements("x", rows, network.dimension()), "x", "(rows, dimension), where t has `rows` values");
    if (!absent(info[2])) condition = floats(info[2], "condition");
    require_length(condition.size(), elements("condition", rows, network.condition_width()), "condition", "(rows, condition width)");
  }
};

Napi::Value NetworkHandle::evaluate_sync(const Napi::CallbackInfo& info) {
  const Inputs in(*state_, info);
  const Output<float> v(info.Env(), static_cast<int64_t>(in.x.size()), "evaluateSync");
  const FlushSubnormals flush;
  if (in.rows > 0) check(state_->evaluate(in.rows, in.x.data(), in.t.data(), in.condition_data(), v.data, precision(info[3], "precision")), "evaluateSync");
  return v.value();
}

Napi::Value NetworkHandle::gradient_sync(const Napi::CallbackInfo& info) {
  const Inputs in(*state_, info);
  const std::vector<float> cotangent = floats(info[3], "cotangent");
  require_length(cotangent.size(), static_cast<int64_t>(in.x.size()), "cotangent", "(rows, dimension)");
  const Output<float> parameters(info.Env(), state_->parameter_count(), "gradientSync");
  const Output<float> x(info.Env(), static_cast<int64_t>(in.x.size()), "gradientSync");
  const FlushSubnormals flush;
  if (in.rows > 0) {
    check(state_->gradient(in.rows, in.x.data(), in.t.data(), in.condition_data(), cotangent.data(), parameters.data, x.data, precision(info[4], "precision")),
          "gradientSync");
  }
  Napi::Object record = Napi::Object::New(info.Env());
  record.Set("parameters", parameters.value());
  record.Set("x", x.value());
  return record;
}

// A task's run() in a job of this network, its result() at the end.
template <class Task>
Napi::Value NetworkHandle::submit(const char* name, std::shared_ptr<Task> task, Napi::Env env) {
  auto job = std::make_unique<Job>();
  job->name = name;
  job->lane = Lane::kShort;
  job->owner = nullptr;
  job->target = state_.get();
  job->work = [task](const StopFlag& stop) { task->run(&stop); };
  job->finish = [task](Napi::Env own) { return task->result(own); };
  return environment_->jobs.submit(env, std::move(job));
}

Napi::Value NetworkHandle::sample(const Napi::CallbackInfo& info) {
  auto task = std::make_shared<SampleTask>(info.Env(), state_, info[0]);
  require_alive();
  return submit("sample", std::move(task), info.Env());
}

Napi::Value NetworkHandle::sample_sync(const Napi::CallbackInfo& info) {
  SampleTask task(info.Env(), state_, info[0]);
  require_alive();
  {
    const FlushSubnormals flush;
    task.run(nullptr);
  }
  return task.result(info.Env());
}

Napi::Value NetworkHandle::prepare(const Napi::CallbackInfo& info) {
  auto kept = std::make_shared<KeptRequest>(state_, info[0]);
  require_alive();
  return SolveHandle::make(info.Env(), std::move(kept));
}

Napi::Value NetworkHandle::log_density(const Napi::CallbackInfo& info) {
  auto task = std::make_shared<DensityTask>(info.Env(), state_, info[0]);
  require_alive();
  return submit("logDensity", std::move(task), info.Env());
}

Napi::Value NetworkHandle::tangent_sync(const Napi::CallbackInfo& info) {
  const Inputs in(*state_, info);
  const std::vector<float> seeds = absent(info[3]) ? std::vector<float>() : floats(info[3], "seeds");
  require_length(seeds.size(), elements("seeds", in.rows, state_->seed_width()), "seeds", "each given seed in turn, (copies, rows, width)");
  const Output<float> v(info.Env(), static_cast<int64_t>(in.x.size()), "tangentSync");
  const Output<float> tangent(info.Env(), elements("x", in.rows, state_->tangent_width()), "tangentSync");
  const FlushSubnormals flush;
  check(state_->tangent(in.rows, in.x.data(), in.t.data(), in.condition_data(), seeds.data(), static_cast<int64_t>(seeds.size()), v.data, tangent.data,
                        precision(info[4], "precision")),
        "tangentSync");
  Napi::Object record = Napi::Object::New(info.Env());
  record.Set("v", v.value());
  record.Set("tangent", tangent.value());
  return record;
}

}  // namespace flow::binding
