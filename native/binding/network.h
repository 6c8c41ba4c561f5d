// Network as JavaScript sees it: evaluate, differentiate, sample.
#pragma once
#include "binding/handle.h"
#include "network/network.h"

namespace flow::binding {

class NetworkHandle : public Handle<NetworkHandle, Network> {
 public:
  static constexpr const char* kName = "Network";
  static constexpr napi_type_tag kTag = {0x61f8c3a7095b2ed4, 0x72c4e90d3b16f85a};
  static Napi::Function define(Napi::Env env);
  explicit NetworkHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value evaluate_sync(const Napi::CallbackInfo& info);
  Napi::Value gradient_sync(const Napi::CallbackInfo& info);
  Napi::Value sample(const Napi::CallbackInfo& info);
  Napi::Value sample_sync(const Napi::CallbackInfo& info);
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value log_density(const Napi::CallbackInfo& info);
  Napi::Value tangent_sync(const Napi::CallbackInfo& info);
  template <class Task>
  Napi::Value submit(const char* name, std::shared_ptr<Task> task, Napi::Env env);
};

}  // namespace flow::binding
