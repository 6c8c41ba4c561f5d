// The base of every native object that JavaScript holds: dispose() frees at once, later use is ERR_FLOW_DISPOSED, memory is told to the
// garbage collector. The object itself lives in a shared_ptr, so that running jobs keep what they work on.
#pragma once
#include <napi.h>

#include <memory>
#include <utility>

#include "binding/args.h"
#include "binding/environment.h"

namespace flow::binding {

template <class Self, class State>
class Handle : public Napi::ObjectWrap<Self> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info), environment_(&Environment::of(info.Env())) {
    info.This().template As<Napi::Object>().TypeTag(&Self::kTag);
  }

  void Finalize(Napi::Env env) override { forget(env); }

 protected:
  using Method = Napi::Value (Self::*)(const Napi::CallbackInfo&);

  // A read-only property. V8 checks the receiver of a class's methods, yet not of its accessors: the tag does, or another handle would be taken for ours.
  template <Method body>
  static void define_getter(Napi::Env env, const Napi::Function& constructor, const char* name) {
    Napi::Object prototype = constructor.Get("prototype").As<Napi::Object>();
    prototype.DefineProperty(Napi::PropertyDescriptor::Accessor(env, prototype, name, get<body>));
  }

  // A method as the class registers it: refused after dispose(), its failures translated.
  template <Method body>
  Napi::Value call(const Napi::CallbackInfo& info) {
    return guard(info.Env(), Self::kName, [&] {
      require_alive();
      return (static_cast<Self*>(this)->*body)(info);
    });
  }

  // Once more after a request was read: a getter in it may have called dispose().
  void require_alive() const {
    if (!state_) throw Failure{"ERR_FLOW_DISPOSED", Self::kName, "it is disposed and cannot be used any more", "", "Make a new one."};
  }

  template <Method body>
  static Napi::Value get(const Napi::CallbackInfo& info) {
    return guard(info.Env(), Self::kName, [&] {
      if (!info.This().IsObject() || !info.This().As<Napi::Object>().CheckTypeTag(&Self::kTag)) reject("ERR_FLOW_TYPE", "this", Self::kName, info.This());
      return Self::Unwrap(info.This().As<Napi::Object>())->template call<body>(info);
    });
  }

  // Idempotent. Running jobs on the object are asked to stop; its memory goes when they have.
  Napi::Value dispose(const Napi::CallbackInfo& info) {
    if (state_) environment_->jobs.stop_target(state_.get());
    forget(info.Env());
    return info.Env().Undefined();
  }

  // What a job has built for this object, if it is made for that (see construct.cc).
  std::shared_ptr<State> built() { return std::static_pointer_cast<State>(std::exchange(environment_->built, nullptr)); }
  void adopt(Napi::Env env, std::shared_ptr<State> state, int64_t bytes) {
    state_ = std::move(state);
    account(env, bytes);
  }
  void account(Napi::Env env, int64_t bytes) {
    bytes_ += bytes;
    Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  }

  Environment* environment_;
  std::shared_ptr<State> state_;

 private:
  void forget(Napi::Env env) {
    state_.reset();
    if (bytes_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -bytes_);
    bytes_ = 0;
  }
  int64_t bytes_ = 0;
};

}  // namespace flow::binding
