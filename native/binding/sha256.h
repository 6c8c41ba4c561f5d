// sha256(bytes): the hash of a few bytes, in hex, for programs that would otherwise load node:crypto for nothing else.
#pragma once
#include <napi.h>

namespace flow::binding {
Napi::Value sha256(const Napi::CallbackInfo& info);
}
