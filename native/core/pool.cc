// Loops stand in a fixed table of slots. A slot's `gate` packs: bit 31 open | bits 16..23 how many may join | 8..15 joined so far | 0..7 present now
// (all in one word: a worker that looked at a loop which has ended since can only join on the terms of the loop that stands there now).
// Workers join an open slot by a compare-and-swap, take tasks from its counter, and leave; the caller closes the gate and waits until nobody is present.
// Slots are static and trivially destructible: nothing is torn down at exit, and a late worker never reads freed memory.
#include "core/pool.h"

#include "core/glibc_floor.h"
#include "core/subnormals.h"

#include <atomic>
#include <chrono>
#include <initializer_list>
#if defined(_WIN32)
#include <thread>
#else
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace flow {

namespace {

constexpr uint32_t kOpen = 1u << 31;
constexpr uint32_t kJoined = 1u << 8;
constexpr uint32_t kPresent = 0xff;
constexpr int kSlots = 64;
constexpr int64_t kSpinNanoseconds = 20'000;

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t now() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct alignas(128) Slot {
  std::atomic<uint32_t> busy{0};  // owned by a caller
  std::atomic<uint32_t> gate{0};
  Task fn = nullptr;
  void* context = nullptr;
  int64_t tasks = 0;
  alignas(64) std::atomic<int64_t> next{0};
};

constinit Slot slots[kSlots];
constinit std::atomic<uint32_t> epoch{0};     // raised when a loop opens
constinit std::atomic<uint32_t> sleepers{0};  // workers in epoch.wait
constinit std::atomic<int32_t> started{0};    // workers that run
constinit std::atomic<uint32_t> starting{0};  // lock of the starter

void run_tasks(Slot& slot, int32_t runner) {
  for (;;) {
    const int64_t task = slot.next.fetch_add(1, std::memory_order_relaxed);
    if (task >= slot.tasks) return;
    slot.fn(slot.context, task, runner);
  }
}

// Joins one open loop and works in it; false when none wants a hand.
bool help() {
  for (Slot& slot : slots) {
    uint32_t gate = slot.gate.load(std::memory_order_relaxed);
    while ((gate & kOpen) != 0) {
      const uint32_t joined = (gate >> 8) & 0xff;
      if (joined >= ((gate >> 16) & 0xff)) break;
      if (!slot.gate.compare_exchange_weak(gate, gate + kJoined + 1, std::memory_order_acquire, std::memory_order_relaxed)) continue;
      run_tasks(slot, static_cast<int32_t>(joined) + 1);
      if (((slot.gate.fetch_sub(1, std::memory_order_acq_rel) - 1) & (kPresent | kOpen)) == 0) slot.gate.notify_one();
      return true;
    }
  }
  return false;
}

void worker_loop() {
  const FlushSubnormals flush;
  for (;;) {
    const uint32_t seen = epoch.load(std::memory_order_seq_cst);
    if (help()) continue;
    const int64_t until = now() + kSpinNanoseconds;
    bool changed = false;
    while (!changed && now() < until) {
      for (int i = 0; i < 32 && !changed; ++i) {
        pause();
        changed = epoch.load(std::memory_order_relaxed) != seen;
      }
    }
    if (changed) continue;
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    if (epoch.load(std::memory_order_seq_cst) == seen) epoch.wait(seen, std::memory_order_seq_cst);
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
  }
}

#if defined(_WIN32)
bool start_worker() {
  std::thread(worker_loop).detach();
  return true;
}
#else
void* worker_main(void*) {
  worker_loop();
  return nullptr;
}

bool start_worker() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, size_t{1} << 20);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;  // signals belong to the host's threads; a fault of the thread's own must reach its handler
  sigfillset(&all);
  for (const int fault : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool ok = pthread_create(&thread, &attributes, worker_main, nullptr) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return ok;
}
#endif

void ensure_workers(int32_t wanted) {
  if (started.load(std::memory_order_relaxed) >= wanted) return;
  if (starting.exchange(1, std::memory_order_acquire) != 0) return;  // another caller is at it
  while (started.load(std::memory_order_relaxed) < wanted && start_worker()) started.fetch_add(1, std::memory_order_relaxed);
  starting.store(0, std::memory_order_release);
}

void run_inline(int64_t tasks, Task fn, void* context) {
  for (int64_t task = 0; task < tasks; ++task) fn(context, task, 0);
}

}  // namespace

void parallel_for(int64_t tasks, int32_t threads, Task fn, void* context) {
  if (tasks <= 0) return;
  if (threads > tasks) threads = static_cast<int32_t>(tasks);
  if (threads <= 1) return run_inline(tasks, fn, context);
  ensure_workers(threads - 1);
  Slot* slot = nullptr;
  for (Slot& candidate : slots)
    if (candidate.busy.load(std::memory_order_relaxed) == 0 && candidate.busy.exchange(1, std::memory_order_acquire) == 0) {
      slot = &candidate;
      break;
    }
  if (slot == nullptr) return run_inline(tasks, fn, context);

  slot->fn = fn;
  slot->context = context;
  slot->tasks = tasks;
  slot->next.store(0, std::memory_order_relaxed);
  slot->gate.store(kOpen | static_cast<uint32_t>(threads - 1) << 16, std::memory_order_release);
  epoch.fetch_add(1, std::memory_order_seq_cst);
  for (uint32_t asleep = sleepers.load(std::memory_order_seq_cst), n = static_cast<uint32_t>(threads - 1); asleep > 0 && n > 0; --asleep, --n)
    epoch.notify_one();

  run_tasks(*slot, 0);

  uint32_t gate = slot->gate.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  if ((gate & kPresent) != 0) {
    const int64_t until = now() + kSpinNanoseconds;
    while (((gate = slot->gate.load(std::memory_order_acquire)) & kPresent) != 0) {
      if (now() < until)
        for (int i = 0; i < 32; ++i) pause();
      else slot->gate.wait(gate, std::memory_order_acquire);
    }
  }
  slot->busy.store(0, std::memory_order_release);
}

}  // namespace flow
