// info(): treaty, instruction sets, threads, compiler.
#pragma once
#include <napi.h>

namespace flow::binding {
Napi::Value info(const Napi::CallbackInfo& info);
}
