// The bfloat16 kernels against sums in double over the same rounded operands. A sum of k products in f32, however ordered, errs by at most
// (k + 2) 2^-24 sum |a||b| (Higham 2002, 3.1); what is stored narrow must be the nearest bfloat16 of what is stored in f32; padding, row groups and everything
// around the buffers are held bit for bit.
#include "checks_narrow.h"

#include <cmath>
#include <vector>

#include "amx_emulator.h"
#include "core/cpu.h"
#include "guarded.h"

namespace flow {
#if defined(__x86_64__)
namespace amx {
extern const NarrowKernels kNarrow;
}
#endif
}  // namespace flow

namespace flow_test {
using namespace flow;

namespace {

constexpr double kEps = 0x1p-24;
int blocks_of(int n) { return (n + 31) / 32; }
int padded(int n) { return blocks_of(n) * 32; }

float wide(Bf16 h) {
  const uint32_t b = static_cast<uint32_t>(h) << 16;
  float x;
  memcpy(&x, &b, 4);
  return x;
}
Bf16 nearest(float x) {
  uint32_t b;
  memcpy(&b, &x, 4);
  return static_cast<Bf16>((b + 0x7fff + (b >> 16 & 1)) >> 16);
}
bool same_narrow(float x, Bf16 h) {  // flushed denormals are allowed
  return nearest(x) == h || (std::fabs(x) < 0x1p-126f && (h & 0x7fff) == 0);
}

struct NarrowBuffer {
  Guarded buffer;
  explicit NarrowBuffer(int64_t count) : buffer((count + 1) / 2) {}
  Bf16* data() const { return reinterpret_cast<Bf16*>(buffer.data()); }
};

// (rows, cols) in `parts` planes, capacity a multiple of 32; rows past the last hold NaN.
struct Narrow {
  int rows, cols, parts, capacity;
  NarrowBuffer buffer;
  Narrow(int rows_, int cols_, int parts_)
      : rows(rows_), cols(cols_), parts(parts_), capacity(padded(rows_)), buffer(static_cast<int64_t>(blocks_of(cols_)) * capacity * 32 * parts_) {
    for (int64_t i = 0; i < size(); i++) buffer.data()[i] = 0x7fc1;
  }
  int64_t block() const { return static_cast<int64_t>(capacity) * 32; }
  int64_t plane() const { return block() * blocks_of(cols); }
  int64_t size() const { return plane() * parts; }
  Bf16& at(int part, int r, int c) const { return buffer.data()[part * plane() + c / 32 * block() + r * 32 + c % 32]; }
  operator NarrowMatrix() const { return {buffer.data(), block(), plane()}; }
  // Numbers, split; part 0 is the number itself where there is one part.
  void fill(Random& random) const {
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < padded(cols); c++) {
        float left = c < cols ? random.value() : 0.0f;
        for (int p = 0; p < parts; p++) {
          at(p, r, c) = nearest(left);
          left -= wide(at(p, r, c));
        }
      }
  }
};

const struct {
  int count, x[6], w[6];
} kProducts[3] = {{1, {0}, {0}}, {3, {0, 1, 0}, {0, 0, 1}}, {6, {0, 1, 0, 1, 2, 0}, {0, 0, 1, 1, 0, 2}}};

// Element (o, i) of narrow panels.
int64_t panel_at(int o, int i, int in) { return (static_cast<int64_t>(o / 32) * blocks_of(in) + i / 32) * kNarrowBlock + i % 32 / 2 * 64 + o % 32 * 2 + i % 2; }
// Element (r, c) of row groups.
int64_t group_at(int r, int c, int64_t block, bool columns_first) {
  const int64_t at = c / 32 * block + r / 32 * kNarrowBlock;
  return columns_first ? at + c % 32 * 32 + r % 32 : at + r % 32 / 2 * 64 + c % 32 * 2 + r % 2;
}

std::string shape(const char* what, int rows, int in, int out, int detail) {
  return std::string(what) + " rows " + std::to_string(rows) + " in " + std::to_string(in) + " out " + std::to_string(out) + " detail " +
         std::to_string(detail);
}

void check_groups(Verdict& verdict, const NarrowBuffer& groups, int64_t block, const Narrow& n, bool columns_first, const std::string& text) {
  for (int r = 0; r < padded(n.rows); r++)
    for (int c = 0; c < padded(n.cols); c++) {
      const Bf16 want = r < n.rows ? n.at(0, r, c) : Bf16{0};
      if (groups.data()[group_at(r, c, block, columns_first)] != want)
        return verdict.fail(text + ": row group at (" + std::to_string(r) + ", " + std::to_string(c) + ")");
    }
  if (!groups.buffer.intact()) verdict.fail(text + ": wrote before the row groups");
}

void dense_case(const NarrowSubject& s, Verdict& verdict, Random& random, int rows, int in, int out) {
  const int flags = random.below(1024);
  const int parts = s.kernels.splits ? 1 + random.below(3) : 1;
  const bool with_bias = flags & 1, with_y = (flags & 6) != 6, with_n = flags & 2, with_groups = with_n && parts == 1 && (flags & 8);
  const bool with_slope = flags & 16, with_add = flags & 32, with_mul = flags & 64, right = flags & 128;
  const bool narrow_slope = with_slope && (flags & 256), narrow_mul = with_mul && (flags & 512);  // in bfloat16
  const Activation activation = random.below(3) == 0 ? static_cast<Activation>(random.below(7)) : Activation::kIdentity;
  const Narrow x(rows, in, parts), n(rows, out, parts);
  x.fill(random);
  const int64_t plane = narrow_panels_size(out, in);
  const NarrowBuffer w(plane * parts), groups(n.plane());
  for (int64_t i = 0; i < plane * parts; i++) w.data()[i] = 0;
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++) {
      float left = random.value();
      for (int p = 0; p < parts; p++) {
        Bf16& at = w.data()[p * plane + panel_at(o, i, in)];
        at = nearest(left);
        left -= wide(at);
      }
    }
  const Matrix y(rows, out, rows + random.below(5)), slope(rows, out, rows + random.below(5)), add(rows, out, rows + random.below(5)), mul(rows, out, rows);
  add.fill(random);
  mul.fill(random);
  const Narrow slope16(rows, out, 1), mul16(rows, out, 1);
  mul16.fill(random);
  for (int i = 0; narrow_mul && i < rows * out; i++) mul.at(i / out, i % out) = wide(mul16.at(0, i / out, i % out));
  const Guarded bias(padded(out));
  bias.fill(random);
  NarrowDenseArgs args{};
  args.x = x;
  args.panels = w.data();
  args.panel_plane = plane;
  args.parts = parts;
  args.rows = rows;
  args.in = in;
  args.out = out;
  args.bias = with_bias ? bias.data() : nullptr;
  args.activation = activation;
  if (with_y) args.y = y;
  if (with_n) args.n = n;
  if (with_groups) args.groups = {groups.data(), n.block(), right};
  if (with_slope) args.slope = slope;
  if (with_add) args.add = add;
  if (narrow_slope) args.narrow_slope = slope16;
  if (narrow_mul) args.narrow_mul = mul16;
  else if (with_mul) args.mul = mul;
  s.kernels.dense(args);
  verdict.cases++;
  const std::string text =
      shape("dense", rows, in, out, flags) + " parts " + std::to_string(parts) + " activation " + std::to_string(static_cast<int>(activation));
  if (!y.buffer.intact() || !slope.buffer.intact() || !n.buffer.buffer.intact() || !slope16.buffer.buffer.intact())
    return verdict.fail(text + ": wrote before a buffer");
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < padded(out); o++) {
      if (o >= out) {
        if ((with_y && y.at(r, o) != 0.0f) || (with_slope && slope.at(r, o) != 0.0f)) return verdict.fail(text + ": padding is not zero");
        for (int p = 0; with_n && p < parts; p++)
          if (n.at(p, r, o) != 0) return verdict.fail(text + ": narrow padding is not zero");
        if (narrow_slope && slope16.at(0, r, o) != 0) return verdict.fail(text + ": padding of narrow slopes is not zero");
        continue;
      }
      if (narrow_slope && !same_narrow(slope.at(r, o), slope16.at(0, r, o))) return verdict.fail(text + ": narrow slope is not the nearest");
      double z = 0, sum = 0;
      for (int q = 0; q < kProducts[parts - 1].count; q++)
        for (int i = 0; i < in; i++) {
          const double product =
              static_cast<double>(wide(x.at(kProducts[parts - 1].x[q], r, i))) * wide(w.data()[kProducts[parts - 1].w[q] * plane + panel_at(o, i, in)]);
          z += product;
          sum += std::fabs(product);
        }
      if (with_bias) z += bias.data()[o], sum += std::fabs(bias.data()[o]);
      float r1 = 0, s1 = 0;
      const double bound = (in * kProducts[parts - 1].count + 4) * kEps * sum + 1e-37;
      if (activation == Activation::kIdentity) {
        if (with_add) z += add.at(r, o), sum += std::fabs(add.at(r, o));
        const double limit = ((in * kProducts[parts - 1].count + 6) * kEps * sum + 1e-37) * (with_mul ? std::fabs(mul.at(r, o)) : 1) +
                             (with_mul ? 2 * kEps * std::fabs(z * mul.at(r, o)) : 0);
        if (with_mul) z *= mul.at(r, o);
        if (with_y) {
          const double error = std::fabs(z - y.at(r, o));
          verdict.worst = std::fmax(verdict.worst, error / limit);
          if (!(error <= limit))
            return verdict.fail(text + ": (" + std::to_string(r) + ", " + std::to_string(o) + ") is " + std::to_string(y.at(r, o)) + ", wanted " +
                                std::to_string(z));
        } else if (with_n && !(std::fabs(z - wide(n.at(0, r, o))) <= limit + 0x1p-8 * std::fabs(z) + 1e-37)) {
          return verdict.fail(text + ": narrow (" + std::to_string(r) + ", " + std::to_string(o) + ") is " + std::to_string(wide(n.at(0, r, o))) + ", wanted " +
                              std::to_string(z));
        }
      } else if (with_y && !with_add && !with_mul) {  // the functions are held elsewhere: here that they see the right z (slopes stay below 1.2 for |z| < 100)
        const float zf = static_cast<float>(z);
        reference_kernels().activate(activation, 1, &zf, &r1, &s1);
        const double slack = 1.2 * bound + 1e-5 * (1 + std::fabs(r1)) + 1e-6 * std::fabs(z);
        if (!(std::fabs(r1 - y.at(r, o)) <= slack)) return verdict.fail(text + ": activation at (" + std::to_string(r) + ", " + std::to_string(o) + ")");
      }
      float left = with_y ? y.at(r, o) : 0.0f;
      for (int p = 0; with_y && with_n && p < parts; p++) {
        if (!same_narrow(left, n.at(p, r, o))) return verdict.fail(text + ": part " + std::to_string(p) + " is not the nearest");
        left -= wide(n.at(p, r, o));
      }
    }
  for (int r = rows; with_n && r < n.capacity; r++)
    for (int c = 0; c < padded(out); c++)
      if (n.at(0, r, c) != 0x7fc1) return verdict.fail(text + ": wrote rows that are not its own");
  for (int r = rows; narrow_slope && r < slope16.capacity; r++)
    for (int c = 0; c < padded(out); c++)
      if (slope16.at(0, r, c) != 0x7fc1) return verdict.fail(text + ": wrote slopes of rows that are not its own");
  if (with_groups) check_groups(verdict, groups, n.block(), n, s.left_columns && !right, text);
}

void weight_case(const NarrowSubject& s, Verdict& verdict, Random& random, int rows, int in, int out) {
  const bool accumulate = random.below(2) != 0, with_bias = random.below(2) != 0;
  const Narrow x(rows, in, 1), g(rows, out, 1);
  x.fill(random);
  g.fill(random);
  const NarrowBuffer xg(x.plane()), gg(g.plane());
  for (int r = 0; r < padded(rows); r++) {
    for (int c = 0; c < padded(in); c++) xg.data()[group_at(r, c, x.block(), s.left_columns)] = r < rows ? x.at(0, r, c) : Bf16{0};
    for (int c = 0; c < padded(out); c++) gg.data()[group_at(r, c, g.block(), false)] = r < rows ? g.at(0, r, c) : Bf16{0};
  }
  const Guarded w(static_cast<int64_t>(blocks_of(out)) * in * 32), before(w.count()), b(padded(out)), b_before(b.count());
  w.fill(random);
  b.fill(random);
  before.copy(w);
  b_before.copy(b);
  const int panels = blocks_of(out), begin = random.below(panels), end = begin + 1 + random.below(panels - begin);
  const int first = 32 * random.below(blocks_of(in)), last = random.below(2) ? in : first + 32 < in ? first + 32 : in;
  s.kernels.weight_grad(
      {xg.data(), x.block(), gg.data(), g.block(), rows, in, out, w.data(), with_bias ? b.data() : nullptr, begin, end, accumulate, first, last});
  verdict.cases++;
  const std::string text = shape("weight_grad", rows, in, out, begin * 100 + end) + " features " + std::to_string(first) + " to " + std::to_string(last);
  if (!w.intact() || !b.intact()) return verdict.fail(text + ": wrote before the buffer");
  for (int o = 0; o < padded(out); o++) {
    for (int i = 0; i < in; i++) {
      const int64_t at = (static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32;
      if (o / 32 < begin || o / 32 >= end || i < first || i >= last) {
        if (!same(w.data()[at], before.data()[at])) return verdict.fail(text + ": wrote outside its part");
        continue;
      }
      if (o >= out && accumulate) continue;
      double z = accumulate ? before.data()[at] : 0, sum = std::fabs(z);
      for (int r = 0; r < rows && o < out; r++) {
        const double product = static_cast<double>(wide(x.at(0, r, i))) * wide(g.at(0, r, o));
        z += product;
        sum += std::fabs(product);
      }
      const double error = std::fabs(z - w.data()[at]), bound = (rows + 4) * kEps * sum + 1e-37;
      verdict.worst = std::fmax(verdict.worst, error / bound);
      if (!(error <= bound))
        return verdict.fail(text + ": (" + std::to_string(o) + ", " + std::to_string(i) + ") is " + std::to_string(w.data()[at]) + ", wanted " +
                            std::to_string(z));
    }
    if (!with_bias || o >= out) continue;
    if (o / 32 < begin || o / 32 >= end || first > 0) {
      if (!same(b.data()[o], b_before.data()[o])) return verdict.fail(text + ": wrote a bias outside its part");
      continue;
    }
    double z = accumulate ? b_before.data()[o] : 0, sum = std::fabs(z);
    for (int r = 0; r < rows; r++) z += wide(g.at(0, r, o)), sum += std::fabs(wide(g.at(0, r, o)));
    if (!(std::fabs(z - b.data()[o]) <= (rows + 4) * kEps * sum + 1e-37)) return verdict.fail(text + ": bias " + std::to_string(o));
  }
}

void convert_case(const NarrowSubject& s, Verdict& verdict, Random& random, int rows, int, int cols) {
  const int parts = 1 + random.below(3);
  const bool with_groups = parts == 1 && random.below(2), right = random.below(2) != 0;
  const Matrix x(rows, cols, rows + random.below(5));
  x.fill(random);
  const Narrow n(rows, cols, parts);
  const NarrowBuffer groups(n.plane());
  s.kernels.convert(x, parts, n, with_groups ? RowGroups{groups.data(), n.block(), right} : RowGroups{});
  verdict.cases++;
  const std::string text = shape("convert", rows, 0, cols, parts);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < padded(cols); c++) {
      float left = c < cols ? x.at(r, c) : 0.0f;
      for (int p = 0; p < parts; p++) {
        if (!same_narrow(left, n.at(p, r, c)))
          return verdict.fail(text + ": part " + std::to_string(p) + " of (" + std::to_string(r) + ", " + std::to_string(c) + ")");
        left -= wide(n.at(p, r, c));
      }
    }
  if (!n.buffer.buffer.intact()) return verdict.fail(text + ": wrote before the buffer");
  if (with_groups) check_groups(verdict, groups, n.block(), n, s.left_columns && !right, text);
}

void pack_case(const NarrowSubject& s, Verdict& verdict, Random& random, int, int in, int out) {
  const int parts = 1 + random.below(3);
  const Guarded w(static_cast<int64_t>(blocks_of(out)) * in * 32);
  w.fill(random);
  for (int o = out; o < padded(out); o++)
    for (int i = 0; i < in; i++) w.data()[(static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32] = 0.0f;
  const int64_t plane = narrow_panels_size(out, in);
  const NarrowBuffer n(plane * parts), t(narrow_panels_size(in, out));
  for (int p = 0; p < blocks_of(out); p++) s.kernels.pack(w.data(), out, in, p, parts, n.data(), plane, parts == 1 ? t.data() : nullptr);
  verdict.cases++;
  const std::string text = shape("pack", 0, in, out, parts);
  if (!n.buffer.intact() || !t.buffer.intact()) return verdict.fail(text + ": wrote before the buffer");
  for (int o = 0; o < padded(out); o++)
    for (int i = 0; i < padded(in); i++) {
      float left = o < out && i < in ? w.data()[(static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32] : 0.0f;
      if (parts == 1 && !same_narrow(left, t.data()[panel_at(i, o, out)]))
        return verdict.fail(text + ": transposed (" + std::to_string(o) + ", " + std::to_string(i) + ")");
      for (int p = 0; p < parts; p++) {
        const Bf16 got = n.data()[p * plane + panel_at(o, i, in)];
        if (!same_narrow(left, got)) return verdict.fail(text + ": part " + std::to_string(p) + " of (" + std::to_string(o) + ", " + std::to_string(i) + ")");
        left -= wide(got);
      }
    }
}

// Every size along each axis in turn, the others drawn; then shapes at the edges of blocks.
template <class Case>
void sweep(const NarrowSubject& s, Verdict& verdict, Case run) {
  Random random(s.seed);
  for (int n = 1; n <= 67; n++) {
    run(s, verdict, random, n, 1 + random.below(68), 1 + random.below(68));
    run(s, verdict, random, 1 + random.below(40), n, 1 + random.below(68));
    run(s, verdict, random, 1 + random.below(40), 1 + random.below(68), n);
  }
  for (int n : {95, 96, 97, 127, 128, 129, 160, 259}) {
    run(s, verdict, random, n, 1 + random.below(40), 1 + random.below(40));
    run(s, verdict, random, 1 + random.below(20), n, 1 + random.below(40));
    run(s, verdict, random, 1 + random.below(20), 1 + random.below(40), n);
    run(s, verdict, random, 1 + random.below(3), n, 100 + random.below(40));
  }
}

}  // namespace

const NarrowKernels* narrow_table(const std::string& isa, const std::string& name) {
#if defined(__x86_64__)
  if (name == "amx" && isa == "avx512" && cpu().avx512bf16) return amx_granted() || (!cpu().amx && emulate_amx()) ? &amx::kNarrow : nullptr;
#endif
  return narrow_kernels_for(isa.c_str(), name.c_str());
}

Verdict check_narrow(const NarrowSubject& s, const std::string& family) {
  Verdict verdict;
  if (family == "dense") sweep(s, verdict, dense_case);
  else if (family == "weight_grad") sweep(s, verdict, weight_case);
  else if (family == "convert") sweep(s, verdict, convert_case);
  else if (family == "pack") sweep(s, verdict, pack_case);
  if (amx_faults() > 0) verdict.fail(std::string("the processor would refuse: ") + amx_first_fault());
  if (amx_configured()) verdict.fail("tiles stay configured after the call");
  return verdict;
}

}  // namespace flow_test
