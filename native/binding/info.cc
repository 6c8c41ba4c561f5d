#include "binding/info.h"

#include "binding/errors.h"
#include "core/pool.h"
#include "kernels/kernels.h"
#include "kernels/narrow.h"

namespace flow::binding {

constexpr int kTreaty = 5;  // lib/native/binding.ts

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "gcc " __VERSION__;
#else
constexpr const char* kCompiler = "unknown";
#endif

static Napi::Array names(Napi::Env env, std::initializer_list<const char*> list) {
  Napi::Array array = Napi::Array::New(env);
  for (const char* name : list) array.Set(array.Length(), name);
  return array;
}

Napi::Value info(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  return guard(env, "info", [&]() -> Napi::Value {
    Napi::Array available = Napi::Array::New(env);
    for (const char* isa : {"avx512", "avx2", "neon", "baseline", "reference"}) {
      if (kernels_for(isa) != nullptr) available.Set(available.Length(), isa);
    }
    Napi::Object record = Napi::Object::New(env);
    record.Set("treaty", kTreaty);
    record.Set("isa", kernels().isa);
    record.Set("available", available);
    record.Set("bf16", narrow_kernels().name);
    Napi::Object precisions = Napi::Object::New(env);
    precisions.Set("training", names(env, {"f32", "bf16"}));
    precisions.Set("sampling", narrow_kernels().splits ? names(env, {"f32", "f32-amx", "bf16x3", "bf16"}) : names(env, {"f32", "bf16"}));
    record.Set("precisions", precisions);
    record.Set("threads", available_threads());
    record.Set("compiler", kCompiler);
    return record;
  });
}

}  // namespace flow::binding
