#include "binding/trainer_request.h"

#include <cmath>

#include "binding/dataset.h"
#include "binding/floats.h"

namespace flow::binding {

namespace {

constexpr int64_t kMaxBatch = int64_t{1} << 24;

std::string text(const Fields& fields, const char* name) {
  const Napi::Value value = fields.get(name);
  if (!value.IsString()) reject("ERR_FLOW_TYPE", fields.path(name), "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

void require_rows(const std::vector<uint32_t>& rows, int64_t available, const char* path) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<int64_t>(rows[i]) >= available) {
      throw Failure{"ERR_FLOW_RANGE", std::string(path) + "[" + std::to_string(i) + "]", "a row below " + std::to_string(available), std::to_string(rows[i]),
                    ""};
    }
  }
}

Strength strength(const Fields& fields, const char* name) {
  const Napi::Value value = fields.get(name);
  const Fields of(value, fields.path(name).c_str());
  const Strength s{of.finite("value", 0), of.boolean("absolute")};
  if (!(s.value > 0)) reject("ERR_FLOW_RANGE", of.path("value"), "a number above 0", of.get("value"));
  return s;
}

PlanOptions read_plan(const Fields& plan) {
  PlanOptions o;
  const std::string kind = text(plan, "kind");
  if (kind == "partial") {
    o.kind = PlanKind::kPartial;
    o.mass = plan.finite("mass", 0, 1);
    if (!(o.mass > 0)) reject("ERR_FLOW_RANGE", plan.path("mass"), "a share above 0", plan.get("mass"));
  } else if (kind == "entropic") {
    o.kind = PlanKind::kEntropic;
    o.regularisation = strength(plan, "regularisation");
    if (!absent(plan.get("marginal"))) o.marginal = strength(plan, "marginal");
    o.permutation = plan.boolean("permutation");
    o.iterations = static_cast<int32_t>(plan.integer("iterations", 1, 1 << 24));
    o.tolerance = plan.finite("tolerance", 0);
    if (o.permutation && o.marginal.value > 0) reject("ERR_FLOW_CONFIG", plan.path("permutation"), "false with a marginal", plan.get("permutation"));
  } else {
    throw Failure{"ERR_FLOW_CONFIG", plan.path("kind"), "entropic or partial", kind.substr(0, 40), ""};
  }
  return o;
}

}  // namespace

TrainerRequest::TrainerRequest(const Napi::Value& value) {
  const Fields fields(value, "request");
  TrainerOptions& o = options;
  program_ = fields.integers("program");
  constants_ = fields.floats("constants");
  parameters_ = FloatsHandle::take(fields.get("parameters"), fields.path("parameters"));
  train_ = fields.indices("trainRows");
  validation_ = fields.indices("validationRows");
  read_path(fields);
  read_times(fields);
  read_objective(fields);
  read_coupling(fields);
  read_drop(fields);
  read_span(fields);
  o.source_paired = fields.boolean("sourcePaired");
  o.batch_size = fields.integer("batchSize", 1, kMaxBatch);
  o.steps = absent(fields.get("steps")) ? 0 : fields.integer("steps", 1, kMostExact);
  o.seed = fields.seed("seed");
  o.replacement = fields.boolean("replacement");
  o.beta1 = fields.finite("beta1", 0, 1);
  o.beta2 = fields.finite("beta2", 0, 1);
  o.epsilon = fields.finite("epsilon", 0);
  o.weight_decay = fields.finite("weightDecay", 0);
  o.ema_decay = fields.finite("emaDecay", 0, 1);
  o.ema_warmup = fields.boolean("emaWarmup");
  o.clip = fields.finite("clip", 0);
  o.threads = static_cast<int32_t>(fields.integer("threads", 0, kMostThreadsAsked));
  o.precision = fields.precision("precision");
  if (o.precision != Precision::kF32 && o.precision != Precision::kBf16) reject("ERR_FLOW_CONFIG", "request.precision", "f32 or bf16", fields.get("precision"));

  // The datasets come last: no getter of the request runs between their checks and their use.
  const Napi::Value data = fields.get("data"), source = fields.get("source"), condition = fields.get("condition");
  o.data = DatasetHandle::unwrap(data, "request.data", false);
  o.source = DatasetHandle::unwrap(source, "request.source", true);
  o.condition = DatasetHandle::unwrap(condition, "request.condition", true);
  const int64_t rows = o.data->rows();
  if (train_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.trainRows", "at least one row", "none", ""};
  require_rows(train_, rows, "request.trainRows");
  require_rows(validation_, rows, "request.validationRows");
  if (o.source && o.source->columns() != o.data->columns()) {
    throw Failure{"ERR_FLOW_SHAPE", "request.source", std::to_string(o.data->columns()) + " columns", std::to_string(o.source->columns()), ""};
  }
  if (o.source && (o.source->rows() < 1 || (o.source_paired && o.source->rows() != rows))) {
    throw Failure{"ERR_FLOW_SHAPE", "request.source", o.source_paired ? std::to_string(rows) + " rows" : "at least one row", std::to_string(o.source->rows()),
                  ""};
  }
  if (o.condition && o.condition->rows() != rows) {
    throw Failure{"ERR_FLOW_SHAPE", "request.condition", std::to_string(rows) + " rows", std::to_string(o.condition->rows()), ""};
  }
  if (o.drop.probability > 0) require_length(drop_.size(), o.condition ? o.condition->columns() : 0, "request.dropCondition.row", "(condition width)");
  elements("request.batchSize", o.batch_size, o.data->columns());
  o.program = program_.data();
  o.program_words = static_cast<int64_t>(program_.size());
  o.constants = constants_.data();
  o.constant_count = static_cast<int64_t>(constants_.size());
  o.parameters = parameters_.data();
  o.parameter_count = static_cast<int64_t>(parameters_.size());
  o.train_rows = train_.data();
  o.train_count = static_cast<int64_t>(train_.size());
  o.validation_rows = validation_.data();
  o.validation_count = static_cast<int64_t>(validation_.size());
}

void TrainerRequest::read_path(const Fields& fields) {
  const Fields path(fields.get("path"), "request.path");
  const std::string kind = text(path, "kind");
  PathOptions& o = options.path;
  o.table = kind == "table";
  if (kind == "condOT") {
    o.sigma_min = path.finite("sigmaMin", 0, 1);
  } else if (o.table) {
    o.t_min = path.finite("tMin");
    o.t_max = path.finite("tMax");
    if (!(o.t_min < o.t_max)) reject("ERR_FLOW_RANGE", "request.path.tMax", "a time after tMin", path.get("tMax"));
    nodes_ = path.doubles("nodes");
    o.node_count = static_cast<int64_t>(nodes_.size() / 12);
    if (nodes_.size() % 12 != 0 || o.node_count < 2)
      throw Failure{"ERR_FLOW_SHAPE", "request.path.nodes", "(n, 12) values, n >= 2", std::to_string(nodes_.size()), ""};
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!std::isfinite(nodes_[i]))
        throw Failure{"ERR_FLOW_NONFINITE", "request.path.nodes[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
    }
    o.nodes = nodes_.data();
  } else {
    throw Failure{"ERR_FLOW_CONFIG", "request.path.kind", "condOT or table", kind.substr(0, 40), ""};
  }
}

void TrainerRequest::read_times(const Fields& fields) {
  const Fields times(fields.get("times"), "request.times");
  TimeOptions& o = options.times;
  o.stratified = times.boolean("stratified");
  o.t_min = times.finite("tMin");
  o.t_max = times.finite("tMax");
  if (!(o.t_min <= o.t_max)) reject("ERR_FLOW_RANGE", "request.times.tMax", "a time not before tMin", times.get("tMax"));
  if (const Napi::Value quantiles = times.get("quantiles"); !absent(quantiles)) {
    quantiles_ = doubles(quantiles, "request.times.quantiles");
    if (quantiles_.size() < 2) throw Failure{"ERR_FLOW_SHAPE", "request.times.quantiles", "at least two values", std::to_string(quantiles_.size()), ""};
    for (size_t i = 0; i < quantiles_.size(); ++i) {
      if (!std::isfinite(quantiles_[i])) {
        throw Failure{"ERR_FLOW_NONFINITE", "request.times.quantiles[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
      }
    }
    o.quantiles = quantiles_.data();
    o.quantile_count = static_cast<int64_t>(quantiles_.size());
  }
}

void TrainerRequest::read_objective(const Fields& fields) {
  const Napi::Value value = fields.get("objective");
  if (absent(value)) return;
  const Fields objective(value, "request.objective");
  const auto one_of = [&](const char* name, const char* a, const char* b, const char* c) {
    const std::string word = text(objective, name);
    if (word != a && word != b && word != c) {
      throw Failure{"ERR_FLOW_CONFIG", objective.path(name), std::string(a) + ", " + b + " or " + c, word.substr(0, 40), ""};
    }
    return word == a ? 0 : word == b ? 1 : 2;
  };
  ObjectiveOptions& o = options.objective;
  o.target = static_cast<Target>(one_of("target", "velocity", "x1", "noise"));
  if (const Napi::Value score = objective.get("score"); !absent(score)) {
    o.target = Target::kScoreAndFlow;
    const Fields head(score, "request.objective.score");
    o.sigma = head.finite("sigma", 0);
    o.varies = !absent(head.get("varies")) && head.boolean("varies");
  }
  o.loss = static_cast<LossKind>(one_of("loss", "mse", "pseudoHuber", "adaptive"));
  o.c = objective.finite("c", 0);
  o.power = objective.finite("power", 0);
  o.importance = objective.boolean("importance");
  if (const Napi::Value weights = objective.get("weights"); !absent(weights)) {
    weights_ = doubles(weights, "request.objective.weights");
    if (weights_.size() < 2) throw Failure{"ERR_FLOW_SHAPE", "request.objective.weights", "at least two values", std::to_string(weights_.size()), ""};
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (!std::isfinite(weights_[i]) || weights_[i] < 0) {
        throw Failure{"ERR_FLOW_RANGE", "request.objective.weights[" + std::to_string(i) + "]", "finite values >= 0", std::to_string(weights_[i]), ""};
      }
    }
    o.weights = weights_.data();
    o.weight_count = static_cast<int64_t>(weights_.size());
  }
}

void TrainerRequest::read_coupling(const Fields& fields) {
  const Napi::Value value = fields.get("coupling");
  if (absent(value)) return;
  const Fields coupling(value, "request.coupling");
  if (text(coupling, "kind") != "ot") reject("ERR_FLOW_CONFIG", "request.coupling.kind", "ot", coupling.get("kind"));
  options.coupling = {true, coupling.boolean("condition"), static_cast<int32_t>(coupling.integer("labels", 0, 1 << 20)), 0, {}};
  if (!absent(coupling.get("batch"))) options.coupling.batch = coupling.integer("batch", 1, int64_t{1} << 24);
  if (const Napi::Value plan = coupling.get("plan"); !absent(plan)) options.coupling.plan = read_plan(Fields(plan, "request.coupling.plan"));
}

void TrainerRequest::read_drop(const Fields& fields) {
  const Napi::Value value = fields.get("dropCondition");
  if (absent(value)) return;
  const Fields drop(value, "request.dropCondition");
  drop_ = drop.floats("row");
  for (size_t i = 0; i < drop_.size(); ++i) {
    if (!std::isfinite(drop_[i]))
      throw Failure{"ERR_FLOW_NONFINITE", "request.dropCondition.row[" + std::to_string(i) + "]", "finite values", "NaN or infinity", ""};
  }
  options.drop = {drop.finite("probability", 0, 1), drop_.data()};
  if (options.drop.probability == 1) reject("ERR_FLOW_RANGE", "request.dropCondition.probability", "a number below 1", drop.get("probability"));
}

void TrainerRequest::read_span(const Fields& fields) {
  const Napi::Value value = fields.get("span");
  if (absent(value)) return;
  const Fields span(value, "request.span");
  SpanOptions& o = options.span;
  o.instant = span.finite("instant", 0, 1);
  if (!absent(span.get("mostSteps"))) {
    o.most_steps = static_cast<int32_t>(span.integer("mostSteps", 1, 1024));
    if ((o.most_steps & (o.most_steps - 1)) != 0) reject("ERR_FLOW_RANGE", "request.span.mostSteps", "a power of two", span.get("mostSteps"));
    o.limit = span.finite("limit", 0);
    o.ema = span.boolean("ema");
    return;
  }
  span_program_ = span.integers("program");
  span_constants_ = span.floats("constants");
  if (span_program_.empty()) throw Failure{"ERR_FLOW_SHAPE", "request.span.program", "the words of a program", "none", ""};
  o.program = span_program_.data();
  o.program_words = static_cast<int64_t>(span_program_.size());
  o.constants = span_constants_.data();
  o.constant_count = static_cast<int64_t>(span_constants_.size());
}

}  // namespace flow::binding
