// Floats as JavaScript fills it: a vector of known length that grows part by part, so that copying millions of parameters does not hold the event loop.
// What it holds is moved out once, by createNetwork() or createTrainer().
#pragma once
#include <vector>

#include "binding/handle.h"

namespace flow::binding {

class FloatsHandle : public Handle<FloatsHandle, std::vector<float>> {
 public:
  static constexpr const char* kName = "Floats";
  static constexpr napi_type_tag kTag = {0x5c07d2e94ab8136f, 0x9e1f64c3b27a08d5};
  static Napi::Function define(Napi::Env env);
  explicit FloatsHandle(const Napi::CallbackInfo& info);

  // The values of a Float32Array (copied) or of a Floats that is full (moved: it is disposed by that).
  static std::vector<float> take(const Napi::Value& value, const std::string& path);

 private:
  Napi::Value append(const Napi::CallbackInfo& info);
  int64_t wanted_ = 0;
};

}  // namespace flow::binding
