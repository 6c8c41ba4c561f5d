// Minibatch optimal transport for vitest: the coupling of given rows on a given ISA.
#include <napi.h>

#include "bench.h"
#include "checks.h"
#include "ot/coupling.h"

namespace flow_test {

// couple(isa, x0, x1, rows, dimension, condition (rows, c) or null, labels, threads, repeats = 1) -> pairs
Napi::Value couple(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  const flow::Kernels* kernels = table_named(name);
  if (!kernels) throw Napi::RangeError::New(env, "no kernels called " + name + " here");
  const Napi::Float32Array x0 = info[1].As<Napi::Float32Array>(), x1 = info[2].As<Napi::Float32Array>();
  const int32_t rows = info[3].As<Napi::Number>(), dimension = info[4].As<Napi::Number>(), labels = info[6].As<Napi::Number>();
  const bool conditional = !info[5].IsNull();
  const Napi::Float32Array condition = conditional ? info[5].As<Napi::Float32Array>() : Napi::Float32Array();
  const int32_t width = conditional ? static_cast<int32_t>(condition.ElementLength()) / rows : 0;
  if (x0.ElementLength() != x1.ElementLength() || static_cast<int32_t>(x0.ElementLength()) != rows * dimension || labels > width)
    throw Napi::RangeError::New(env, "shapes");
  flow::Coupling coupling;
  if (!coupling.init(rows, dimension, width - labels, labels).ok()) throw Napi::Error::New(env, "out of memory");
  Napi::Int32Array pairs = Napi::Int32Array::New(env, static_cast<size_t>(rows));
  const int32_t repeats = info[8].IsNumber() ? info[8].As<Napi::Number>().Int32Value() : 1;
  for (int32_t i = 0; i < repeats; ++i)
    coupling.pair(*kernels, rows, x0.Data(), x1.Data(), conditional ? condition.Data() : nullptr, info[7].As<Napi::Number>(), nullptr, pairs.Data());
  return pairs;
}

}  // namespace flow_test
