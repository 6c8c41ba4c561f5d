#include "binding/floats.h"

namespace flow::binding {

Napi::Function FloatsHandle::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {
                         InstanceMethod("append", static_cast<Method>(&FloatsHandle::call<&FloatsHandle::append>)),
                         InstanceMethod("dispose", static_cast<Method>(&FloatsHandle::dispose)),
                     });
}

FloatsHandle::FloatsHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    wanted_ = integer(info[0], "count", 0, kMaxElements);
    auto values = std::make_shared<std::vector<float>>();
    values->reserve(static_cast<size_t>(wanted_));
    adopt(info.Env(), std::move(values), wanted_ * static_cast<int64_t>(sizeof(float)));
  });
}

Napi::Value FloatsHandle::append(const Napi::CallbackInfo& info) {
  const std::vector<float> part = floats(info[0], "part");
  require_alive();
  if (static_cast<int64_t>(state_->size() + part.size()) > wanted_) {
    reject("ERR_FLOW_SHAPE", "part", "at most " + std::to_string(wanted_ - static_cast<int64_t>(state_->size())) + " values more", info[0]);
  }
  state_->insert(state_->end(), part.begin(), part.end());
  return info.Env().Undefined();
}

std::vector<float> FloatsHandle::take(const Napi::Value& value, const std::string& path) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return floats(value, path);
  FloatsHandle& handle = *Unwrap(value.As<Napi::Object>());
  handle.require_alive();
  require_length(handle.state_->size(), handle.wanted_, path, "as announced");
  std::vector<float> values = std::move(*handle.state_);
  handle.state_.reset();
  handle.account(value.Env(), -handle.wanted_ * static_cast<int64_t>(sizeof(float)));
  return values;
}

}  // namespace flow::binding
