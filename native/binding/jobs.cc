#include "binding/jobs.h"

#include "core/glibc_floor.h"
#include "core/subnormals.h"

#include <signal.h>

#include <algorithm>

namespace flow::binding {

constexpr size_t kStackBytes = size_t{1} << 20;  // musl's default of 128 KiB is too little

Jobs::~Jobs() { shut_down(); }

Napi::Value Jobs::submit(Napi::Env env, std::unique_ptr<Job> job) {
  if (closing_) throw Failure{"ERR_FLOW_STATE", job->name, "no new job can start: this thread is exiting", "", ""};
  if (started_ < kDispatchers) start(env);

  napi_value promise;
  if (napi_create_promise(env, &job->deferred, &promise) != napi_ok) throw Napi::Error::New(env);
  std::shared_ptr<StopFlag> stop = job->stop;
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("done", Napi::Value(env, promise));
  handle.Set("stop", Napi::Function::New(env, [stop](const Napi::CallbackInfo&) { stop->request(); }, "stop"));

  live_.reserve(live_.size() + 1);
  {
    const std::lock_guard lock(mutex_);
    const void* const target = job->target;
    queue_.push_back(std::move(job));  // may throw; what follows does not
    live_.emplace_back(target, std::move(stop));
  }
  if (live_.size() == 1) napi_ref_threadsafe_function(env, completion_);
  wake();
  return handle;
}

void Jobs::stop_target(const void* target) {
  for (auto& [owner, flag] : live_) {
    if (owner == target) flag->request();
  }
}

void Jobs::close() {
  closing_ = true;
  for (auto& [owner, flag] : live_) flag->request();
}

void Jobs::start(Napi::Env env) {
  if (completion_ == nullptr) {
    const napi_value name = Napi::String::New(env, "flowmatch jobs");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, on_finished, &completion_) != napi_ok) {
      completion_ = nullptr;
      throw out_of_memory_failure("jobs");
    }
    napi_unref_threadsafe_function(env, completion_);
    napi_add_env_cleanup_hook(env, on_cleanup, this);
  }
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) throw out_of_memory_failure("jobs");
  pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all, before;  // signals belong to the host's threads
  sigfillset(&all);
  for (const int fault : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGABRT}) sigdelset(&all, fault);  // a fault of the thread's own must reach its handler
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started_ < kDispatchers) {
    Dispatcher& d = dispatchers_[started_];
    d.jobs = this;
    d.training = started_ == 0;
    if (pthread_create(&d.thread, &attributes, dispatch, &d) != 0) break;
    ++started_;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (started_ == 0) throw Failure{"ERR_FLOW_NOMEM", "jobs", "a thread", "none from the system", "Raise the limit on threads (ulimit -u)."};
}

// ---- dispatcher threads ----

void* Jobs::dispatch(void* pointer) {
  Dispatcher& self = *static_cast<Dispatcher*>(pointer);
  Jobs& jobs = *self.jobs;
  const FlushSubnormals flush;
  while (std::unique_ptr<Job> job = jobs.take(self)) {
    try {
      job->work(*job->stop);
    } catch (...) {
      job->failure = current_failure(job->name);
    }
    jobs.finish(self, std::move(job));
  }
  return nullptr;
}

void Jobs::finish(Dispatcher& self, std::unique_ptr<Job> job) {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    self.current = nullptr;
    first = finished_ == nullptr;
    auto& slot = first ? finished_ : last_finished_->next;
    slot = std::move(job);
    last_finished_ = slot.get();
  }
  wake();  // a job of the same owner may be free now
  if (first) napi_call_threadsafe_function(completion_, nullptr, napi_tsfn_nonblocking);
}

std::unique_ptr<Job> Jobs::take(Dispatcher& self) {
  for (;;) {
    const uint32_t seen = changes_.load(std::memory_order_acquire);
    {
      const std::lock_guard lock(mutex_);
      if (shutting_down_) return nullptr;
      const auto chosen = choose(self);
      if (chosen != queue_.end()) {
        std::unique_ptr<Job> job = std::move(*chosen);
        queue_.erase(chosen);
        self.current = job.get();
        self.last_was_short = job->lane == Lane::kShort;
        return job;
      }
    }
    changes_.wait(seen, std::memory_order_acquire);
  }
}

Jobs::Queue::iterator Jobs::choose(const Dispatcher& self) {
  auto first_short = queue_.end(), first_slice = queue_.end();
  for (auto it = queue_.begin(); it != queue_.end(); ++it) {
    auto& first = (*it)->lane == Lane::kShort ? first_short : first_slice;
    if (first == queue_.end() && !blocked(**it, it)) first = it;
  }
  if (!self.training) return first_short;
  const bool slice_next = first_slice != queue_.end() && (first_short == queue_.end() || self.last_was_short);
  return slice_next ? first_slice : first_short;
}

bool Jobs::blocked(const Job& job, Queue::iterator position) {
  if (job.owner == nullptr) return false;
  for (const Dispatcher& d : dispatchers_) {
    if (d.current != nullptr && d.current->owner == job.owner) return true;
  }
  return std::any_of(queue_.begin(), position, [&job](const auto& earlier) { return earlier->owner == job.owner; });
}

void Jobs::wake() {
  changes_.fetch_add(1, std::memory_order_release);
  changes_.notify_all();
}

// ---- back on the JavaScript thread ----

void Jobs::on_finished(napi_env env, napi_value, void* self, void*) {
  if (env == nullptr) return;  // the environment is going: nothing settles any more
  Jobs& jobs = *static_cast<Jobs*>(self);
  std::unique_ptr<Job> job;
  {
    const std::lock_guard lock(jobs.mutex_);
    job = std::move(jobs.finished_);
  }
  for (; job != nullptr; job = std::unique_ptr<Job>(std::move(job->next))) {
    jobs.settle(env, *job);
    std::erase_if(jobs.live_, [&job](const auto& entry) { return entry.second == job->stop; });
  }
  if (jobs.live_.empty()) napi_unref_threadsafe_function(env, jobs.completion_);
}

// Builds the result and settles the promise. Where JavaScript cannot run any more (terminate()), the promise stays as it is.
void Jobs::settle(napi_env raw, Job& job) {
  const Napi::Env env(raw);
  const Napi::HandleScope scope(env);
  try {
    if (job.release) job.release();
    try {
      if (job.failure) throw *job.failure;
      const Napi::Value value = job.finish(env);
      napi_resolve_deferred(env, job.deferred, value);
    } catch (const Napi::Error& error) {
      napi_reject_deferred(env, job.deferred, error.Value());
    } catch (...) {
      napi_reject_deferred(env, job.deferred, to_javascript(env, current_failure(job.name)));
    }
  } catch (...) {
    // Not settled: no JavaScript can run.
  }
}

void Jobs::on_cleanup(void* self) { static_cast<Jobs*>(self)->shut_down(); }

void Jobs::shut_down() {
  close();
  {
    const std::lock_guard lock(mutex_);
    shutting_down_ = true;
  }
  wake();
  for (; started_ > 0; --started_) pthread_join(dispatchers_[started_ - 1].thread, nullptr);
  queue_.clear();  // their references die while the environment still lives
  while (finished_ != nullptr) finished_ = std::unique_ptr<Job>(std::move(finished_->next));
  live_.clear();
  if (completion_ != nullptr) napi_release_threadsafe_function(completion_, napi_tsfn_abort);
  completion_ = nullptr;
}

}  // namespace flow::binding
