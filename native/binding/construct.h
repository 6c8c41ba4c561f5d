// Network and Trainer built by jobs: packing, planning and first touching of large memory take up to half a second and leave the event loop alone.
#pragma once
#include <napi.h>

namespace flow::binding {
Napi::Value create_network(const Napi::CallbackInfo& info);  // (program, constants, parameters) -> Job<Network>
Napi::Value create_trainer(const Napi::CallbackInfo& info);  // (request) -> Job<Trainer>
}  // namespace flow::binding
