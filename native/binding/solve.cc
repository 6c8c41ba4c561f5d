#include "binding/solve.h"

#include "core/subnormals.h"

namespace flow::binding {

KeptRequest::KeptRequest(std::shared_ptr<const Network> of, const Napi::Value& request)
    : network(std::move(of)), settings(Fields(request, "request"), *network) {
  if (settings.options.adaptive != nullptr)
    throw Failure{"ERR_FLOW_CONFIG", "request.adaptive", "null: a solve that is kept takes fixed steps", "an object", ""};
  check(solve.init(*network, settings.options), "prepare");
}

Napi::Function SolveHandle::define(Napi::Env env) {
  Napi::Function constructor = DefineClass(env, kName,
                                           {
                                               InstanceMethod("sampleSync", static_cast<Method>(&SolveHandle::call<&SolveHandle::sample_sync>)),
                                               InstanceMethod("dispose", static_cast<Method>(&SolveHandle::dispose)),
                                           });
  define_getter<&SolveHandle::nfe>(env, constructor, "nfe");
  return constructor;
}

SolveHandle::SolveHandle(const Napi::CallbackInfo& info) : Handle(info) {
  guard(info.Env(), kName, [&] {
    std::shared_ptr<KeptRequest> kept = built();
    if (!kept) throw Failure{"ERR_FLOW_STATE", kName, "it is made by Network.prepare()", "", ""};
    told_ = kept->bytes();
    adopt(info.Env(), std::move(kept), told_);
  });
}

Napi::Value SolveHandle::make(Napi::Env env, std::shared_ptr<KeptRequest> kept) {
  Environment& environment = Environment::of(env);
  environment.built = std::move(kept);
  return environment.solve.New({});
}

Napi::Value SolveHandle::nfe(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(state_->solve.nfe())); }

Napi::Value SolveHandle::sample_sync(const Napi::CallbackInfo& info) {
  KeptRequest& kept = *state_;
  const int64_t d = kept.network->dimension(), c = kept.network->condition_width();
  FewRows rows;
  rows.n = integer(info[0], "n", 0, kFewRows);
  rows.first_row = integer(info[1], "firstRow", 0, kMostExact - rows.n);
  rows.seed = seed(info[2], "seed");
  std::vector<float> initial, condition;
  if (!absent(info[3])) {
    initial = floats(info[3], "initial");
    require_length(initial.size(), rows.n * d, "initial", "(n, dimension)");
    rows.initial = initial.empty() ? nullptr : initial.data();
  }
  if (!absent(info[4])) condition = floats(info[4], "condition");
  require_length(condition.size(), c, "condition", "(condition width)");
  if (c > 0) rows.condition = condition.data();
  const Output<float> x(info.Env(), elements("n", rows.n, d, kept.settings.options.saves), "sampleSync");
  int64_t nonfinite = -1;
  {
    const FlushSubnormals flush;
    check(kept.solve.run(rows, x.data, &nonfinite), "sampleSync");
  }
  if (const int64_t bytes = kept.bytes(); bytes != told_) {
    account(info.Env(), bytes - told_);
    told_ = bytes;
  }
  return nonfinite < 0 ? x.value() : Napi::Value(Napi::Number::New(info.Env(), static_cast<double>(nonfinite)));
}

}  // namespace flow::binding
