#include "binding/environment.h"

namespace flow::binding {

Environment::Environment(Napi::Env env) : array_buffer(Napi::Persistent(env.Global().Get("ArrayBuffer").As<Napi::Function>())) {}

}  // namespace flow::binding
