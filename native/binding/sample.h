// A SampleRequest read into a plain record (with its memory), run, and turned into a SampleResult.
#pragma once
#include "binding/solve_settings.h"

namespace flow::binding {

class SampleTask {
 public:
  SampleTask(Napi::Env env, std::shared_ptr<const Network> network, const Napi::Value& request);
  void run(const StopFlag* stop);
  Napi::Value result(Napi::Env env) const;
  const SampleOptions& options() const { return options_; }
  // Of a solve with error control, else null.
  Napi::Value row_nfe(Napi::Env env) const { return options_.adaptive == nullptr ? env.Null() : row_nfe_.value(); }
  Napi::Value row_status(Napi::Env env) const { return options_.adaptive == nullptr ? env.Null() : row_status_.value(); }

 private:
  std::shared_ptr<const Network> network_;
  SolveSettings settings_;
  std::vector<float> initial_, condition_;
  SampleOptions options_;  // those of the settings, and the rows
  SampleReport report_;
  Output<float> x_;  // (saves, n, d)
  Output<int32_t> row_nfe_;
  Output<uint8_t> row_status_;
};

}  // namespace flow::binding
