// Dense and weight gradient. The bound: a sum of k products in f32, however ordered, errs by at most (k + 2) eps sum |a||b| (Higham 2002, 3.1), eps = 2^-24.
#include <cmath>
#include <vector>

#include "checks.h"
#include "guarded.h"

namespace flow_test {
using namespace flow;

namespace {

constexpr double kEps = 0x1p-24;
int panels_of(int n) { return (n + 31) / 32; }

std::string shape(const char* what, int rows, int in, int out, int detail) {
  return std::string(what) + " rows " + std::to_string(rows) + " in " + std::to_string(in) + " out " + std::to_string(out) + " detail " +
         std::to_string(detail);
}

Guarded random_panels(Random& random, int out, int in) {
  Guarded w(static_cast<int64_t>(panels_of(out)) * in * 32);
  w.fill(random);
  for (int o = out; o < panels_of(out) * 32; o++)
    for (int i = 0; i < in; i++) w.data()[(static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32] = 0.0f;
  return w;
}

// Compares the used part of two blocked matrices, padding lanes included.
void compare(Verdict& verdict, const Matrix& got, const Matrix& want, bool exact, const std::string& text) {
  for (int r = 0; r < got.rows; r++)
    for (int c = 0; c < panels_of(got.cols) * 32; c++) {
      const bool ok = c >= got.cols ? got.at(r, c) == 0.0f : !exact || same(got.at(r, c), want.at(r, c));
      if (!ok)
        return verdict.fail(text + ": (" + std::to_string(r) + ", " + std::to_string(c) + ") is " + std::to_string(got.at(r, c)) + ", wanted " +
                            std::to_string(want.at(r, c)));
    }
  if (!got.buffer.intact()) verdict.fail(text + ": wrote before the buffer");
}

enum class Order { kBlocks, kLanes, kLanesGiven };  // of a sum; the last with the transposed panels given

void dense_in_order(Order order, const Subject& s, Verdict& verdict, Random& random, int rows, int in, int out) {
  const int flags = random.below(32);
  const Activation activation = flags & 1 ? static_cast<Activation>(random.below(7)) : Activation::kIdentity;
  const bool with_bias = flags & 2, with_slope = flags & 4, with_mul = flags & 8, accumulate = flags & 16;
  const Matrix x(rows, in, rows + random.below(5)), mul(rows, out, rows + random.below(5));
  const Matrix y(rows, out, rows + random.below(5)), slope(rows, out, rows + random.below(5));
  const Matrix y_want(rows, out, static_cast<int>(y.block / 32)), slope_want(rows, out, static_cast<int>(slope.block / 32));
  x.fill(random);
  mul.fill(random);
  y.fill(random);
  y_want.buffer.copy(y.buffer);
  const Guarded w = random_panels(random, out, in), bias = random_panels(random, out, 1);
  const Matrix before(rows, out, static_cast<int>(y.block / 32));
  before.buffer.copy(y.buffer);
  DenseArgs args{x,
                 w.data(),
                 with_bias ? bias.data() : nullptr,
                 activation,
                 y,
                 with_slope ? Blocked(slope) : Blocked{},
                 with_mul ? ConstBlocked(mul) : ConstBlocked(nullptr, 0, 0, 0),
                 accumulate,
                 order != Order::kBlocks};
  const Guarded transposed(static_cast<int64_t>(panels_of(in)) * out * 32);
  if (order == Order::kLanesGiven) {
    reference_kernels().transpose_panels(w.data(), out, in, transposed.data());
    args.transposed = transposed.data();
  }
  DenseArgs want = args;
  want.y = y_want;
  if (with_slope) want.slope = slope_want;
  s.kernels.dense(args);
  reference_kernels().dense(want);
  verdict.cases++;
  const std::string text = shape("dense", rows, in, out, flags + 100 * static_cast<int>(order));
  compare(verdict, y, y_want, s.exact, text);
  if (with_slope) compare(verdict, slope, slope_want, s.exact, text + " slope");
  if (activation != Activation::kIdentity) return;
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < out; o++) {
      double z = 0, sum = 0;
      for (int i = 0; i < in; i++) {
        const double p = static_cast<double>(x.at(r, i)) * w.data()[(static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32];
        z += p;
        sum += std::fabs(p);
      }
      if (with_bias) z += bias.data()[o], sum += std::fabs(bias.data()[o]);
      if (accumulate) z += before.at(r, o), sum += std::fabs(before.at(r, o));
      if (with_mul) z *= mul.at(r, o), sum *= std::fabs(mul.at(r, o));
      const double error = std::fabs(z - y.at(r, o)), bound = (in + 4) * kEps * sum + 1e-40;
      verdict.worst = std::fmax(verdict.worst, error / bound);
      if (!(error <= bound)) return verdict.fail(text + " error " + std::to_string(error) + " beyond " + std::to_string(bound));
    }
}

// The same in every order that the shape allows.
void dense_case(const Subject& s, Verdict& verdict, Random& random, int rows, int in, int out) {
  dense_in_order(Order::kBlocks, s, verdict, random, rows, in, out);
  if (!few_outputs(out, in)) return;
  dense_in_order(Order::kLanes, s, verdict, random, rows, in, out);
  dense_in_order(Order::kLanesGiven, s, verdict, random, rows, in, out);
}

void weight_case(const Subject& s, Verdict& verdict, Random& random, int rows, int in, int out) {
  const bool with_bias = random.below(2), accumulate = random.below(2);
  const Matrix x(rows, in, rows + random.below(5)), g(rows, out, rows + random.below(5));
  x.fill(random);
  g.fill(random);
  const Guarded w = random_panels(random, out, in), b = random_panels(random, out, 1);
  const Guarded w_want(w.count()), b_want(b.count()), w_before(w.count());
  w_want.copy(w);
  b_want.copy(b);
  w_before.copy(w);
  const int panels = panels_of(out), begin = panels > 1 ? random.below(panels) : 0, end = begin + (panels ? 1 + random.below(panels - begin) : 0);
  // Half the cases take all features, the others a range that begins at a block.
  const int first = in > 0 && random.below(2) ? random.below(panels_of(in)) * 32 : 0;
  const int last = in > 0 && random.below(2) ? first + 1 + random.below(in - first) : in;
  WeightGradArgs args{x, g, w.data(), with_bias ? b.data() : nullptr, begin, end, accumulate, first, last == in ? INT32_MAX : last}, want = args;
  want.panels = w_want.data();
  if (with_bias) want.bias = b_want.data();
  s.kernels.weight_grad(args);
  reference_kernels().weight_grad(want);
  verdict.cases++;
  const std::string text = shape("weight_grad", rows, in, out, begin * 100 + end);
  if (!w.intact() || !b.intact()) return verdict.fail(text + ": wrote before the buffer");
  if (s.exact) {
    for (int64_t i = 0; i < w.count(); i++)
      if (!same(w.data()[i], w_want.data()[i])) return verdict.fail(text + " panels differ at " + std::to_string(i));
    for (int64_t i = 0; i < b.count(); i++)
      if (!same(b.data()[i], b_want.data()[i])) return verdict.fail(text + " bias differs at " + std::to_string(i));
  }
  for (int o = begin * 32; o < end * 32 && o < out; o++)
    for (int i = first; i < last; i++) {
      const int64_t at = (static_cast<int64_t>(o / 32) * in + i) * 32 + o % 32;
      double z = accumulate ? w_before.data()[at] : 0, sum = std::fabs(z);
      for (int r = 0; r < rows; r++) {
        const double p = static_cast<double>(x.at(r, i)) * g.at(r, o);
        z += p;
        sum += std::fabs(p);
      }
      const double error = std::fabs(z - w.data()[at]), bound = (rows + 4) * kEps * sum + 1e-40;
      verdict.worst = std::fmax(verdict.worst, error / bound);
      if (!(error <= bound)) return verdict.fail(text + " error " + std::to_string(error) + " beyond " + std::to_string(bound));
    }
}

// 0 .. 2 tiles + 3 along each axis in turn, the others drawn; then shapes at the block boundaries.
template <class Case>
void sweep(const Subject& s, Verdict& verdict, Case run) {
  Random random(s.seed);
  for (int n = 0; n <= 67; n++) {
    for (int repeat = 0; repeat < 4; repeat++) {
      if (n <= 27) run(s, verdict, random, n, random.below(68), random.below(68));
      run(s, verdict, random, random.below(28), n, random.below(68));
      run(s, verdict, random, random.below(28), random.below(68), n);
    }
  }
  const int edges[] = {95, 96, 97, 127, 128, 129, 131, 256, 259};
  for (int n : edges) {
    run(s, verdict, random, n, 1 + random.below(40), 1 + random.below(40));
    run(s, verdict, random, 1 + random.below(14), n, 1 + random.below(40));
    run(s, verdict, random, 1 + random.below(14), 1 + random.below(40), n);
    run(s, verdict, random, 1 + random.below(3), n, 128 + random.below(40));
  }
  for (int n = 1; n <= 67; n++) {  // one to three rows have kernels of their own
    run(s, verdict, random, 1, n, 1 + random.below(200));
    run(s, verdict, random, 1, 1 + random.below(300), n);
    run(s, verdict, random, 2 + random.below(2), n, random.below(200));
  }
  run(s, verdict, random, 1 + random.below(27), 300, 250);  // weights past the second-level cache's share
}

}  // namespace

Verdict check_dense(const Subject& s) {
  Verdict verdict;
  sweep(s, verdict, dense_case);
  Random random(s.seed);
  for (int rows = 0; rows <= 40; rows++)
    for (int out = 1; out <= kFewOutputs; out++) dense_case(s, verdict, random, rows, kVirtualLanes + random.below(rows % 4 ? 60 : 300), out);
  for (int in : {15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 2047, 2048, 2049})  // sums by lanes: with tails of k, and the shapes that just have them or not
    for (int out = 1; out <= kFewOutputs + 1; out++) dense_case(s, verdict, random, 1 + random.below(20), in, out);
  return verdict;
}
Verdict check_weight_grad(const Subject& s) {
  Verdict verdict;
  sweep(s, verdict, weight_case);
  return verdict;
}

Verdict check_pack(const Subject& s) {
  Verdict verdict;
  Random random(s.seed);
  for (int n = 1; n <= 67; n++) {
    for (int repeat = 0; repeat < 3; repeat++) {
      const int out = repeat == 0 ? n : 1 + random.below(67), in = repeat == 1 ? n : 1 + random.below(67);
      verdict.cases++;
      const Guarded w = random_panels(random, out, in), t(static_cast<int64_t>(panels_of(in)) * out * 32), t_want(t.count());
      s.kernels.transpose_panels(w.data(), out, in, t.data());
      reference_kernels().transpose_panels(w.data(), out, in, t_want.data());
      if (memcmp(t.data(), t_want.data(), static_cast<size_t>(t.count()) * 4) != 0 || !t.intact()) verdict.fail(shape("transpose_panels", 0, in, out, 0));
      const int rows = 1 + random.below(27), stride = out + random.below(4);
      const Guarded flat(static_cast<int64_t>(rows - 1) * stride + out), back(flat.count());
      flat.fill(random);
      const Matrix y(rows, out, rows + random.below(3)), y_want(rows, out, static_cast<int>(y.block / 32));
      s.kernels.to_blocked(flat.data(), stride, y);
      reference_kernels().to_blocked(flat.data(), stride, y_want);
      compare(verdict, y, y_want, true, shape("to_blocked", rows, 0, out, stride));
      back.copy(flat);
      for (int r = 0; r < rows; r++)
        for (int c = 0; c < out; c++) back.data()[r * stride + c] = 0.0f;
      s.kernels.from_blocked(y, back.data(), stride);
      if (memcmp(flat.data(), back.data(), static_cast<size_t>(flat.count()) * 4) != 0 || !back.intact())
        verdict.fail(shape("from_blocked", rows, 0, out, stride));
    }
  }
  return verdict;
}

}  // namespace flow_test
