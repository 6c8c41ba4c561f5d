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

 private:
  std::shared_ptr<const Network> network_;
  std::vector<float> initial_, condition_, null_condition_, shift_, scale_;
  std::vector<double> a_, b_, c_, grid_, frame_, noise_;
  std::vector<int32_t> save_;
  SampleOptions options_;
  SampleReport report_;
  Output<float> x_;  // (saves, n, d)
};

}  // namespace flow::binding
