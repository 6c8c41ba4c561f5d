// Arguments in: every value is checked, and what lies in a typed array is copied (byte offsets and the present length respected), because
// JavaScript may transfer, resize, drop or race its buffers during a job. Results out: fresh ArrayBuffers that no one has seen yet.
#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

#include "binding/errors.h"
#include "network/narrow.h"

namespace flow::binding {

constexpr int64_t kMaxElements = int64_t{1} << 31;
constexpr int64_t kMostExact = int64_t{1} << 53;  // the limit of counts that have no other: above it not every integer is a JavaScript number
constexpr int64_t kMostThreadsAsked = 1024;       // as lib/ promises; the pool takes what is above its own limit for that limit

// "a Float32Array of 12", "null", "1.5" ...: never runs JavaScript.
std::string show(const Napi::Value& value);
[[noreturn]] void reject(const char* code, const std::string& path, const std::string& expected, const Napi::Value& received, const char* hint = "");

int64_t integer(const Napi::Value& value, const std::string& path, int64_t least, int64_t most);
double finite(const Napi::Value& value, const std::string& path, double least, double most);
bool boolean(const Napi::Value& value, const std::string& path);
uint64_t seed(const Napi::Value& value, const std::string& path);
Precision precision(const Napi::Value& value, const std::string& path);  // absent = f32

// A copy of a typed array of exactly this element type.
std::vector<float> floats(const Napi::Value& value, const std::string& path);
std::vector<double> doubles(const Napi::Value& value, const std::string& path);
std::vector<int32_t> integers(const Napi::Value& value, const std::string& path);
std::vector<uint32_t> indices(const Napi::Value& value, const std::string& path);
inline bool absent(const Napi::Value& value) { return value.IsNull() || value.IsUndefined(); }

// Throws ERR_FLOW_SHAPE unless the length is `wanted`.
void require_length(size_t length, int64_t wanted, const std::string& path, const char* shape);
// a * b * c, or ERR_FLOW_LIMIT above kMaxElements: asked before anything is allocated.
int64_t elements(const char* path, int64_t a, int64_t b, int64_t c = 1);

// The properties of a request, each read once.
class Fields {
 public:
  Fields(const Napi::Value& value, const char* path);
  Napi::Value get(const char* name) const { return object_.Get(name); }
  std::string path(const char* name) const { return path_ + "." + name; }
  int64_t integer(const char* name, int64_t least, int64_t most) const { return binding::integer(get(name), path(name), least, most); }
  double finite(const char* name, double least = -1.7976931348623157e308, double most = 1.7976931348623157e308) const {
    return binding::finite(get(name), path(name), least, most);
  }
  bool boolean(const char* name) const { return binding::boolean(get(name), path(name)); }
  uint64_t seed(const char* name) const { return binding::seed(get(name), path(name)); }
  Precision precision(const char* name) const { return binding::precision(get(name), path(name)); }
  std::vector<float> floats(const char* name) const { return binding::floats(get(name), path(name)); }
  std::vector<float> optional_floats(const char* name) const {  // absent = empty
    const Napi::Value value = get(name);
    return absent(value) ? std::vector<float>() : binding::floats(value, path(name));
  }
  std::vector<double> doubles(const char* name) const { return binding::doubles(get(name), path(name)); }
  std::vector<int32_t> integers(const char* name) const { return binding::integers(get(name), path(name)); }
  std::vector<uint32_t> indices(const char* name) const { return binding::indices(get(name), path(name)); }

 private:
  Napi::Object object_;
  std::string path_;
};

// A fresh array for a result. Throws ERR_FLOW_LIMIT or ERR_FLOW_NOMEM.
template <class T>
struct Output {
  Output() = default;
  Output(Napi::Env env, int64_t count, const char* path);
  Napi::Value value() const { return array.Value(); }
  Napi::ObjectReference array;  // kept alive until the job has been settled
  T* data = nullptr;
  int64_t count = 0;
};
extern template struct Output<float>;
extern template struct Output<double>;
extern template struct Output<int32_t>;
extern template struct Output<uint8_t>;

}  // namespace flow::binding
