// A DensityRequest (a SampleRequest that saves nothing, with probes and a constant), run, and turned into a DensityResult.
#pragma once
#include "binding/sample.h"
#include "solver/density.h"

namespace flow::binding {

class DensityTask {
 public:
  DensityTask(Napi::Env env, std::shared_ptr<const Network> network, const Napi::Value& request);
  void run(const StopFlag* stop);
  Napi::Value result(Napi::Env env) const;

 private:
  std::shared_ptr<const Network> network_;
  SampleTask solve_;
  int64_t probes_;
  std::vector<int32_t> columns_;
  double constant_, weight_ = 0;
  SampleReport report_;
  Output<double> log_density_, standard_error_;  // (n)
};

}  // namespace flow::binding
