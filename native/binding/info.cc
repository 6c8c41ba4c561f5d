#include "binding/info.h"

#include "binding/errors.h"
#include "core/pool.h"
#include "kernels/kernels.h"

namespace flow::binding {

constexpr int kTreaty = 2;  // lib/native/binding.ts

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "gcc " __VERSION__;
#else
constexpr const char* kCompiler = "unknown";
#endif

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
    record.Set("threads", available_threads());
    record.Set("compiler", kCompiler);
    return record;
  });
}

}  // namespace flow::binding
