// The peak counts two flops per fma lane; the best of five stretches, since a neighbour can only make it slower.
#include "bench.h"

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace flow_test {
using namespace flow;

namespace {

double now() {  // processor time of this thread: others on the same core do not count
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Runs `body` (which does `work` units) for about the given time; the best of several equal stretches, in 1e9 units per second.
double rate(double work, double milliseconds, const std::function<void()>& body) {
  body();
  double t = now();
  int repeat = 1;
  for (;; repeat *= 2) {
    t = now();
    for (int i = 0; i < repeat; i++) body();
    t = now() - t;
    if (t * 1e3 * 5 >= milliseconds || repeat > 1 << 28) break;
  }
  double best = t;
  for (int round = 0; round < 4; round++) {
    const double start = now();
    for (int i = 0; i < repeat; i++) body();
    const double took = now() - start;
    if (took < best) best = took;
  }
  return work * repeat / best * 1e-9;
}

constexpr int kLoops = 4096, kChains = 12;
// Twelve chains named one by one: arrays of vectors go through memory below -O3. The empty asm keeps the compiler from merging rounds.
#define FLOW_CHAINS(STEP) STEP(a0) STEP(a1) STEP(a2) STEP(a3) STEP(a4) STEP(a5) STEP(a6) STEP(a7) STEP(a8) STEP(a9) STEP(a10) STEP(a11)
#define FLOW_PEAK(name, attributes, Vector, splat_of, fma_of, add_of, store_to, letter)                                                                  \
  attributes void name(float* out) {                                                                                                                     \
    const Vector b = splat_of(0.999f), c = splat_of(1e-3f);                                                                                              \
    Vector a0 = b, a1 = b, a2 = b, a3 = b, a4 = b, a5 = b, a6 = b, a7 = b, a8 = b, a9 = b, a10 = b, a11 = b;                                             \
    for (int i = 0; i < kLoops; i++) {                                                                                                                   \
      FLOW_CHAINS(fma_of)                                                                                                                                \
      __asm__ volatile(""                                                                                                                                \
                       : "+" letter(a0), "+" letter(a1), "+" letter(a2), "+" letter(a3), "+" letter(a4), "+" letter(a5), "+" letter(a6), "+" letter(a7), \
                         "+" letter(a8), "+" letter(a9), "+" letter(a10), "+" letter(a11));                                                              \
    }                                                                                                                                                    \
    FLOW_CHAINS(add_of)                                                                                                                                  \
    store_to(out, a0);                                                                                                                                   \
  }
#if defined(__x86_64__)
#define FLOW_FMA(a) a = _mm512_fmadd_ps(a, b, c);
#define FLOW_ADD(a) a0 = _mm512_add_ps(a0, a);
FLOW_PEAK(fma_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, FLOW_FMA, FLOW_ADD, _mm512_storeu_ps, "v")
#undef FLOW_FMA
#undef FLOW_ADD
#define FLOW_FMA(a) a = _mm256_fmadd_ps(a, b, c);
#define FLOW_ADD(a) a0 = _mm256_add_ps(a0, a);
FLOW_PEAK(fma_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, FLOW_FMA, FLOW_ADD, _mm256_storeu_ps, "x")
#undef FLOW_FMA
#undef FLOW_ADD
#define FLOW_FMA(a) a = _mm_add_ps(_mm_mul_ps(a, b), c);
#define FLOW_ADD(a) a0 = _mm_add_ps(a0, a);
FLOW_PEAK(multiply_add_sse, , __m128, _mm_set1_ps, FLOW_FMA, FLOW_ADD, _mm_storeu_ps, "x")
#elif defined(__aarch64__)
#define FLOW_FMA(a) a = vfmaq_f32(c, a, b);
#define FLOW_ADD(a) a0 = vaddq_f32(a0, a);
inline void store_neon(float* out, float32x4_t a) { vst1q_f32(out, a); }
FLOW_PEAK(fma_neon, , float32x4_t, vdupq_n_f32, FLOW_FMA, FLOW_ADD, store_neon, "w")
#endif

struct Buffer {
  float* data;
  explicit Buffer(int64_t floats) : data(static_cast<float*>(std::aligned_alloc(4096, static_cast<size_t>((floats * 4 + 4095) / 4096 * 4096 + 4096)))) {
    for (int64_t i = 0; i < floats; i++) data[i] = static_cast<float>((i * 7919) % 1000 - 500) * 1e-3f;
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { std::free(data); }
};
int64_t padded(int n) { return (n + 31) / 32 * 32; }

}  // namespace

// Independent chains for the ISA: its function and the flops of one call.
static std::pair<void (*)(float*), double> chains_of([[maybe_unused]] const std::string& isa) {
  constexpr double kFlops = 2.0 * kChains * kLoops;
#if defined(__x86_64__)
  if (isa == "avx512") return {fma_avx512, 16 * kFlops};
  if (isa == "avx2") return {fma_avx2, 8 * kFlops};
  return {multiply_add_sse, 4 * kFlops};
#elif defined(__aarch64__)
  return {fma_neon, 4 * kFlops};
#else
  return {[](float*) {}, 0};
#endif
}

double peak_gflops(const std::string& isa, double milliseconds, int threads) {
  const auto [chains, flops] = chains_of(isa);
  float sink[16];
  const double one = rate(flops, milliseconds, [&] { chains(sink); });
  if (threads <= 1 || one <= 0) return one;
  const int repeat = static_cast<int>(milliseconds * 1e6 / 5 * one / flops) + 1;
  double best = 0;
  for (int round = 0; round < 5; round++) {
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    const auto work = [&] {
      float out[16];
      ready.fetch_add(1);
      while (!go.load()) {
      }
      for (int i = 0; i < repeat; i++) chains(out);
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; i++) others.emplace_back(work);
    while (ready.load() < threads - 1) {
    }
    const auto start = std::chrono::steady_clock::now();
    go.store(true);
    for (int i = 0; i < repeat; i++) chains(sink);
    for (std::thread& other : others) other.join();
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double all = threads * flops * repeat / took * 1e-9;
    if (all > best) best = all;
  }
  return best;
}

double kernel_speed(const Kernels& k, const std::string& kernel, int rows, int in, int out, double milliseconds) {
  const int64_t x_size = padded(in) * rows, y_size = padded(out) * rows, block = static_cast<int64_t>(rows) * 32;
  const Buffer x(x_size), y(y_size), slope(y_size), w(padded(out) * padded(in)), t(padded(out) * padded(in)), bias(padded(out));
  const ConstBlocked xm(x.data, block, rows, in), none(nullptr, 0, 0, 0);
  const Blocked ym{y.data, block, rows, out}, sm{slope.data, block, rows, out};
  const double flops = 2.0 * rows * in * out;
  if (kernel == "dense" || kernel == "dense_silu" || kernel == "dense_silu_slope") {
    const DenseArgs args{
        xm, w.data, bias.data, kernel == "dense" ? Activation::kIdentity : Activation::kSilu, ym, kernel == "dense_silu_slope" ? sm : Blocked{}, none, false};
    return rate(flops, milliseconds, [&] { k.dense(args); });
  }
  if (kernel == "weight_grad") {
    const WeightGradArgs args{xm, ym, w.data, bias.data, 0, (out + 31) / 32, false};
    return rate(flops, milliseconds, [&] { k.weight_grad(args); });
  }
  if (kernel == "transpose_panels") return rate(static_cast<double>(in) * out, milliseconds, [&] { k.transpose_panels(w.data, out, in, t.data); });
  if (kernel == "random_normal") return rate(static_cast<double>(rows) * out, milliseconds, [&] { k.random_normal({1, 2}, 3, 0, rows, out, y.data, out); });
  if (kernel == "adam") {
    const Buffer m(y_size), v(y_size);
    std::memset(v.data, 0, static_cast<size_t>(y_size) * 4);
    AdamArgs a{};
    a.n = y_size, a.p = y.data, a.g = slope.data, a.m = m.data, a.v = v.data, a.ema = nullptr, a.grad_scale = 1, a.lr = 0, a.beta1 = 0.9, a.beta2 = 0.999,
    a.epsilon = 1e-8f;
    a.weight_decay = 0, a.correction1 = 1, a.correction2 = 1, a.ema_decay = 0;
    return rate(static_cast<double>(y_size), milliseconds, [&] { k.adam(a); });
  }
  const char* names[] = {"identity", "silu", "gelu", "selu", "elu", "relu", "tanh"};
  for (int act = 0; act < 7; act++)
    if (kernel == names[act])
      return rate(static_cast<double>(y_size), milliseconds, [&] { k.activate(static_cast<Activation>(act), y_size, slope.data, y.data, nullptr); });
  return 0;
}

}  // namespace flow_test
