// A SampleRequest read into a plain record (with its memory), run, and turned into a SampleResult.
#pragma once
#include "binding/args.h"
#include "network/network.h"
#include "solver/integrate.h"

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
  void read_adaptive(Napi::Env env, const Napi::Value& value);

  std::vector<float> initial_, condition_, null_condition_, shift_, scale_;
  std::vector<double> a_, b_, c_, grid_, frame_, noise_, error_, dense_, closing_, frame_table_;
  std::vector<int32_t> save_;
  SampleOptions options_;
  SampleReport report_;
  AdaptiveOptions adaptive_;
  Output<float> x_;  // (saves, n, d)
  Output<int32_t> row_nfe_;
  Output<uint8_t> row_status_;
};

}  // namespace flow::binding
