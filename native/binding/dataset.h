// Dataset as JavaScript sees it: rows in by chunks, then moments, normalise, hash, read.
#pragma once
#include "binding/handle.h"
#include "train/dataset.h"

namespace flow::binding {

struct DatasetState {
  explicit DatasetState(int32_t columns) : data(columns) {}
  Dataset data;
  int pending = 0;  // jobs on it that have not settled; JavaScript thread only
  int writers = 0;  // those of them that change it
};

class DatasetHandle : public Handle<DatasetHandle, DatasetState> {
 public:
  static constexpr const char* kName = "Dataset";
  static constexpr napi_type_tag kTag = {0x8d1c62f04b7e9a35, 0x1f6b3a92c05d7e48};
  static Napi::Function define(Napi::Env env);
  explicit DatasetHandle(const Napi::CallbackInfo& info);

  // The dataset behind a value of this environment, alive and not being changed; null where `nullable` and the value is null.
  static std::shared_ptr<Dataset> unwrap(const Napi::Value& value, const std::string& path, bool nullable);

 private:
  Napi::Value columns(const Napi::CallbackInfo& info);
  Napi::Value rows(const Napi::CallbackInfo& info);
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value moments(const Napi::CallbackInfo& info);
  Napi::Value normalise(const Napi::CallbackInfo& info);
  Napi::Value hash(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);

  std::unique_ptr<Job> job(const char* name, bool writes);
};

}  // namespace flow::binding
