// normal(seed, firstRow, rows, columns): the noise that sample() starts from.
#pragma once
#include <napi.h>

namespace flow::binding {
Napi::Value normal(const Napi::CallbackInfo& info);
}
