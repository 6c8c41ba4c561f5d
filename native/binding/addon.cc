// The door: everything the addon offers, as lib/native/binding.ts types it.
#include <napi.h>

#include "binding/construct.h"
#include "binding/dataset.h"
#include "binding/environment.h"
#include "binding/floats.h"
#include "binding/info.h"
#include "binding/match.h"
#include "binding/network.h"
#include "binding/normal.h"
#include "binding/sha256.h"
#include "binding/solve.h"
#include "binding/trainer.h"
#include "kernels/kernels.h"
#include "kernels/narrow.h"

namespace flow::binding {

static Napi::Value set_error_factory(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "setErrorFactory", [&] {
    if (!info[0].IsFunction()) reject("ERR_FLOW_TYPE", "factory", "a function", info[0]);
    Environment::of(info.Env()).error_factory = Napi::Persistent(info[0].As<Napi::Function>());
    return info.Env().Undefined();
  });
}

static Napi::Value close(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).jobs.close();
  return info.Env().Undefined();
}

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  if (const char* error = kernels_error()) throw Napi::Error::New(env, error);  // load.ts tells it as ERR_FLOW_PLATFORM
  if (const char* error = narrow_error()) throw Napi::Error::New(env, error);
  env.SetInstanceData(new Environment(env));  // one per environment: nothing is global
  exports.Set("info", Napi::Function::New<info>(env, "info"));
  exports.Set("normal", Napi::Function::New<normal>(env, "normal"));
  exports.Set("sha256", Napi::Function::New<sha256>(env, "sha256"));
  exports.Set("matchPoints", Napi::Function::New<match_points>(env, "matchPoints"));
  exports.Set("Dataset", DatasetHandle::define(env));
  exports.Set("Floats", FloatsHandle::define(env));
  const Napi::Function network = NetworkHandle::define(env), trainer = TrainerHandle::define(env);
  Environment::of(env).network = Napi::Persistent(network);
  Environment::of(env).trainer = Napi::Persistent(trainer);
  Environment::of(env).solve = Napi::Persistent(SolveHandle::define(env));
  exports.Set("Network", network);
  exports.Set("Trainer", trainer);
  exports.Set("createNetwork", Napi::Function::New<create_network>(env, "createNetwork"));
  exports.Set("createTrainer", Napi::Function::New<create_trainer>(env, "createTrainer"));
  exports.Set("setErrorFactory", Napi::Function::New<set_error_factory>(env, "setErrorFactory"));
  exports.Set("close", Napi::Function::New<close>(env, "close"));
  return exports;
}

}  // namespace flow::binding

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return flow::binding::start(env, exports); }
NODE_API_MODULE(flowmatch, Init)
