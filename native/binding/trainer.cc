#include "binding/trainer.h"

#include <algorithm>
#include <cmath>

#include "binding/trainer_request.h"

namespace flow::binding {

constexpr int64_t kMaxSliceSteps = int64_t{1} << 24;

Napi::Function TrainerHandle::define(Napi::Env env) {
  const Napi::Function constructor = DefineClass(env, kName,
                                                 {
                                                     InstanceMethod("run", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::run>)),
                                                     InstanceMethod("draw", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::draw>)),
                                                     InstanceMethod("runPaired", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::run_paired>)),
                                                     InstanceMethod("evaluate", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::evaluate>)),
                                                     InstanceMethod("state", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::state>)),
                                                     InstanceMethod("copy", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::copy>)),
                                                     InstanceMethod("restore", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::restore>)),
                                                     InstanceMethod("dispose", static_cast<Method>(&TrainerHandle::dispose)),
                                                 });
  define_getter<&TrainerHandle::step>(env, constructor, "step");
  return constructor;
}

namespace {

const char* name_of(SliceEnd end) {
  switch (end) {
    case SliceEnd::kDone:
      return "done";
    case SliceEnd::kBudget:
      return "budget";
    case SliceEnd::kStopped:
      return "stopped";
    case SliceEnd::kNonfinite:
      return "nonfinite";
  }
  return "done";
}

// What a slice writes, and the record JavaScript gets.
struct Slice {
  std::vector<double> rates, losses, norms;
  std::vector<int32_t> pairs;
  SliceReport report;

  explicit Slice(std::vector<double> learning_rates) : rates(std::move(learning_rates)), losses(rates.size()), norms(rates.size()) {
    for (size_t i = 0; i < rates.size(); ++i) {
      if (!std::isfinite(rates[i])) throw Failure{"ERR_FLOW_NONFINITE", "learningRates[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
    }
  }
  Napi::Value result(Napi::Env env) const {
    Napi::Object record = Napi::Object::New(env);
    record.Set("steps", static_cast<double>(report.steps));
    record.Set("losses", copied(env, losses));
    record.Set("gradientNorms", copied(env, norms));
    record.Set("status", name_of(report.end));
    record.Set("unsettled", static_cast<double>(report.unsettled));
    record.Set("worstMarginal", report.worst);
    record.Set("transports", static_cast<double>(report.transports));
    record.Set("discardedLoss", report.end == SliceEnd::kNonfinite ? Napi::Number::New(env, losses[report.steps]) : env.Null());
    return record;
  }
  Napi::Value copied(Napi::Env env, const std::vector<double>& values) const {
    const Output<double> out(env, report.steps, "Trainer.run");
    std::copy_n(values.begin(), report.steps, out.data);
    return out.value();
  }
};

}  // namespace

TrainerHandle::TrainerHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    std::shared_ptr<TrainerState> state = built();
    if (!state) {
      const TrainerRequest request(info[0]);
      state = std::make_shared<TrainerState>();
      check(state->trainer.init(request.options), "Trainer");
    }
    // parameters, gradients, two moments, EMA, transposed panels
    const int64_t bytes = 6 * state->trainer.parameter_count() * static_cast<int64_t>(sizeof(float));
    adopt(info.Env(), std::move(state), bytes);
  });
}

std::unique_ptr<Job> TrainerHandle::job(const char* name) {
  auto job = std::make_unique<Job>();
  job->name = name;
  job->lane = Lane::kTraining;
  job->owner = job->target = state_.get();
  job->release = [state = state_] { --state->pending; };
  return job;
}

Napi::Value TrainerHandle::submit(Napi::Env env, std::unique_ptr<Job> job) {
  const Napi::Value handle = environment_->jobs.submit(env, std::move(job));
  ++state_->pending;
  return handle;
}

void TrainerHandle::require_idle(const char* name) const {
  if (state_->pending > 0) throw Failure{"ERR_FLOW_STATE", name, "a job of this trainer is running", "", "Await that job first."};
}

Napi::Value TrainerHandle::step(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(state_->trainer.step())); }

Napi::Value TrainerHandle::run(const Napi::CallbackInfo& info) {
  auto slice = std::make_shared<Slice>(doubles(info[0], "learningRates"));
  if (static_cast<int64_t>(slice->rates.size()) > kMaxSliceSteps) reject("ERR_FLOW_LIMIT", "learningRates", "at most 2^24 steps", info[0]);
  const double budget = finite(info[1], "budgetMs", 0, 1e12);
  auto job = this->job("Trainer.run");
  job->work = [state = state_, slice, budget](const StopFlag& stop) {
    if (stop.requested()) {
      slice->report.end = SliceEnd::kStopped;
      return;
    }
    check(state->trainer.run(slice->rates.data(), static_cast<int64_t>(slice->rates.size()), budget, &stop, slice->losses.data(), slice->norms.data(),
                             &slice->report),
          "Trainer.run");
  };
  job->finish = [slice](Napi::Env env) { return slice->result(env); };
  return submit(info.Env(), std::move(job));
}

Napi::Value TrainerHandle::draw(const Napi::CallbackInfo& info) {
  struct Batch {
    Output<float> x0, x1, condition;
  };
  const Napi::Env env = info.Env();
  const Trainer& trainer = state_->trainer;
  auto batch = std::make_shared<Batch>();
  batch->x0 = Output<float>(env, trainer.batch_size() * trainer.dimension(), "Trainer.draw");
  batch->x1 = Output<float>(env, trainer.batch_size() * trainer.dimension(), "Trainer.draw");
  if (trainer.condition_width() > 0)
    batch->condition = Output<float>(env, elements("Trainer.draw", trainer.batch_size(), trainer.condition_width()), "Trainer.draw");
  auto job = this->job("Trainer.draw");
  job->work = [state = state_, batch](const StopFlag&) { check(state->trainer.draw(batch->x0.data, batch->x1.data, batch->condition.data), "Trainer.draw"); };
  job->finish = [batch](Napi::Env env) -> Napi::Value {
    Napi::Object record = Napi::Object::New(env);
    record.Set("x0", batch->x0.value());
    record.Set("x1", batch->x1.value());
    record.Set("condition", batch->condition.data == nullptr ? env.Null() : batch->condition.value());
    return record;
  };
  return submit(env, std::move(job));
}

Napi::Value TrainerHandle::run_paired(const Napi::CallbackInfo& info) {
  std::vector<int32_t> pairs = integers(info[0], "pairs");
  const int64_t batch = state_->trainer.batch_size();
  require_length(pairs.size(), batch, "pairs", "(batch size)");
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i] < 0 || pairs[i] >= batch) {
      throw Failure{"ERR_FLOW_RANGE", "pairs[" + std::to_string(i) + "]", "an index in [0, " + std::to_string(batch) + ")", std::to_string(pairs[i]), ""};
    }
  }
  auto slice = std::make_shared<Slice>(std::vector<double>{finite(info[1], "learningRate", 0, 1e30)});
  slice->pairs = std::move(pairs);
  auto job = this->job("Trainer.runPaired");
  job->work = [state = state_, slice](const StopFlag& stop) {
    if (stop.requested()) {
      slice->report.end = SliceEnd::kStopped;
      return;
    }
    check(state->trainer.run_paired(slice->pairs.data(), slice->rates[0], &stop, slice->losses.data(), slice->norms.data(), &slice->report),
          "Trainer.runPaired");
  };
  job->finish = [slice](Napi::Env env) { return slice->result(env); };
  return submit(info.Env(), std::move(job));
}

Napi::Value TrainerHandle::evaluate(const Napi::CallbackInfo& info) {
  const std::string which = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  if (which != "parameters" && which != "ema") reject("ERR_FLOW_CONFIG", "which", "\"parameters\" or \"ema\"", info[0]);
  const uint64_t seed = binding::seed(info[1], "seed");
  const int64_t draws = integer(info[2], "draws", 1, 1 << 20);
  auto report = std::make_shared<EvaluateReport>();
  auto job = this->job("Trainer.evaluate");
  job->lane = Lane::kShort;
  job->work = [state = state_, report, seed, draws, ema = which == "ema"](const StopFlag& stop) {
    if (stop.requested()) {
      report->end = SliceEnd::kStopped;
      return;
    }
    check(state->trainer.evaluate(ema, seed, draws, &stop, report.get()), "Trainer.evaluate");
  };
  job->finish = [report](Napi::Env env) -> Napi::Value {
    Napi::Object record = Napi::Object::New(env);
    record.Set("loss", report->loss);
    record.Set("status", name_of(report->end));
    return record;
  };
  return submit(info.Env(), std::move(job));
}

static constexpr const char* kStateNames[] = {"parameters", "ema", "firstMoment", "secondMoment"};

Napi::Value TrainerHandle::state(const Napi::CallbackInfo& info) {
  if (state_->pending > state_->readers) require_idle("Trainer.state");
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  for (int i = 0; i < 4; ++i) {
    if (name != kStateNames[i]) continue;
    const Output<float> out(info.Env(), state_->trainer.parameter_count(), "Trainer.state");
    check(state_->trainer.get_state(static_cast<StateKind>(i), out.data), "Trainer.state");
    return out.value();
  }
  reject("ERR_FLOW_CONFIG", "name", "parameters, ema, firstMoment or secondMoment", info[0]);
}

Napi::Value TrainerHandle::copy(const Napi::CallbackInfo& info) {
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  for (int i = 0; i < 4; ++i) {
    if (name != kStateNames[i]) continue;
    auto out = std::make_shared<Output<float>>(info.Env(), state_->trainer.parameter_count(), "Trainer.copy");
    auto job = this->job("Trainer.copy");
    job->release = [state = state_] {
      --state->pending;
      --state->readers;
    };
    job->work = [state = state_, out, kind = static_cast<StateKind>(i)](const StopFlag& stop) {
      if (stop.requested()) throw stopped_failure("Trainer.copy");
      check(state->trainer.get_state(kind, out->data), "Trainer.copy");
    };
    job->finish = [out](Napi::Env) -> Napi::Value { return out->value(); };
    const Napi::Value handle = submit(info.Env(), std::move(job));
    ++state_->readers;
    return handle;
  }
  reject("ERR_FLOW_CONFIG", "name", "parameters, ema, firstMoment or secondMoment", info[0]);
}

Napi::Value TrainerHandle::restore(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "state");
  std::vector<float> states[4];
  for (int i = 0; i < 4; ++i) {
    states[i] = fields.floats(kStateNames[i]);
    require_alive();
    require_length(states[i].size(), state_->trainer.parameter_count(), fields.path(kStateNames[i]), "(parameters)");
  }
  const int64_t step = integer(info[1], "step", 0, kMostExact);
  require_idle("Trainer.restore");  // after the reads above: a getter may have started a job
  check(state_->trainer.set_state(states[0].data(), states[1].data(), states[2].data(), states[3].data(), step), "Trainer.restore");
  return info.Env().Undefined();
}

}  // namespace flow::binding
