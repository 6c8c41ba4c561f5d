// flow::integrate() over fields with closed forms.
#pragma once
#include <napi.h>

namespace flow_test {

// integrate({field, dimension, n, firstRow, seed, initial, sourceScale, a, b, c, grid, save, shift, scale, threads, stopAfter}) ->
//   {x, nfe, nonfiniteRow, stopped, evaluations} or {error}
Napi::Value integrate(const Napi::CallbackInfo& info);

// integrateRows(request): the integrator with error control (rows.cc).
Napi::Value integrate_rows(const Napi::CallbackInfo& info);

}  // namespace flow_test
