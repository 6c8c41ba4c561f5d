#include "binding/trainer.h"

#include <algorithm>
#include <cmath>

#include "binding/dataset.h"
#include "core/pool.h"

namespace flow::binding {

constexpr int64_t kMaxSliceSteps = int64_t{1} << 24;
constexpr int64_t kMaxBatch = int64_t{1} << 24;
constexpr int64_t kMaxStep = int64_t{1} << 53;

Napi::Function TrainerHandle::define(Napi::Env env) {
  const Napi::Function constructor = DefineClass(env, kName,
                                                 {
                                                     InstanceMethod("run", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::run>)),
                                                     InstanceMethod("draw", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::draw>)),
                                                     InstanceMethod("runPaired", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::run_paired>)),
                                                     InstanceMethod("evaluate", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::evaluate>)),
                                                     InstanceMethod("state", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::state>)),
                                                     InstanceMethod("restore", static_cast<Method>(&TrainerHandle::call<&TrainerHandle::restore>)),
                                                     InstanceMethod("dispose", static_cast<Method>(&TrainerHandle::dispose)),
                                                 });
  define_getter<&TrainerHandle::step>(env, constructor, "step");
  return constructor;
}

// ---- the request, read into a plain record that owns its memory ----

namespace {

struct Request {
  explicit Request(const Napi::Value& value);
  TrainerOptions options;  // points into the vectors below

 private:
  void read_path(const Fields& fields);
  void read_times(const Fields& fields);
  std::vector<int32_t> program_;
  std::vector<float> constants_, parameters_;
  std::vector<uint32_t> train_, validation_;
  std::vector<double> nodes_, quantiles_;
};

std::string text(const Fields& fields, const char* name) {
  const Napi::Value value = fields.get(name);
  if (!value.IsString()) reject("ERR_FLOW_TYPE", fields.path(name), "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

void require_rows(const std::vector<uint32_t>& rows, int64_t available, const char* path) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<int64_t>(rows[i]) >= available) {
      throw Failure{"ERR_FLOW_RANGE", std::string(path) + "[" + std::to_string(i) + "]", "a row below " + std::to_string(available), std::to_string(rows[i]),
                    ""};
    }
  }
}

Request::Request(const Napi::Value& value) {
  const Fields fields(value, "request");
  TrainerOptions& o = options;
  program_ = fields.integers("program");
  constants_ = fields.floats("constants");
  parameters_ = fields.floats("parameters");
  train_ = fields.indices("trainRows");
  validation_ = fields.indices("validationRows");
  read_path(fields);
  read_times(fields);
  o.source_paired = fields.boolean("sourcePaired");
  o.batch_size = fields.integer("batchSize", 1, kMaxBatch);
  o.seed = fields.seed("seed");
  o.replacement = fields.boolean("replacement");
  o.beta1 = fields.finite("beta1", 0, 1);
  o.beta2 = fields.finite("beta2", 0, 1);
  o.epsilon = fields.finite("epsilon", 0);
  o.weight_decay = fields.finite("weightDecay", 0);
  o.ema_decay = fields.finite("emaDecay", 0, 1);
  o.ema_warmup = fields.boolean("emaWarmup");
  o.clip = fields.finite("clip", 0);
  o.threads = static_cast<int32_t>(fields.integer("threads", 0, kMaxThreads));

  // The datasets come last: no getter of the request runs between their checks and their use.
  const Napi::Value data = fields.get("data"), source = fields.get("source"), condition = fields.get("condition");
  o.data = DatasetHandle::unwrap(data, "request.data", false);
  o.source = DatasetHandle::unwrap(source, "request.source", true);
  o.condition = DatasetHandle::unwrap(condition, "request.condition", true);
  const int64_t rows = o.data->rows();
  if (train_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.trainRows", "at least one row", "none", ""};
  require_rows(train_, rows, "request.trainRows");
  require_rows(validation_, rows, "request.validationRows");
  if (o.source && o.source->columns() != o.data->columns()) {
    throw Failure{"ERR_FLOW_SHAPE", "request.source", std::to_string(o.data->columns()) + " columns", std::to_string(o.source->columns()), ""};
  }
  if (o.source && (o.source->rows() < 1 || (o.source_paired && o.source->rows() != rows))) {
    throw Failure{"ERR_FLOW_SHAPE", "request.source", o.source_paired ? std::to_string(rows) + " rows" : "at least one row", std::to_string(o.source->rows()),
                  ""};
  }
  if (o.condition && o.condition->rows() != rows) {
    throw Failure{"ERR_FLOW_SHAPE", "request.condition", std::to_string(rows) + " rows", std::to_string(o.condition->rows()), ""};
  }
  elements("request.batchSize", o.batch_size, o.data->columns());
  o.program = program_.data();
  o.program_words = static_cast<int64_t>(program_.size());
  o.constants = constants_.data();
  o.constant_count = static_cast<int64_t>(constants_.size());
  o.parameters = parameters_.data();
  o.parameter_count = static_cast<int64_t>(parameters_.size());
  o.train_rows = train_.data();
  o.train_count = static_cast<int64_t>(train_.size());
  o.validation_rows = validation_.data();
  o.validation_count = static_cast<int64_t>(validation_.size());
}

void Request::read_path(const Fields& fields) {
  const Fields path(fields.get("path"), "request.path");
  const std::string kind = text(path, "kind");
  PathOptions& o = options.path;
  o.table = kind == "table";
  if (kind == "condOT") {
    o.sigma_min = path.finite("sigmaMin", 0, 1);
  } else if (o.table) {
    o.t_min = path.finite("tMin");
    o.t_max = path.finite("tMax");
    if (!(o.t_min < o.t_max)) reject("ERR_FLOW_RANGE", "request.path.tMax", "a time after tMin", path.get("tMax"));
    nodes_ = path.doubles("nodes");
    o.node_count = static_cast<int64_t>(nodes_.size() / 12);
    if (nodes_.size() % 12 != 0 || o.node_count < 2)
      throw Failure{"ERR_FLOW_SHAPE", "request.path.nodes", "(n, 12) values, n >= 2", std::to_string(nodes_.size()), ""};
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!std::isfinite(nodes_[i]))
        throw Failure{"ERR_FLOW_NONFINITE", "request.path.nodes[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
    }
    o.nodes = nodes_.data();
  } else {
    throw Failure{"ERR_FLOW_CONFIG", "request.path.kind", "condOT or table", kind.substr(0, 40), ""};
  }
}

void Request::read_times(const Fields& fields) {
  const Fields times(fields.get("times"), "request.times");
  TimeOptions& o = options.times;
  o.stratified = times.boolean("stratified");
  o.t_min = times.finite("tMin");
  o.t_max = times.finite("tMax");
  if (!(o.t_min <= o.t_max)) reject("ERR_FLOW_RANGE", "request.times.tMax", "a time not before tMin", times.get("tMax"));
  if (const Napi::Value quantiles = times.get("quantiles"); !absent(quantiles)) {
    quantiles_ = doubles(quantiles, "request.times.quantiles");
    if (quantiles_.size() < 2) throw Failure{"ERR_FLOW_SHAPE", "request.times.quantiles", "at least two values", std::to_string(quantiles_.size()), ""};
    for (size_t i = 0; i < quantiles_.size(); ++i) {
      if (!std::isfinite(quantiles_[i])) {
        throw Failure{"ERR_FLOW_NONFINITE", "request.times.quantiles[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
      }
    }
    o.quantiles = quantiles_.data();
    o.quantile_count = static_cast<int64_t>(quantiles_.size());
  }
}

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
    return record;
  }
  Napi::Value copied(Napi::Env env, const std::vector<double>& values) const {
    const Output<double> out(env, report.steps, "Trainer.run");
    std::copy_n(values.begin(), report.steps, out.data);
    return out.value();
  }
};

}  // namespace

// ---- the class ----

TrainerHandle::TrainerHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    const Request request(info[0]);
    auto state = std::make_shared<TrainerState>();
    check(state->trainer.init(request.options), "Trainer");
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
  require_idle("Trainer.state");
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  for (int i = 0; i < 4; ++i) {
    if (name != kStateNames[i]) continue;
    const Output<float> out(info.Env(), state_->trainer.parameter_count(), "Trainer.state");
    check(state_->trainer.get_state(static_cast<StateKind>(i), out.data), "Trainer.state");
    return out.value();
  }
  reject("ERR_FLOW_CONFIG", "name", "parameters, ema, firstMoment or secondMoment", info[0]);
}

Napi::Value TrainerHandle::restore(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "state");
  std::vector<float> states[4];
  for (int i = 0; i < 4; ++i) {
    states[i] = fields.floats(kStateNames[i]);
    require_length(states[i].size(), state_->trainer.parameter_count(), fields.path(kStateNames[i]), "(parameters)");
  }
  const int64_t step = integer(info[1], "step", 0, kMaxStep);
  require_idle("Trainer.restore");  // after the reads above: a getter may have started a job
  check(state_->trainer.set_state(states[0].data(), states[1].data(), states[2].data(), states[3].data(), step), "Trainer.restore");
  return info.Env().Undefined();
}

}  // namespace flow::binding
