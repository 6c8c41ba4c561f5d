#include "network/specialise.h"

namespace flow {

namespace {

class Rewriter {
 public:
  Rewriter(const Program& from, bool shared, Specialised& out) : from_(from), shared_(shared), out_(out) {}

  Status run(const float* packed, int64_t base, Buffer<float>* extra) {
    const int64_t most_ops = from_.ops.size() * 3, most_values = from_.values.size() + 3 * from_.ops.size();
    FLOW_TRY(ops_.allocate(most_ops));
    FLOW_TRY(bias_.allocate(most_ops));
    FLOW_TRY(values_.allocate(most_values));
    FLOW_TRY(parameters_.allocate(from_.parameters.size() + 2 * from_.ops.size()));
    int64_t listed = 0;
    for (const Op& op : from_.ops) listed += from_.inputs(op);
    FLOW_TRY(list_.allocate(2 * listed + from_.list.size()));
    FLOW_TRY(sources_.allocate(parameters_.size()));
    FLOW_TRY(pending_.allocate(from_.ops.size()));
    FLOW_TRY(uses_.allocate(from_.values.size()));
    FLOW_TRY(replaced_.allocate(from_.values.size()));
    for (int32_t& r : replaced_) r = -1;
    for (const Value& v : from_.values) values_[value_count_++] = v;
    for (const Parameter& p : from_.parameters) parameters_[parameter_count_++] = p;
    for (const Op& op : from_.ops)
      for (int32_t i = 0; i < from_.inputs(op); ++i) ++uses_[from_.input(op, i)];
    packed_count_ = base;
    for (const Op& op : from_.ops) add(op);
    FLOW_TRY(finish());
    FLOW_TRY(extra->allocate(packed_count_ - base));
    for (int64_t i = from_.parameters.size(); i < parameter_count_; ++i) fill(parameters_[i], sources_[i], packed, extra->data() - base);
    return {};
  }

 private:
  struct Origin {  // where the columns of a split weight come from
    int32_t weight = -1, concat = -1;
    bool stage = false;
  };

  bool is_stage(int32_t depends) const { return (depends & (kDependsX | kDependsSeed)) == 0 && (shared_ || (depends & kDependsCondition) == 0); }
  bool stage_value(int32_t v) const { return is_stage(values_[v].depends); }

  const Op* consumer(int32_t v) const {
    for (const Op& op : from_.ops)
      for (int32_t i = 0; i < from_.inputs(op); ++i)
        if (from_.input(op, i) == v) return &op;
    return nullptr;
  }

  // A concat with pieces of both kinds whose only reader is a dense layer.
  bool splits(const Op& op) const {
    if (op.kind != OpKind::kConcat || uses_[op.output] != 1 || op.output == from_.output) return false;
    if (consumer(op.output)->kind != OpKind::kDense) return false;
    for (const Op& other : from_.ops)
      if (other.kind == OpKind::kTangent && other.of == op.output) return false;  // its tangent is written out as one
    bool stage = false, rows = false;
    for (int32_t i = 0; i < op.count; ++i) (stage_value(from_.list[op.first + i]) ? stage : rows) = true;
    return stage && rows;
  }

  int32_t new_value(int32_t width, int32_t depends) {
    values_[value_count_] = {width, depends};
    return static_cast<int32_t>(value_count_++);
  }

  // The pieces of one kind, joined if there are several; their value.
  int32_t join(const Op& concat, bool stage) {
    Op op = concat;
    op.first = static_cast<int32_t>(listed_);
    op.count = 0;
    int32_t width = 0, depends = 0;
    for (int32_t i = 0; i < concat.count; ++i) {
      const int32_t v = from_.list[concat.first + i];
      if (stage_value(v) != stage) continue;
      list_[listed_ + op.count++] = v;
      width += values_[v].width;
      depends |= values_[v].depends;
    }
    if (op.count == 1) return list_[op.first];
    listed_ += op.count;
    op.output = new_value(width, depends);
    push(op, -1);
    return op.output;
  }

  int32_t split_weight(const Op& dense, int32_t concat, bool stage, int32_t width) {
    const Parameter& whole = from_.parameters[dense.p];
    Parameter part{Role::kWeight, 2, {whole.shape[0], width}, 0, packed_count_, round_up(whole.shape[0], kLanes) * width};
    packed_count_ += part.packed_size;
    sources_[parameter_count_] = {dense.p, concat, stage};
    parameters_[parameter_count_] = part;
    return static_cast<int32_t>(parameter_count_++);
  }

  void push(const Op& op, int32_t bias) {
    ops_[op_count_] = op;
    bias_[op_count_++] = bias;
  }

  void add(const Op& op) {
    if (splits(op)) {
      const Op& dense = *consumer(op.output);
      const int32_t concat = static_cast<int32_t>(&op - from_.ops.data());
      const int32_t rows = join(op, false), stage = join(op, true);
      Op bias = dense;
      bias.a = stage;
      bias.p = split_weight(dense, concat, true, values_[stage].width);
      bias.activation = Activation::kIdentity;
      bias.output = new_value(from_.values[dense.output].width, values_[stage].depends);
      push(bias, -1);
      Op main = dense;
      main.a = rows;
      main.p = split_weight(dense, concat, false, values_[rows].width);
      main.q = -1;
      replaced_[dense.output] = static_cast<int32_t>(pending_count_);
      pending_[pending_count_++] = {main, bias.output};
      return;
    }
    if (op.kind == OpKind::kDense && replaced_[op.output] >= 0) {
      const Pending& p = pending_[replaced_[op.output]];
      return push(p.op, p.bias);
    }
    if (op.kind == OpKind::kSeed && op.raw == 0 && uses_[op.output] == 0) return;  // a basis that is read as columns of weights
    Op copy = op;
    if (op.kind == OpKind::kTangent) {
      copy.along = static_cast<int32_t>(listed_);
      for (int32_t i = 0; i < tangent_inputs(op); ++i) list_[listed_++] = from_.list[op.along + i];
    }
    if (Program::listed(op)) {
      copy.first = static_cast<int32_t>(listed_);
      for (int32_t i = 0; i < op.count; ++i) list_[listed_++] = from_.list[op.first + i];
    }
    push(copy, -1);
  }

  // Entries of a tangent's list at `along`: one for each input of its op.
  int32_t tangent_inputs(const Op& tangent) const {
    for (const Op& op : from_.ops)
      if (op.output == tangent.of) return from_.inputs(op);
    return 0;
  }

  Status finish() {
    Program& p = out_.program;
    p.dimension = from_.dimension;
    p.condition_width = from_.condition_width;
    p.output = from_.output;
    p.tangent = from_.tangent;
    p.parameter_count = from_.parameter_count;
    p.packed_count = packed_count_;
    FLOW_TRY(p.values.copy(values_.data(), value_count_));
    FLOW_TRY(p.parameters.copy(parameters_.data(), parameter_count_));
    FLOW_TRY(p.ops.copy(ops_.data(), op_count_));
    FLOW_TRY(p.list.copy(list_.data(), listed_));
    FLOW_TRY(p.constants.copy(from_.constants.data(), from_.constants.size()));
    FLOW_TRY(out_.row_bias.copy(bias_.data(), op_count_));
    FLOW_TRY(out_.when.allocate(op_count_));
    FLOW_TRY(out_.marks.allocate(op_count_));
    FLOW_TRY(out_.broadcast.allocate(value_count_));
    Buffer<uint8_t> stage_marks;
    FLOW_TRY(stage_marks.allocate(op_count_));
    for (int64_t o = 0; o < op_count_; ++o) {
      const int32_t depends = p.values[p.ops[o].output].depends;
      out_.when[o] = is_stage(depends) ? When::kStage : (depends & (kDependsX | kDependsT)) == 0 ? When::kRows : When::kBoth;
      out_.marks[o] = out_.when[o] == When::kStage ? kProvided : out_.when[o] == When::kRows ? kKept : 0;
      stage_marks[o] = out_.when[o] == When::kStage ? kKept : kProvided;
      for (int32_t i = 0; i < p.inputs(p.ops[o]); ++i)
        if (out_.when[o] != When::kStage && stage_value(p.input(p.ops[o], i))) out_.broadcast[p.input(p.ops[o], i)] = 1;
    }
    if (is_stage(p.values[p.output].depends)) out_.broadcast[p.output] = 1;
    FLOW_TRY(out_.rows.build(p, Pass::kForward, out_.marks.data()));
    return out_.stage.build(p, Pass::kForward, stage_marks.data());
  }

  // Columns of the whole weight that belong to this part, panel by panel: a row of a panel is one input column.
  void fill(const Parameter& part, const Origin& origin, const float* packed, float* to) const {
    const Parameter& whole = from_.parameters[origin.weight];
    const Op& concat = from_.ops[origin.concat];
    const int32_t panels = (whole.shape[0] + kLanes - 1) / kLanes;
    for (int32_t panel = 0; panel < panels; ++panel) {
      const float* source = packed + whole.packed + int64_t{panel} * whole.shape[1] * kLanes;
      float* target = to + part.packed + int64_t{panel} * part.shape[1] * kLanes;
      for (int32_t i = 0; i < concat.count; ++i) {
        const int32_t v = from_.list[concat.first + i];
        const int64_t size = int64_t{values_[v].width} * kLanes;
        if (stage_value(v) == origin.stage) {
          std::memcpy(target, source, static_cast<size_t>(size) * sizeof(float));
          target += size;
        }
        source += size;
      }
    }
  }

  struct Pending {
    Op op;
    int32_t bias;
  };
  const Program& from_;
  const bool shared_;
  Specialised& out_;
  Buffer<Op> ops_;
  Buffer<int32_t> bias_, list_, uses_, replaced_;
  Buffer<Value> values_;
  Buffer<Parameter> parameters_;
  Buffer<Pending> pending_;
  int64_t op_count_ = 0, value_count_ = 0, parameter_count_ = 0, listed_ = 0, packed_count_ = 0, pending_count_ = 0;
  Buffer<Origin> sources_;
};

}  // namespace

Status Specialised::build(const Program& from, bool shared_condition, const float* packed, int64_t base, Buffer<float>* extra) {
  return Rewriter(from, shared_condition, *this).run(packed, base, extra);
}

}  // namespace flow
