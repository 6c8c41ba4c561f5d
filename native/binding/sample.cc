#include "binding/sample.h"

namespace flow::binding {

SampleTask::SampleTask(Napi::Env env, std::shared_ptr<const Network> network, const Napi::Value& request)
    : network_(std::move(network)), settings_(Fields(request, "request"), *network_), options_(settings_.options) {
  const Fields fields(request, "request");
  const int64_t d = network_->dimension(), c = network_->condition_width();
  SampleOptions& o = options_;
  o.n = fields.integer("n", 0, kMaxElements);
  o.first_row = fields.integer("firstRow", 0, kMostExact - o.n);
  o.seed = fields.seed("seed");
  elements("request.n", o.n, d);

  if (const Napi::Value initial = fields.get("initial"); !absent(initial)) {
    initial_ = floats(initial, "request.initial");
    require_length(initial_.size(), o.n * d, "request.initial", "(n, dimension)");
  }
  condition_ = fields.optional_floats("condition");
  o.shared_condition = fields.boolean("sharedCondition");
  require_length(condition_.size(), elements("request.condition", o.shared_condition ? 1 : o.n, c), "request.condition",
                 o.shared_condition ? "(condition width)" : "(n, condition width)");
  o.threads = static_cast<int32_t>(fields.integer("threads", 0, kMostThreadsAsked));
  o.initial = initial_.empty() ? nullptr : initial_.data();
  o.condition = condition_.empty() ? nullptr : condition_.data();
  x_ = Output<float>(env, elements("request.n", o.n, d, o.saves), "sample");
  if (o.adaptive == nullptr) return;
  row_nfe_ = Output<int32_t>(env, o.n, "sample");
  row_status_ = Output<uint8_t>(env, o.n, "sample");
  settings_.adaptive.row_nfe = row_nfe_.data;
  settings_.adaptive.row_status = row_status_.data;
}

void SampleTask::run(const StopFlag* stop) {
  if (options_.n == 0) return;
  check(flow::sample(*network_, options_, stop, x_.data, &report_), "sample");
}

Napi::Value SampleTask::result(Napi::Env env) const {
  Napi::Object record = Napi::Object::New(env);
  record.Set("x", x_.value());
  record.Set("nfe", static_cast<double>(report_.nfe));
  record.Set("rowNfe", row_nfe(env));
  record.Set("rowStatus", row_status(env));
  record.Set("nonfiniteRow", static_cast<double>(report_.nonfinite_row));
  record.Set("status", report_.stopped ? "stopped" : "done");
  return record;
}

}  // namespace flow::binding
