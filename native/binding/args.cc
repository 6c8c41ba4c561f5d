#include "binding/args.h"

#include <cmath>
#include <cstdio>

#include "binding/environment.h"

namespace flow::binding {

static const char* const kArrayNames[] = {"Int8Array",   "Uint8Array",   "Uint8ClampedArray", "Int16Array",    "Uint16Array",   "Int32Array",
                                          "Uint32Array", "Float32Array", "Float64Array",      "BigInt64Array", "BigUint64Array"};

std::string show(const Napi::Value& value) {
  if (value.IsTypedArray()) {
    napi_typedarray_type type;
    size_t length = 0;
    napi_get_typedarray_info(value.Env(), value, &type, &length, nullptr, nullptr, nullptr);
    const char* name = static_cast<size_t>(type) < std::size(kArrayNames) ? kArrayNames[type] : "typed array";
    return std::string("a ") + name + " of " + std::to_string(length);
  }
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number: {
      const double number = value.As<Napi::Number>().DoubleValue();
      if (std::isnan(number)) return "NaN";
      if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
      char text[32];
      std::snprintf(text, sizeof text, number == std::floor(number) && std::fabs(number) < 1e15 ? "%.0f" : "%.6g", number);
      return text;
    }
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a BigInt";
    default:
      return "an object";
  }
}

void reject(const char* code, const std::string& path, const std::string& expected, const Napi::Value& received, const char* hint) {
  throw Failure{code, path, expected, show(received), hint};
}

int64_t integer(const Napi::Value& value, const std::string& path, int64_t least, int64_t most) {
  if (!value.IsNumber()) reject("ERR_FLOW_TYPE", path, "an integer", value);
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) || number != std::floor(number)) {
    reject("ERR_FLOW_RANGE", path, "an integer in [" + std::to_string(least) + ", " + std::to_string(most) + "]", value);
  }
  return static_cast<int64_t>(number);
}

double finite(const Napi::Value& value, const std::string& path, double least, double most) {
  if (!value.IsNumber()) reject("ERR_FLOW_TYPE", path, "a number", value);
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(std::isfinite(number) && number >= least && number <= most)) {
    char text[80];
    std::snprintf(text, sizeof text, "a finite number in [%g, %g]", least, most);
    reject("ERR_FLOW_RANGE", path, text, value);
  }
  return number;
}

bool boolean(const Napi::Value& value, const std::string& path) {
  if (!value.IsBoolean()) reject("ERR_FLOW_TYPE", path, "a boolean", value);
  return value.As<Napi::Boolean>().Value();
}

Precision precision(const Napi::Value& value, const std::string& path) {
  if (absent(value)) return Precision::kF32;
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  const char* names[] = {"f32", "f32-amx", "bf16x3", "bf16"};
  for (int32_t i = 0; i < 4; ++i)
    if (name == names[i]) return static_cast<Precision>(i);
  reject("ERR_FLOW_CONFIG", path, "f32, f32-amx, bf16x3 or bf16", value);
}

uint64_t seed(const Napi::Value& value, const std::string& path) {
  if (!value.IsBigInt()) reject("ERR_FLOW_TYPE", path, "a BigInt", value);
  bool lossless = false;
  const uint64_t seed = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) reject("ERR_FLOW_RANGE", path, "a BigInt in [0, 2^64)", value);
  return seed;
}

template <class T>
static std::vector<T> copy(const Napi::Value& value, const std::string& path, napi_typedarray_type wanted) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  const bool is_array = value.IsTypedArray() && napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) == napi_ok;
  if (!is_array || type != wanted) reject("ERR_FLOW_TYPE", path, std::string("a ") + kArrayNames[wanted], value);
  if (length > static_cast<size_t>(kMaxElements)) reject("ERR_FLOW_LIMIT", path, "at most 2^31 elements", value);
  const T* const first = static_cast<const T*>(data);
  return std::vector<T>(first, first + length);
}

std::vector<float> floats(const Napi::Value& value, const std::string& path) { return copy<float>(value, path, napi_float32_array); }
std::vector<double> doubles(const Napi::Value& value, const std::string& path) { return copy<double>(value, path, napi_float64_array); }
std::vector<int32_t> integers(const Napi::Value& value, const std::string& path) { return copy<int32_t>(value, path, napi_int32_array); }
std::vector<uint32_t> indices(const Napi::Value& value, const std::string& path) { return copy<uint32_t>(value, path, napi_uint32_array); }

void require_length(size_t length, int64_t wanted, const std::string& path, const char* shape) {
  if (static_cast<int64_t>(length) == wanted) return;
  throw Failure{"ERR_FLOW_SHAPE", path, std::to_string(wanted) + " values, shape " + shape, std::to_string(length) + " values", ""};
}

int64_t elements(const char* path, int64_t a, int64_t b, int64_t c) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product) && !__builtin_mul_overflow(product, c, &product) && product <= kMaxElements) return product;
  std::string shape = std::to_string(a) + " x " + std::to_string(b);
  if (c != 1) shape += " x " + std::to_string(c);
  throw Failure{"ERR_FLOW_LIMIT", path, "at most 2^31 elements", shape, "Ask for fewer rows at a time."};
}

Fields::Fields(const Napi::Value& value, const char* path) : path_(path) {
  if (!value.IsObject()) reject("ERR_FLOW_TYPE", path, "an object", value);
  object_ = value.As<Napi::Object>();
}

template <class T>
Output<T>::Output(Napi::Env env, int64_t wanted, const char* path) : count(elements(path, wanted, 1)) {
  Napi::Value buffer;
  try {
    buffer = Environment::of(env).array_buffer.New({Napi::Number::New(env, static_cast<double>(count * static_cast<int64_t>(sizeof(T))))});
  } catch (const Napi::Error&) {
    throw out_of_memory_failure(path);
  }
  auto fresh = buffer.As<Napi::ArrayBuffer>();
  if (!buffer.IsArrayBuffer() || static_cast<int64_t>(fresh.ByteLength()) != count * static_cast<int64_t>(sizeof(T))) throw out_of_memory_failure(path);
  data = static_cast<T*>(fresh.Data());
  const auto typed = Napi::TypedArrayOf<T>::New(env, static_cast<size_t>(count), fresh, 0);
  array = Napi::Persistent(static_cast<Napi::Object>(typed));
}
template struct Output<float>;
template struct Output<double>;
template struct Output<int32_t>;
template struct Output<uint8_t>;

}  // namespace flow::binding
