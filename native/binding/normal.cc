#include "binding/normal.h"

#include "binding/args.h"
#include "rng/streams.h"

namespace flow::binding {

Napi::Value normal(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "normal", [&] {
    const uint64_t key = seed(info[0], "seed");
    const int64_t rows = integer(info[2], "rows", 0, kMaxElements);
    const int64_t first = integer(info[1], "firstRow", 0, kMostExact - rows);
    const auto columns = static_cast<int32_t>(integer(info[3], "columns", 1, 1 << 20));
    const Output<float> out(info.Env(), elements("normal", rows, columns), "normal");
    if (absent(info[4])) {
      sample_noise(key, first, rows, columns, out.data);
    } else {
      diffusion_noise(key, integer(info[4], "step", 0, (int64_t{1} << 24) - 1), first, rows, columns, out.data);
    }
    return out.value();
  });
}

}  // namespace flow::binding
