// The kernel table for vitest: sweeps, single answers and speed per ISA; and the integrator over fields with closed forms.
// Built beside the addon, never shipped.
#include <napi.h>

#include "bench.h"
#include "amx_emulator.h"
#include "checks.h"
#include "checks_narrow.h"
#include "core/cpu.h"
#include "kernels/kernels.h"
#include "kernels/philox.h"
#include "solver.h"

namespace flow_test {
Napi::Value couple(const Napi::CallbackInfo& info);  // couple.cc
Napi::Value entropic_plan(const Napi::CallbackInfo& info);
namespace {

const flow::Kernels& table(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>();
  const flow::Kernels* kernels = table_named(name);
  if (!kernels) throw Napi::RangeError::New(info.Env(), "no kernels called " + name + " here");
  return *kernels;
}

Napi::Value available(const Napi::CallbackInfo& info) {
  const char* names[8];
  const int32_t n = flow::available_isas(names);
  Napi::Array list = Napi::Array::New(info.Env());
  for (int32_t i = 0; i < n; i++) list[static_cast<uint32_t>(i)] = Napi::String::New(info.Env(), names[i]);
  return list;
}

Napi::Value chosen(const Napi::CallbackInfo& info) {
  Napi::Object o = Napi::Object::New(info.Env());
  o["isa"] = flow::kernels().isa;
  if (const char* error = flow::kernels_error()) o["error"] = error;
  return o;
}

// check(isa, family, seed) -> {cases, failures, worst, first}
Napi::Value check(const Napi::CallbackInfo& info) {
  const flow::Kernels& kernels = table(info);
  const std::string family = info[1].As<Napi::String>(), isa = info[0].As<Napi::String>();
  const Subject subject{kernels, isa != "baseline" && isa != "wrong-sum", static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value())};
  const struct {
    const char* name;
    Verdict (*run)(const Subject&);
  } families[] = {{"dense", check_dense},      {"weight_grad", check_weight_grad}, {"pack", check_pack},       {"elementwise", check_elementwise},
                  {"reduce", check_reduce},    {"layer_norm", check_layer_norm},   {"adam", check_adam},       {"random", check_random},
                  {"special", check_special},  {"assign", check_assign},           {"tangent", check_tangent}, {"steps", check_steps},
                  {"entropic", check_entropic}};
  for (const auto& f : families) {
    if (family != f.name) continue;
    const Verdict v = f.run(subject);
    Napi::Object o = Napi::Object::New(info.Env());
    o["cases"] = static_cast<double>(v.cases);
    o["failures"] = static_cast<double>(v.failures);
    o["worst"] = v.worst;
    o["first"] = v.first;
    return o;
  }
  throw Napi::RangeError::New(info.Env(), "no family called " + family);
}

// narrowAvailable() -> [isa, name] of every set of bfloat16 kernels that can run here, AMX emulated where the CPU lacks it
Napi::Value narrow_available(const Napi::CallbackInfo& info) {
  const char* names[8];
  const int32_t n = flow::available_isas(names);
  Napi::Array list = Napi::Array::New(info.Env());
  for (int32_t i = 0; i < n; i++)
    for (const char* name : {"amx", "avx512bf16", "fallback"}) {
      if (narrow_table(names[i], name) == nullptr) continue;
      Napi::Array pair = Napi::Array::New(info.Env());
      pair[0u] = names[i];
      pair[1u] = name;
      list[list.Length()] = pair;
    }
  return list;
}

// checkNarrow(isa, name, family, seed) -> {cases, failures, worst, first}
Napi::Value check_narrow_family(const Napi::CallbackInfo& info) {
  const std::string isa = info[0].As<Napi::String>(), name = info[1].As<Napi::String>(), family = info[2].As<Napi::String>();
  const flow::NarrowKernels* kernels = narrow_table(isa, name);
  if (!kernels) throw Napi::RangeError::New(info.Env(), "no bfloat16 kernels called " + name + " here");
  const Verdict v = check_narrow({*kernels, name == "amx", static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value())}, family);
  Napi::Object o = Napi::Object::New(info.Env());
  o["cases"] = static_cast<double>(v.cases);
  o["failures"] = static_cast<double>(v.failures);
  o["worst"] = v.worst;
  o["first"] = v.first;
  return o;
}

// amxCounts() -> instructions emulated so far: [ldtilecfg, tilerelease, tilezero, tileloadd, tilestored, tdpbf16ps]
Napi::Value amx_counts(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (int i = 0; i < kAmxOperations; i++) list[static_cast<uint32_t>(i)] = static_cast<double>(amx_count(static_cast<AmxOperation>(i)));
  return list;
}

// checkEmulator() -> the emulator's first mistake in words; null where the tiles are real or there are none
Napi::Value check_emulator_here(const Napi::CallbackInfo& info) {
  if (flow::amx_granted() || narrow_table("avx512", "amx") == nullptr) return info.Env().Null();
  return Napi::String::New(info.Env(), check_emulator());
}

// ulp(isa, activation 1 .. 6 or 7 for sincos, stride of the bit pattern) -> {worst, at, slope}
Napi::Value ulp(const Napi::CallbackInfo& info) {
  const flow::Kernels& kernels = table(info);
  const int what = info[1].As<Napi::Number>();
  const uint32_t stride = info[2].As<Napi::Number>();
  const Ulp u = what == 7 ? sweep_sincos(kernels, stride) : sweep_activation(kernels, static_cast<flow::Activation>(what), stride);
  Napi::Object o = Napi::Object::New(info.Env());
  o["worst"] = u.worst;
  o["at"] = u.at;
  o["slope"] = u.slope_worst;
  return o;
}

// draw(isa, seed words (2), stream, first row, rows, columns, normal) -> Float32Array
Napi::Value draw(const Napi::CallbackInfo& info) {
  const flow::Kernels& kernels = table(info);
  const Napi::Uint32Array key = info[1].As<Napi::Uint32Array>();
  bool lossless = true;
  const uint64_t first = info[3].As<Napi::BigInt>().Uint64Value(&lossless);
  const int32_t rows = info[4].As<Napi::Number>(), columns = info[5].As<Napi::Number>();
  Napi::Float32Array out = Napi::Float32Array::New(info.Env(), static_cast<size_t>(rows) * static_cast<size_t>(columns));
  const auto run = info[6].As<Napi::Boolean>() ? kernels.random_normal : kernels.random_uniform;
  run({key[0], key[1]}, info[2].As<Napi::Number>().Uint32Value(), first, rows, columns, out.Data(), columns);
  return out;
}

// philox(counter words (4), key words (2)) -> words (4)
Napi::Value philox_words(const Napi::CallbackInfo& info) {
  const Napi::Uint32Array counter = info[0].As<Napi::Uint32Array>(), key = info[1].As<Napi::Uint32Array>();
  Napi::Uint32Array out = Napi::Uint32Array::New(info.Env(), 4);
  flow::philox(counter.Data(), key[0], key[1], out.Data());
  return out;
}

// features(record of register values) -> {v2, avx2, avx512, avx512bf16, amx}
Napi::Value features(const Napi::CallbackInfo& info) {
  const Napi::Object r = info[0].As<Napi::Object>();
  auto word = [&](const char* name) { return r.Get(name).As<Napi::Number>().Uint32Value(); };
  const flow::CpuFeatures f = flow::features_of({word("maxLeaf"), word("leaf1Ecx"), word("leaf1Edx"), word("leaf7Ebx"), word("maxExtendedLeaf"),
                                                 word("extended1Ecx"), word("xcr0"), word("leaf7Edx"), word("leaf71Eax")});
  Napi::Object o = Napi::Object::New(info.Env());
  o["v2"] = f.v2;
  o["avx2"] = f.avx2;
  o["avx512"] = f.avx512;
  o["avx512bf16"] = f.avx512bf16;
  o["amx"] = f.amx;
  return o;
}

// peak(isa, milliseconds, threads = 1) -> f32 fma GFLOP/s of one core, or of several at once, now
Napi::Value peak(const Napi::CallbackInfo& info) {
  table(info);
  const int threads = info[2].IsNumber() ? info[2].As<Napi::Number>().Int32Value() : 1;
  return Napi::Number::New(info.Env(), peak_gflops(info[0].As<Napi::String>(), info[1].As<Napi::Number>(), threads));
}
// limits(isa, "read", "write" or "copy", bytes, milliseconds) -> GB/s of one core
Napi::Value limits(const Napi::CallbackInfo& info) {
  table(info);
  return Napi::Number::New(info.Env(),
                           bandwidth(info[0].As<Napi::String>(), info[1].As<Napi::String>(), info[2].As<Napi::Number>(), info[3].As<Napi::Number>()));
}
// batch(d, rows of the batch, rows of the data, milliseconds) -> seconds to draw and join one batch
Napi::Value batch(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           batch_seconds(info[0].As<Napi::Number>(), info[1].As<Napi::Number>(), info[2].As<Napi::Number>(), info[3].As<Napi::Number>()));
}
// control() -> the control bits of this thread's floating-point unit (MXCSR or FPCR), without the status flags
Napi::Value control(const Napi::CallbackInfo& info) {
#if defined(__x86_64__)
  return Napi::Number::New(info.Env(), __builtin_ia32_stmxcsr() & ~0x3fu);
#elif defined(__aarch64__)
  uint64_t word = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return Napi::Number::New(info.Env(), static_cast<double>(word));
#else
  return Napi::Number::New(info.Env(), 0);
#endif
}
// speed(isa, kernel, rows, in, out, milliseconds) -> GFLOP/s, or Gelement/s for elementwise kernels
Napi::Value speed(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), kernel_speed(table(info), info[1].As<Napi::String>(), info[2].As<Napi::Number>(), info[3].As<Napi::Number>(),
                                                    info[4].As<Napi::Number>(), info[5].As<Napi::Number>()));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  const struct {
    const char* name;
    Napi::Value (*call)(const Napi::CallbackInfo&);
  } entries[] = {{"available", available},
                 {"chosen", chosen},
                 {"check", check},
                 {"ulp", ulp},
                 {"draw", draw},
                 {"philox", philox_words},
                 {"features", features},
                 {"peak", peak},
                 {"speed", speed},
                 {"control", control},
                 {"narrowAvailable", narrow_available},
                 {"checkNarrow", check_narrow_family},
                 {"amxCounts", amx_counts},
                 {"checkEmulator", check_emulator_here},
                 {"integrate", integrate},
                 {"couple", couple},
                 {"entropicPlan", entropic_plan},
                 {"limits", limits},
                 {"batch", batch},
                 {"integrateRows", integrate_rows}};
  for (const auto& e : entries) exports[e.name] = Napi::Function::New(env, e.call, e.name);
  return exports;
}
NODE_API_MODULE(flowmatch_test, init)

}  // namespace
}  // namespace flow_test
