#include "binding/sha256.h"

#include "binding/args.h"
#include "core/sha256.h"

namespace flow::binding {

constexpr size_t kMostBytes = size_t{1} << 20;

Napi::Value sha256(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "sha256", [&]() -> Napi::Value {
    napi_typedarray_type type = napi_int8_array;
    size_t length = 0;
    void* data = nullptr;
    const bool is_array = info[0].IsTypedArray() && napi_get_typedarray_info(info.Env(), info[0], &type, &length, &data, nullptr, nullptr) == napi_ok;
    if (!is_array || type != napi_uint8_array) reject("ERR_FLOW_TYPE", "bytes", "a Uint8Array", info[0]);
    if (length > kMostBytes) reject("ERR_FLOW_LIMIT", "bytes", "at most 2^20 bytes", info[0]);
    Sha256 hash;
    hash.update(data, static_cast<int64_t>(length));
    uint8_t digest[32];
    char text[65];
    hash.finish(digest);
    hex_digest(digest, text);
    return Napi::String::New(info.Env(), text);
  });
}

}  // namespace flow::binding
