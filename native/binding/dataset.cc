#include "binding/dataset.h"

#include <array>

namespace flow::binding {

constexpr int64_t kMaxColumns = 1 << 20;

Napi::Function DatasetHandle::define(Napi::Env env) {
  const Napi::Function constructor = DefineClass(env, kName,
                                                 {
                                                     InstanceMethod("append", static_cast<Method>(&DatasetHandle::call<&DatasetHandle::append>)),
                                                     InstanceMethod("moments", static_cast<Method>(&DatasetHandle::call<&DatasetHandle::moments>)),
                                                     InstanceMethod("normalise", static_cast<Method>(&DatasetHandle::call<&DatasetHandle::normalise>)),
                                                     InstanceMethod("hash", static_cast<Method>(&DatasetHandle::call<&DatasetHandle::hash>)),
                                                     InstanceMethod("read", static_cast<Method>(&DatasetHandle::call<&DatasetHandle::read>)),
                                                     InstanceMethod("dispose", static_cast<Method>(&DatasetHandle::dispose)),
                                                 });
  define_getter<&DatasetHandle::columns>(env, constructor, "columns");
  define_getter<&DatasetHandle::rows>(env, constructor, "rows");
  return constructor;
}

DatasetHandle::DatasetHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    const auto columns = static_cast<int32_t>(integer(info[0], "columns", 1, kMaxColumns));
    adopt(info.Env(), std::make_shared<DatasetState>(columns), sizeof(DatasetState));
  });
}

std::shared_ptr<Dataset> DatasetHandle::unwrap(const Napi::Value& value, const std::string& path, bool nullable) {
  if (nullable && absent(value)) return nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) reject("ERR_FLOW_TYPE", path, "a native Dataset", value);
  const DatasetHandle& handle = *Unwrap(value.As<Napi::Object>());
  if (handle.environment_ != &Environment::of(value.Env())) reject("ERR_FLOW_STATE", path, "a Dataset of this addon instance", value);
  if (!handle.state_) throw Failure{"ERR_FLOW_DISPOSED", path, "it is disposed and cannot be used any more", "", "Make a new one."};
  if (handle.state_->writers > 0) throw Failure{"ERR_FLOW_STATE", path, "it is being normalised", "", "Await that job first."};
  return {handle.state_, &handle.state_->data};
}

// A job of this dataset: in order with its other jobs.
std::unique_ptr<Job> DatasetHandle::job(const char* name, bool writes) {
  auto job = std::make_unique<Job>();
  job->name = name;
  job->lane = Lane::kShort;
  job->owner = job->target = state_.get();
  job->release = [state = state_, writes] {
    --state->pending;
    state->writers -= writes;
  };
  return job;
}

Napi::Value DatasetHandle::columns(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), state_->data.columns()); }
Napi::Value DatasetHandle::rows(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(state_->data.rows())); }

Napi::Value DatasetHandle::append(const Napi::CallbackInfo& info) {
  Dataset& data = state_->data;
  if (state_->pending > 0) throw Failure{"ERR_FLOW_STATE", "Dataset.append", "a job is reading or changing it", "", "Await that job first."};
  const std::vector<float> values = floats(info[0], "rows");  // also keeps a racing SharedArrayBuffer out of the checks
  const int64_t count = static_cast<int64_t>(values.size());
  if (count % data.columns() != 0) reject("ERR_FLOW_SHAPE", "rows", "a multiple of " + std::to_string(data.columns()) + " values", info[0]);
  const int64_t rows = count / data.columns();
  elements("rows", data.rows() + rows, data.columns());
  check(data.append(values.data(), rows), "Dataset.append");
  account(info.Env(), count * static_cast<int64_t>(sizeof(float)));
  return info.Env().Undefined();
}

Napi::Value DatasetHandle::moments(const Napi::CallbackInfo& info) {
  struct Result {
    std::vector<uint32_t> which;
    bool all;
    Output<double> mean, std;
  };
  const int32_t columns = state_->data.columns();
  auto result = std::make_shared<Result>();
  result->all = absent(info[0]);
  if (!result->all) result->which = indices(info[0], "rows");
  result->mean = Output<double>(info.Env(), columns, "Dataset.moments");
  result->std = Output<double>(info.Env(), columns, "Dataset.moments");
  auto job = this->job("Dataset.moments", false);
  job->work = [state = state_, result](const StopFlag& stop) {
    const uint32_t* which = result->all ? nullptr : result->which.data();
    static constexpr uint32_t kNone = 0;
    if (!result->all && which == nullptr) which = &kNone;
    check(state->data.moments(which, static_cast<int64_t>(result->which.size()), &stop, result->mean.data, result->std.data), "Dataset.moments");
    if (stop.requested()) throw stopped_failure("Dataset.moments");
  };
  job->finish = [result](Napi::Env env) -> Napi::Value {
    Napi::Object record = Napi::Object::New(env);
    record.Set("mean", result->mean.value());
    record.Set("std", result->std.value());
    return record;
  };
  const Napi::Value handle = environment_->jobs.submit(info.Env(), std::move(job));
  ++state_->pending;
  return handle;
}

Napi::Value DatasetHandle::normalise(const Napi::CallbackInfo& info) {
  struct Maps {
    std::vector<float> shift, scale;
    int64_t mapped;  // rows; fewer than there are: stopped
  };
  const int32_t columns = state_->data.columns();
  if (state_->data.pinned()) {
    throw Failure{"ERR_FLOW_STATE", "Dataset.normalise", "a Trainer holds it", "", "Normalise before training, or dispose the Trainer."};
  }
  auto maps = std::make_shared<Maps>(Maps{floats(info[0], "shift"), floats(info[1], "scale"), 0});
  require_length(maps->shift.size(), columns, "shift", "(columns)");
  require_length(maps->scale.size(), columns, "scale", "(columns)");
  auto job = this->job("Dataset.normalise", true);
  job->work = [state = state_, maps](const StopFlag& stop) {
    check(state->data.normalise(maps->shift.data(), maps->scale.data(), &stop, &maps->mapped), "Dataset.normalise");
    if (maps->mapped < state->data.rows()) throw stopped_failure("Dataset.normalise");
  };
  job->release = [settle = std::move(job->release), state = state_, maps] {
    if (maps->mapped > 0 && maps->mapped < state->data.rows()) state->data.clear();
    settle();
  };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  const Napi::Value handle = environment_->jobs.submit(info.Env(), std::move(job));
  ++state_->pending;
  ++state_->writers;
  return handle;
}

Napi::Value DatasetHandle::hash(const Napi::CallbackInfo& info) {
  auto text = std::make_shared<std::array<char, 65>>();
  auto job = this->job("Dataset.hash", false);
  job->work = [state = state_, text](const StopFlag& stop) {
    if (!state->data.hash(&stop, text->data())) throw stopped_failure("Dataset.hash");
  };
  job->finish = [text](Napi::Env env) { return Napi::String::New(env, text->data(), 64); };
  const Napi::Value handle = environment_->jobs.submit(info.Env(), std::move(job));
  ++state_->pending;
  return handle;
}

Napi::Value DatasetHandle::read(const Napi::CallbackInfo& info) {
  const Dataset& data = state_->data;
  if (state_->writers > 0) throw Failure{"ERR_FLOW_STATE", "Dataset.read", "it is being normalised", "", "Await that job first."};
  const int64_t first = integer(info[0], "first", 0, data.rows());
  const int64_t count = integer(info[1], "count", 0, data.rows() - first);
  const Output<float> out(info.Env(), elements("Dataset.read", count, data.columns()), "Dataset.read");
  check(data.read(first, count, out.data), "Dataset.read");
  return out.value();
}

}  // namespace flow::binding
