// Solve: a request made ready by Network.prepare(), for many calls of a few rows that each say only what varies.
#pragma once
#include "binding/handle.h"
#include "binding/solve_settings.h"
#include "solver/kept_solve.h"

namespace flow::binding {

struct KeptRequest {
  KeptRequest(std::shared_ptr<const Network> network, const Napi::Value& request);
  std::shared_ptr<const Network> network;
  SolveSettings settings;
  KeptSolve solve;
  int64_t bytes() const { return settings.bytes() + solve.bytes(); }
};

class SolveHandle : public Handle<SolveHandle, KeptRequest> {
 public:
  static constexpr const char* kName = "Solve";
  static constexpr napi_type_tag kTag = {0x2b9d47e0c1f3586a, 0xd86a03f59e7c124b};
  static Napi::Function define(Napi::Env env);
  explicit SolveHandle(const Napi::CallbackInfo& info);
  static Napi::Value make(Napi::Env env, std::shared_ptr<KeptRequest> kept);

 private:
  Napi::Value sample_sync(const Napi::CallbackInfo& info);
  Napi::Value nfe(const Napi::CallbackInfo& info);
  int64_t told_ = 0;  // bytes that the garbage collector knows of
};

}  // namespace flow::binding
