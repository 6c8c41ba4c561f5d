// Checking is strict: a word that passes here needs no check in any hot loop.
#include "network/program.h"

#include <utility>

namespace flow {

namespace {

constexpr int32_t kMagic = 0x464d5031;
constexpr int32_t kHeader = 10;
constexpr int64_t kMaxWidth = 1 << 24;
constexpr int64_t kMaxCount = 1 << 16;       // values, ops, parameters
constexpr int64_t kMaxParameters = 1 << 30;  // logical floats

bool finite(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7f800000u) != 0x7f800000u;
}

class Parser {
 public:
  Parser(Program& program, const int32_t* words, int64_t count) : p_(program), w_(words), n_(count) {}

  Status run(const float* constants, int64_t constant_count) {
    FLOW_TRY(header(constant_count));
    FLOW_TRY(p_.constants.copy(constants, constant_count));
    for (int64_t i = 0; i < constant_count; ++i)
      if (!finite(constants[i])) return fail(Code::kProgram, "a constant of the program is not finite", i);
    FLOW_TRY(values());
    FLOW_TRY(parameters());
    FLOW_TRY(ops());
    if (derived_count_ == 0) return {};
    Buffer<Parameter> all;  // the derived ones behind the program's own
    FLOW_TRY(all.allocate(p_.parameters.size() + derived_count_));
    std::memcpy(static_cast<void*>(all.data()), p_.parameters.data(), static_cast<size_t>(p_.parameters.size()) * sizeof(Parameter));
    std::memcpy(static_cast<void*>(all.data() + p_.parameters.size()), derived_.data(), static_cast<size_t>(derived_count_) * sizeof(Parameter));
    p_.parameters = std::move(all);
    return {};
  }

 private:
  Status bad(const char* what, int64_t at) const { return fail(Code::kProgram, what, at); }

  Status header(int64_t constant_count) {
    if (n_ < kHeader) return bad("the program is shorter than its header", n_);
    if (w_[0] != kMagic) return bad("not a program: wrong magic word", 0);
    if (w_[1] != 1 && w_[1] != 2) return bad("unknown program version", 1);
    head_ = kHeader + (w_[1] == 2 ? 1 : 0);
    if (n_ < head_) return bad("the program is shorter than its header", n_);
    if (w_[2] < 1 || w_[2] > kMaxWidth) return bad("dimension out of range", 2);
    if (w_[3] < 0 || w_[3] > kMaxWidth) return bad("condition width out of range", 3);
    if (w_[4] < 3 || w_[4] > kMaxCount) return bad("number of values out of range", 4);
    if (w_[5] < 0 || w_[5] > kMaxCount) return bad("number of ops out of range", 5);
    if (w_[6] < 0 || w_[6] > kMaxCount) return bad("number of parameters out of range", 6);
    if (w_[7] < 0 || w_[7] >= w_[4]) return bad("the output is not a value", 7);
    if (w_[8] < 0 || w_[8] != constant_count) return bad("number of constants does not match", 8);
    if (w_[9] < 0 || w_[9] > kMaxParameters) return bad("number of parameter values out of range", 9);
    p_.dimension = w_[2];
    p_.condition_width = w_[3];
    p_.output = w_[7];
    p_.parameter_count = w_[9];
    const int64_t fixed = head_ + 2 * int64_t{w_[4]} + 5 * int64_t{w_[6]} + 2 * int64_t{w_[5]};
    if (n_ < fixed) return bad("the program ends early", n_);
    if (w_[1] == 2 && (w_[10] < 3 || w_[10] >= w_[4])) return bad("the value asked for is not made by an op", 10);
    p_.tangent = w_[1] == 2 ? w_[10] : -1;
    return {};
  }

  Status values() {
    FLOW_TRY(p_.values.allocate(w_[4]));
    FLOW_TRY(known_.allocate(w_[4]));
    at_ = head_;
    for (int32_t i = 0; i < w_[4]; ++i, at_ += 2) {
      const int32_t width = w_[at_], depends = w_[at_ + 1];
      if (width < (i == kValueCondition ? 0 : 1) || width > kMaxWidth) return bad("width of a value out of range", at_);
      if (depends < 0 || depends > (w_[1] == 2 ? 15 : 7)) return bad("unknown dependence bits", at_ + 1);
      const int32_t expected_width[3] = {p_.dimension, 1, p_.condition_width}, expected_depends[3] = {kDependsX, kDependsT, kDependsCondition};
      if (i < 3 && width != expected_width[i]) return bad("width of an input does not match the header", at_);
      if (i < 3 && depends != expected_depends[i]) return bad("dependence of an input is wrong", at_ + 1);
      p_.values[i] = {width, depends};
      known_[i] = i < 3;
    }
    return {};
  }

  Status parameters() {
    FLOW_TRY(p_.parameters.allocate(w_[6]));
    FLOW_TRY(used_.allocate(w_[6]));
    int64_t logical = 0, packed = 0;
    for (int32_t i = 0; i < w_[6]; ++i, at_ += 5) {
      const int32_t role = w_[at_], rank = w_[at_ + 1], s0 = w_[at_ + 2], s1 = w_[at_ + 3], offset = w_[at_ + 4];
      if (role < 0 || role > 4) return bad("unknown role of a parameter", at_);
      const bool matrix = role == static_cast<int32_t>(Role::kWeight) || role == static_cast<int32_t>(Role::kTable);
      if (rank != (matrix ? 2 : 1)) return bad("rank of a parameter does not fit its role", at_ + 1);
      if (s0 < 1 || s0 > kMaxWidth) return bad("size of a parameter out of range", at_ + 2);
      if (s1 < 1 || s1 > kMaxWidth || (rank == 1 && s1 != 1)) return bad("size of a parameter out of range", at_ + 3);
      if (offset != logical) return bad("parameters must lie one after another", at_ + 4);
      logical += int64_t{s0} * s1;
      if (logical > p_.parameter_count) return bad("a parameter ends past the parameter vector", at_ + 4);
      Parameter& parameter = p_.parameters[i];
      parameter = {static_cast<Role>(role), rank, {s0, s1}, offset, packed, 0, -1, 0, false};
      parameter.packed_size = parameter.role == Role::kWeight  ? round_up(s0, kLanes) * s1
                              : parameter.role == Role::kTable ? s0 * round_up(s1, kLanes)
                                                               : round_up(s0, kLanes);
      packed += parameter.packed_size;
    }
    if (logical != p_.parameter_count) return bad("the parameters do not fill the parameter vector", 9);
    p_.packed_count = packed;
    return {};
  }

  Status ops() {
    FLOW_TRY(p_.ops.allocate(w_[5]));
    FLOW_TRY(p_.list.allocate(2 * n_));  // a tangent lists its inputs twice
    FLOW_TRY(derived_.allocate(w_[5]));
    FLOW_TRY(made_.allocate(w_[4]));
    FLOW_TRY(derived_from_.allocate(w_[4]));
    for (int32_t i = 0; i < w_[5]; ++i) {
      if (at_ + 2 > n_) return bad("the program ends early", n_);
      const int64_t head = at_;
      const int32_t kind = w_[head], length = w_[head + 1];
      if (length < 1 || length > n_ - head - 2) return bad("payload of an op ends past the program", head + 1);
      at_ = head + 2;
      Op& op = p_.ops[i];
      op = Op{};
      FLOW_TRY(payload(kind, length, head, op));
      at_ = head + 2 + length;
    }
    if (at_ != n_) return bad("words after the last op", at_);
    for (int32_t i = 0; i < w_[4]; ++i)
      if (!known_[i]) return bad("no op makes this value", head_ + 2 * int64_t{i});
    for (int32_t i = 0; i < w_[6]; ++i)
      if (!used_[i]) return bad("no op uses this parameter", head_ + 2 * int64_t{w_[4]} + 5 * int64_t{i});
    if (p_.output < 3) return bad("the output must be made by an op", 7);
    const int64_t width = p_.values[p_.output].width;
    if (width != p_.dimension && width != 2 * int64_t{p_.dimension}) return bad("the output is not as wide as x, or twice as wide", 7);
    return {};
  }

  // The value that word `at` names, already made; -1 after `error` is set.
  Status value(int64_t at, int32_t* out) const {
    const int32_t v = w_[at];
    if (v < 0 || v >= w_[4] || !known_[v]) return bad("not a value made by an earlier op", at);
    *out = v;
    return {};
  }
  Status parameter(int64_t at, Role role, int64_t s0, int64_t s1, int32_t* out) {
    const int32_t i = w_[at];
    if (i < 0 || i >= w_[6] || p_.parameters[i].role != role) return bad("not a parameter of the right role", at);
    if (used_[i]) return bad("this parameter is used twice", at);
    if ((s0 >= 0 && p_.parameters[i].shape[0] != s0) || p_.parameters[i].shape[1] != s1) return bad("shape of the parameter does not fit", at);
    used_[i] = 1;
    *out = i;
    return {};
  }
  Status activation(int64_t at, Activation* out) const {
    if (w_[at] < 0 || w_[at] > static_cast<int32_t>(Activation::kTanh)) return bad("unknown activation", at);
    *out = static_cast<Activation>(w_[at]);
    return {};
  }

  Status payload(int32_t kind, int32_t length, int64_t head, Op& op) {
    const int64_t at = head + 2;
    const int32_t lengths[13] = {0, 4, -1, 5, 3, 5, 3, 4, 4, 4, 3, -1, 4};
    if (kind < 1 || kind > (w_[1] == 2 ? 12 : 9)) return bad("unknown kind of op", head);
    if (lengths[kind] >= 0 && length != lengths[kind]) return bad("wrong payload length", head + 1);
    op.kind = static_cast<OpKind>(kind);
    op.output = w_[at];
    if (op.output < 0 || op.output >= w_[4] || known_[op.output]) return bad("not a fresh output value", at);
    made_[op.output] = static_cast<int32_t>(&op - p_.ops.data());
    const Value out = p_.values[op.output];
    int64_t width = 0;
    int32_t depends = 0;
    if (op.kind == OpKind::kSeed || op.kind == OpKind::kTangent || op.kind == OpKind::kTrace) {
      FLOW_TRY(tangent(length, at, op, &width, &depends));
    } else if (op.kind == OpKind::kConcat) {
      if (length < 3 || w_[at + 1] != length - 2) return bad("number of inputs does not match", at + 1);
      op.first = listed_;
      op.count = w_[at + 1];
      for (int32_t i = 0; i < op.count; ++i) {
        FLOW_TRY(value(at + 2 + i, &p_.list[listed_ + i]));
        width += p_.values[p_.list[listed_ + i]].width;
      }
      listed_ += op.count;
    } else if (op.kind == OpKind::kTime) {
      op.a = kValueT;
      op.raw = w_[at + 1];
      op.first = w_[at + 2];
      op.count = w_[at + 3];
      if (op.raw != 0 && op.raw != 1) return bad("raw must be 0 or 1", at + 1);
      if (op.first < 0 || op.first > w_[8]) return bad("first constant out of range", at + 2);
      if (op.count < 0 || op.count > w_[8] - op.first) return bad("constants out of range", at + 3);
      width = op.raw + 2 * int64_t{op.count};
    } else {
      FLOW_TRY(value(at + 1, &op.a));
      const int32_t in = p_.values[op.a].width;
      switch (op.kind) {
        case OpKind::kDense:
          width = out.width;
          FLOW_TRY(parameter(at + 2, Role::kWeight, out.width, in, &op.p));
          if (w_[at + 3] != -1) FLOW_TRY(parameter(at + 3, Role::kBias, out.width, 1, &op.q));
          FLOW_TRY(activation(at + 4, &op.activation));
          break;
        case OpKind::kActivation:
          width = in;
          FLOW_TRY(activation(at + 2, &op.activation));
          break;
        case OpKind::kLayerNorm:
          width = in;
          FLOW_TRY(parameter(at + 2, Role::kScale, in, 1, &op.p));
          FLOW_TRY(parameter(at + 3, Role::kShift, in, 1, &op.q));
          if (w_[at + 4] < 0 || w_[at + 4] >= w_[8]) return bad("constant out of range", at + 4);
          op.epsilon = p_.constants[w_[at + 4]];
          if (!(op.epsilon > 0)) return bad("epsilon must be above 0", at + 4);
          break;
        case OpKind::kAdd:
          width = in;
          FLOW_TRY(value(at + 2, &op.b));
          if (p_.values[op.b].width != in) return bad("the two values differ in width", at + 2);
          break;
        case OpKind::kSlice:
          op.first = w_[at + 2];
          op.count = w_[at + 3];
          if (op.first < 0 || op.first >= in) return bad("first column out of range", at + 2);
          if (op.count < 1 || op.count > in - op.first) return bad("columns out of range", at + 3);
          width = op.count;
          break;
        default:  // oneHot, embed
          op.first = w_[at + 2];
          if (op.first < 0 || op.first >= in) return bad("column out of range", at + 2);
          if (op.kind == OpKind::kOneHot) {
            op.count = w_[at + 3];
            if (op.count < 1) return bad("number of classes out of range", at + 3);
            width = op.count;
          } else {
            FLOW_TRY(parameter(at + 3, Role::kTable, -1, out.width, &op.p));
            width = out.width;
          }
      }
    }
    if (width != out.width) return bad("width of the output does not fit the op", head_ + 2 * int64_t{op.output});
    for (int32_t i = 0; i < p_.inputs(op); ++i) {
      const Value& in = p_.values[p_.input(op, i)];
      if (in.width < 1) return bad("an input of this op has no columns", head);
      depends |= in.depends;
    }
    if (depends != out.depends) return bad("dependence bits of the output do not fit the op", kHeader + 2 * int64_t{op.output} + 1);
    known_[op.output] = 1;
    return {};
  }

  // seed, tangent and trace: their width, and what they depend on beside their inputs.
  Status tangent(int32_t length, int64_t at, Op& op, int64_t* width, int32_t* depends) {
    Value& out = p_.values[op.output];
    if (op.kind == OpKind::kTrace) return trace(at, op, width, depends);
    if (length < (op.kind == OpKind::kSeed ? 3 : 6)) return bad("wrong payload length", at - 1);
    const int32_t copies = w_[at + 1];
    if (copies < 1 || int64_t{copies} * out.blocks() > kMaxWidth) return bad("number of copies out of range", at + 1);
    out.copies = copies;
    *depends = kDependsSeed;
    if (op.kind == OpKind::kSeed) {
      op.raw = w_[at + 2];
      if (op.raw != 0 && op.raw != 1) return bad("unknown kind of seed", at + 2);
      if (op.raw == 0 && copies != out.width) return bad("a basis has a copy for each column", at + 1);
      *width = out.width;
      return {};
    }
    FLOW_TRY(value(at + 2, &op.of));
    if (op.of < 3) return bad("an input has no op to derive", at + 2);
    const Op& source = p_.ops[made_[op.of]];
    op.source = source.kind;
    if (source.kind >= OpKind::kOneHot) return bad("this op has no derivative", at + 2);
    if (derived_from_[op.of]) return bad("this op has a tangent already", at + 2);
    derived_from_[op.of] = 1;
    const int32_t sources = p_.inputs(source);
    if (w_[at + 4] != sources || length != 5 + sources) return bad("number of inputs does not match", at + 4);
    op.activation = source.activation;
    op.column = w_[at + 3];
    op.along = listed_;
    for (int32_t i = 0; i < sources; ++i) {
      const int32_t width_of = p_.values[p_.input(source, i)].width;
      p_.list[listed_ + i] = -1;
      if (w_[at + 5 + i] == -1) continue;
      FLOW_TRY(value(at + 5 + i, &p_.list[listed_ + i]));
      const Value& along = p_.values[p_.list[listed_ + i]];
      if (along.copies != copies || (along.depends & kDependsSeed) == 0) return bad("not a tangent of as many copies", at + 5 + i);
      const bool part = source.kind == OpKind::kDense;
      if (part ? op.column < 0 || op.column > width_of - along.width : op.column != 0 || along.width != width_of)
        return bad("the tangent does not fit the input", at + 5 + i);
    }
    const int32_t first = p_.list[listed_];
    listed_ += sources;
    op.first = listed_;
    op.count = 0;
    if (source.kind == OpKind::kDense) {
      op.p = source.p;
      op.columns = first >= 0 && basis(first);
      if (first >= 0 && !op.columns && p_.values[first].width != p_.values[source.a].width)
        op.p = derive(source.p, p_.parameters[source.p].shape[0], p_.values[first].width, op.column, false);
    }
    if (source.kind == OpKind::kLayerNorm) op.p = source.p;
    if (!op.columns)
      for (int32_t i = 0; i < sources; ++i)
        if (p_.list[op.along + i] >= 0) p_.list[listed_ + op.count++] = p_.list[op.along + i];
    const bool bends =
        source.activation != Activation::kIdentity || source.kind == OpKind::kActivation || source.kind == OpKind::kLayerNorm || source.kind == OpKind::kTime;
    for (int32_t i = 0; i < sources && bends; ++i) *depends |= p_.values[p_.input(source, i)].depends;
    if (op.columns) *depends |= p_.values[first].depends;
    if (source.kind == OpKind::kLayerNorm || source.kind == OpKind::kTime) p_.list[listed_ + op.count++] = source.a;  // read again
    listed_ += op.count;
    *width = p_.values[op.of].width;
    return {};
  }

  Status trace(int64_t at, Op& op, int64_t* width, int32_t* depends) {
    FLOW_TRY(value(at + 1, &op.b));
    if (made_by(op.b) != OpKind::kSeed || p_.values[op.b].width != p_.dimension) return bad("not a seed of x", at + 1);
    const Value& seed = p_.values[op.b];
    op.columns = basis(op.b);
    int32_t inner = p_.dimension;
    if (w_[at + 3] != -1) {
      const int32_t i = w_[at + 3];
      if (i < 0 || i >= w_[6] || p_.parameters[i].role != Role::kWeight || p_.parameters[i].shape[0] != p_.dimension)
        return bad("not the weight of the last layer", at + 3);
      inner = p_.parameters[i].shape[1];
      op.p = derive(i, inner, p_.dimension, 0, true);
    }
    op.first = listed_;
    op.count = 0;
    *depends = seed.depends;
    if (!op.columns || op.p < 0) p_.list[listed_ + op.count++] = op.b;  // the basis itself is not read where the weight's rows are
    if (w_[at + 2] != -1) {
      FLOW_TRY(value(at + 2, &op.a));
      const Value& along = p_.values[op.a];
      if (along.width != inner || along.copies != seed.copies || (along.depends & kDependsSeed) == 0) return bad("the tangent does not fit", at + 2);
      p_.list[listed_ + op.count++] = op.a;
    }
    listed_ += op.count;
    *width = op.columns ? 1 : seed.copies;
    return {};
  }

  OpKind made_by(int32_t v) const { return v < 3 ? OpKind::kTime : p_.ops[made_[v]].kind; }
  bool basis(int32_t v) const { return made_by(v) == OpKind::kSeed && p_.ops[made_[v]].raw == 0; }

  // A weight made from another one when parameters are packed; its index.
  int32_t derive(int32_t source, int32_t out, int32_t in, int32_t first, bool transposed) {
    Parameter& d = derived_[derived_count_];
    d = {Role::kWeight, 2, {out, in}, 0, p_.packed_count, round_up(out, kLanes) * in, source, first, transposed};
    p_.packed_count += d.packed_size;
    return static_cast<int32_t>(p_.parameters.size() + derived_count_++);
  }

  Program& p_;
  const int32_t* w_;
  int64_t n_, at_ = 0, head_ = kHeader, derived_count_ = 0;
  int32_t listed_ = 0;
  Buffer<uint8_t> known_, used_, derived_from_;
  Buffer<int32_t> made_;  // the op of each value
  Buffer<Parameter> derived_;
};

}  // namespace

bool Program::traces() const {
  for (const Op& op : ops)
    if (op.output == tangent && op.kind == OpKind::kTrace) return true;
  return false;
}

Status Program::parse(const int32_t* words, int64_t count, const float* constant_values, int64_t constant_count) {
  return Parser(*this, words, count).run(constant_values, constant_count);
}

namespace {

// Visits (logical index, packed index) of every parameter value.
template <class F>
void each(const Program& program, F&& visit) {
  for (const Parameter& p : program.parameters) {
    const int64_t s0 = p.shape[0], s1 = p.shape[1];
    if (p.source >= 0) {
      const Parameter& whole = program.parameters[p.source];
      for (int64_t o = 0; o < s0; ++o)
        for (int64_t i = 0; i < s1; ++i)
          visit(whole.offset + (p.transposed ? i * s0 + o : o * whole.shape[1] + p.first + i), p.packed + ((o / kLanes) * s1 + i) * kLanes + o % kLanes);
    } else if (p.role == Role::kWeight) {
      for (int64_t o = 0; o < s0; ++o)
        for (int64_t i = 0; i < s1; ++i) visit(p.offset + o * s1 + i, p.packed + ((o / kLanes) * s1 + i) * kLanes + o % kLanes);
    } else if (p.role == Role::kTable) {
      for (int64_t r = 0; r < s0; ++r)
        for (int64_t i = 0; i < s1; ++i) visit(p.offset + r * s1 + i, p.packed + r * round_up(s1, kLanes) + i);
    } else {
      for (int64_t i = 0; i < s0; ++i) visit(p.offset + i, p.packed + i);
    }
  }
}

}  // namespace

void Program::pack(const float* logical, float* packed) const {
  each(*this, [&](int64_t l, int64_t k) { packed[k] = logical[l]; });
}
void Program::unpack(const float* packed, float* logical) const {
  each(*this, [&](int64_t l, int64_t k) { logical[l] = packed[k]; });
}

}  // namespace flow
