// What one JavaScript environment (the main thread, or a Worker) owns: its job queue, the error factory and the ArrayBuffer constructor.
// It hangs on the environment's instance data; there are no globals.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/jobs.h"

namespace flow::binding {

struct Environment {
  explicit Environment(Napi::Env env);
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  Jobs jobs;
  Napi::FunctionReference error_factory;
  // Allocating through JavaScript's own constructor throws when memory is short; napi_create_arraybuffer aborts the process.
  Napi::FunctionReference array_buffer;
  // Classes whose objects the addon builds itself, and the state that the next one called without arguments takes over.
  Napi::FunctionReference network, trainer, solve;
  std::shared_ptr<void> built;
};

}  // namespace flow::binding
