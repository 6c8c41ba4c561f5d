// Bandwidth of one core by footprint, and the rows of a training batch alone: what the roofline and the share of random numbers in docs/performance.md come
// from.
#include <ctime>
#include <memory>
#include <vector>

#include "bench.h"
#include "core/buffer.h"
#include "train/batch.h"

namespace flow_test {
using namespace flow;

namespace {

double now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Seconds of one call: the best of five stretches that fill the given time together.
template <class Body>
double best_of(double milliseconds, const Body& body) {
  body();
  int64_t repeat = 1;
  double best = 0;
  for (;; repeat *= 2) {
    const double start = now();
    for (int64_t i = 0; i < repeat; ++i) body();
    best = (now() - start) / static_cast<double>(repeat);
    if (best * static_cast<double>(repeat) * 5e3 >= milliseconds || repeat > int64_t{1} << 30) break;
  }
  for (int round = 0; round < 4; ++round) {
    const double start = now();
    for (int64_t i = 0; i < repeat; ++i) body();
    const double took = (now() - start) / static_cast<double>(repeat);
    if (took < best) best = took;
  }
  return best;
}

// Eight vectors at a time; the empty asm keeps the compiler from leaving out a pass whose result nobody reads.
#define FLOW_STREAMS(suffix, attributes, bytes)                                     \
  typedef float Vector##suffix __attribute__((vector_size(bytes), aligned(bytes))); \
  attributes void read##suffix(const float* from, int64_t floats, float* out) {     \
    const auto* p = reinterpret_cast<const Vector##suffix*>(from);                  \
    Vector##suffix s[8] = {};                                                       \
    for (int64_t i = 0; i < floats * 4 / (bytes); i += 8)                           \
      for (int j = 0; j < 8; ++j) s[j] += p[i + j];                                 \
    for (int j = 0; j < 8; ++j) out[j] = s[j][0];                                   \
  }                                                                                 \
  attributes void write##suffix(float* to, int64_t floats) {                        \
    auto* p = reinterpret_cast<Vector##suffix*>(to);                                \
    const Vector##suffix zero = {};                                                 \
    for (int64_t i = 0; i < floats * 4 / (bytes); i += 8) {                         \
      for (int j = 0; j < 8; ++j) p[i + j] = zero;                                  \
      __asm__ volatile("" ::: "memory");                                            \
    }                                                                               \
  }                                                                                 \
  attributes void copy##suffix(const float* from, float* to, int64_t floats) {      \
    const auto* p = reinterpret_cast<const Vector##suffix*>(from);                  \
    auto* q = reinterpret_cast<Vector##suffix*>(to);                                \
    for (int64_t i = 0; i < floats * 4 / (bytes); i += 8) {                         \
      for (int j = 0; j < 8; ++j) q[i + j] = p[i + j];                              \
      __asm__ volatile("" ::: "memory");                                            \
    }                                                                               \
  }
#if defined(__x86_64__)
FLOW_STREAMS(512, __attribute__((target("avx512f"))), 64)
FLOW_STREAMS(256, __attribute__((target("avx2"))), 32)
#endif
FLOW_STREAMS(128, , 16)

}  // namespace

double bandwidth(const std::string& isa, const std::string& kind, double bytes, double milliseconds) {
  const int64_t floats = static_cast<int64_t>(bytes) / 4 / 128 * 128;
  const int64_t half = floats / 2 / 128 * 128;
  flow::Buffer<float> buffer;
  if (floats < 128 || !buffer.allocate(floats).ok()) return 0;
  float out[8];
  float* const p = buffer.data();
  const auto rate = [&](auto read, auto write, auto copy) {
    if (kind == "read") return static_cast<double>(floats * 4) / best_of(milliseconds, [&] { read(p, floats, out); });
    if (kind == "write") return static_cast<double>(floats * 4) / best_of(milliseconds, [&] { write(p, floats); });
    return static_cast<double>(half * 8) / best_of(milliseconds, [&] { copy(p, p + half, half); });  // read and written
  };
#if defined(__x86_64__)
  if (isa == "avx512") return 1e-9 * rate(read512, write512, copy512);
  if (isa == "avx2") return 1e-9 * rate(read256, write256, copy256);
#endif
  return 1e-9 * rate(read128, write128, copy128);
}

double batch_seconds(int32_t d, int64_t batch_rows, int64_t data_rows, double milliseconds) {
  auto data = std::make_shared<Dataset>(d);
  const std::vector<float> values(static_cast<size_t>(data_rows * d), 0.5f);
  if (!data->append(values.data(), data_rows).ok()) return 0;
  std::vector<uint32_t> rows(static_cast<size_t>(data_rows));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint32_t>(i);
  TrainerOptions options;
  options.data = data;
  options.train_rows = rows.data();
  options.train_count = data_rows;
  options.batch_size = batch_rows;
  options.seed = 1;
  options.replacement = true;
  Batch batch;
  BatchScratch scratch;
  constexpr int32_t kTile = 132;
  const int64_t width = round_up(d, kLanes);
  flow::Buffer<float> x, t, u;
  if (!batch.init(options, d, 0).ok() || !scratch.init(kTile, d, 0, batch.bridge()).ok()) return 0;
  if (!x.allocate(width * kTile).ok() || !t.allocate(int64_t{kLanes} * kTile).ok() || !u.allocate(width * kTile).ok()) return 0;
  uint64_t step = 0;
  return best_of(milliseconds, [&] {
    for (int64_t first = 0; first < batch_rows; first += kTile) {
      const int32_t count = static_cast<int32_t>(batch_rows - first < kTile ? batch_rows - first : kTile);
      const int64_t stride = int64_t{kTile} * kLanes;
      batch.fill(step, first, count, {}, scratch,
                 {{x.data(), stride, count, d}, {t.data(), stride, count, 1}, {nullptr, 0, count, 0}, {u.data(), stride, count, d}});
    }
    ++step;
  });
}

}  // namespace flow_test
