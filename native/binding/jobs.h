// Jobs: work that leaves the JavaScript thread. submit() queues it and returns {done, stop}; two dispatcher threads of this environment run it
// (never libuv's pool); the result is built back on the JavaScript thread.
//
//   Order. Jobs of one owner run one after another, as submitted. Otherwise short jobs (sampling, scoring, moments) go before training
//   slices: one dispatcher takes short jobs only, the other takes both in turn, so that neither starves the other.
//   Life. A pending job keeps the process alive, an idle queue does not. When the environment goes (process.exit(), worker.terminate()),
//   a cleanup hook raises every stop flag and joins the threads; jobs still pending then never settle.
//   The thread-safe function is made before the hook is added, and hooks run in reverse: the threads are gone before Node closes it.
//   (napi_async_work, seen elsewhere, cannot be cancelled at teardown: it holds terminate() until the job has finished.)
#pragma once
#include <napi.h>
#include <pthread.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "binding/errors.h"
#include "core/stop.h"

namespace flow::binding {

enum class Lane { kShort, kTraining };

struct Job {
  const char* name;  // the call, for messages
  Lane lane;
  const void* owner;                             // jobs of one owner run in order; null = free
  const void* target;                            // stopped when this object is disposed
  std::function<void(const StopFlag&)> work;     // on a dispatcher; may throw Failure
  std::function<Napi::Value(Napi::Env)> finish;  // on the JavaScript thread, after work succeeded
  std::function<void()> release;                 // on the JavaScript thread, whatever happened, before the promise settles

  std::shared_ptr<StopFlag> stop = std::make_shared<StopFlag>();
  std::optional<Failure> failure;
  napi_deferred deferred = nullptr;
  std::unique_ptr<Job> next;  // in the list of finished jobs
};

class Jobs {
 public:
  Jobs() = default;
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // {done, stop}. Throws ERR_FLOW_STATE when the environment is closing, ERR_FLOW_NOMEM when no thread can be started.
  Napi::Value submit(Napi::Env env, std::unique_ptr<Job> job);
  // Asks every job on this object to stop.
  void stop_target(const void* target);
  // Refuses new jobs and asks all to stop: the environment is about to go.
  void close();

 private:
  static constexpr int kDispatchers = 2;
  using Queue = std::deque<std::unique_ptr<Job>>;
  struct Dispatcher {
    Jobs* jobs = nullptr;
    bool training = false;  // whether it takes training slices
    bool last_was_short = false;
    const Job* current = nullptr;  // guarded by mutex_
    pthread_t thread{};
  };

  void start(Napi::Env env);
  static void* dispatch(void* dispatcher);
  std::unique_ptr<Job> take(Dispatcher& self);  // null: shut down
  void finish(Dispatcher& self, std::unique_ptr<Job> job);
  Queue::iterator choose(const Dispatcher& self);
  bool blocked(const Job& job, Queue::iterator position);
  void wake();
  static void on_finished(napi_env env, napi_value, void* self, void*);
  void settle(napi_env env, Job& job);
  static void on_cleanup(void* self);
  void shut_down();

  std::mutex mutex_;  // guards the four below and Dispatcher::current
  Queue queue_;
  std::unique_ptr<Job> finished_;  // a list, oldest first: a dispatcher never allocates
  Job* last_finished_ = nullptr;
  bool shutting_down_ = false;
  std::atomic<uint32_t> changes_{0};  // bumped when the queue may have something to take

  // JavaScript thread only.
  std::vector<std::pair<const void*, std::shared_ptr<StopFlag>>> live_;
  napi_threadsafe_function completion_ = nullptr;
  Dispatcher dispatchers_[kDispatchers];
  int started_ = 0;
  bool closing_ = false;
};

}  // namespace flow::binding
