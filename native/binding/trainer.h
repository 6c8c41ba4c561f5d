// Trainer as JavaScript sees it: slices of steps, the slow lane for a user's own coupling, evaluation, state.
#pragma once
#include "binding/handle.h"
#include "train/trainer.h"

namespace flow::binding {

struct TrainerState {
  Trainer trainer;
  int pending = 0;  // jobs that have not settled; JavaScript thread only
  int readers = 0;  // those of them that only copy the state
};

class TrainerHandle : public Handle<TrainerHandle, TrainerState> {
 public:
  static constexpr const char* kName = "Trainer";
  static constexpr napi_type_tag kTag = {0x3e90b7d51c48f26a, 0xa5d2087be14c936f};
  static Napi::Function define(Napi::Env env);
  explicit TrainerHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value draw(const Napi::CallbackInfo& info);
  Napi::Value run_paired(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);

  std::unique_ptr<Job> job(const char* name);
  Napi::Value submit(Napi::Env env, std::unique_ptr<Job> job);
  void require_idle(const char* name) const;
};

}  // namespace flow::binding
