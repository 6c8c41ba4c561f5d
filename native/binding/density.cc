#include "binding/density.h"

namespace flow::binding {

constexpr int64_t kMostProbes = int64_t{1} << 24;

DensityTask::DensityTask(Napi::Env env, std::shared_ptr<const Network> network, const Napi::Value& request)
    : network_(std::move(network)), solve_(env, network_, request) {
  const Fields fields(request, "request");
  const SampleOptions& o = solve_.options();
  probes_ = fields.integer("probes", 0, kMostProbes);
  if (const Napi::Value columns = fields.get("columns"); !absent(columns)) {
    columns_ = integers(columns, "request.columns");
    if (columns_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.columns", "at least one column", "none", ""};
  }
  constant_ = fields.finite("constant");
  if (o.adaptive != nullptr) weight_ = fields.finite("weight", 0);
  if (o.saves != 0) throw Failure{"ERR_FLOW_SHAPE", "request.save", "no frames", std::to_string(o.saves), ""};
  if (o.n > 0 && o.initial == nullptr) throw Failure{"ERR_FLOW_SHAPE", "request.initial", "the rows to score", "none", ""};
  log_density_ = Output<double>(env, o.n, "logDensity");
  standard_error_ = Output<double>(env, o.n, "logDensity");
}

void DensityTask::run(const StopFlag* stop) {
  DensityOptions options;
  options.solve = solve_.options();
  options.probes = probes_;
  options.columns = columns_.empty() ? nullptr : columns_.data();
  options.column_count = static_cast<int32_t>(columns_.size());
  options.constant = constant_;
  options.weight = weight_;
  check(flow::log_density(*network_, options, stop, log_density_.data, standard_error_.data, &report_), "logDensity");
}

Napi::Value DensityTask::result(Napi::Env env) const {
  Napi::Object record = Napi::Object::New(env);
  record.Set("logDensity", log_density_.value());
  record.Set("standardError", standard_error_.value());
  record.Set("rowNfe", solve_.row_nfe(env));
  record.Set("rowStatus", solve_.row_status(env));
  record.Set("nfe", static_cast<double>(report_.nfe));
  record.Set("nonfiniteRow", static_cast<double>(report_.nonfinite_row));
  record.Set("status", report_.stopped ? "stopped" : "done");
  return record;
}

}  // namespace flow::binding
