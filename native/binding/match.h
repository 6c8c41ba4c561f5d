// matchPoints: exact optimal transport between two sets of points, as a job.
#pragma once
#include <napi.h>

namespace flow::binding {

Napi::Value match_points(const Napi::CallbackInfo& info);

}  // namespace flow::binding
