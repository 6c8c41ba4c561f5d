// How the binding reports failure: one record with the fields of FlowError, thrown inside native/binding/ only, and one boundary
// (`guard`) that turns it, bad_alloc and anything else into a JavaScript error. Nothing else in the addon throws.
#pragma once
#include <napi.h>

#include <new>
#include <stdexcept>
#include <string>

#include "core/status.h"

namespace flow::binding {

struct Failure {
  const char* code;  // "ERR_FLOW_..."
  std::string path, expected, received, hint;
};

inline Failure out_of_memory_failure(const char* path) {
  return {"ERR_FLOW_NOMEM", path, "enough memory", "a failed allocation", "Use smaller pieces, or a machine with more memory."};
}

inline Failure stopped_failure(const char* path) { return {"ABORT_ERR", path, "the job was stopped before it had finished", "", ""}; }

// The core's status in the words of FlowError; `path` names the call or the option.
Failure failure_from(const Status& status, const char* path);
// Throws when the status is not ok.
inline void check(const Status& status, const char* path) {
  if (!status.ok()) throw failure_from(status, path);
}

// A FlowError, made by the function that load.ts registered (a plain Error with the same properties before that).
Napi::Value to_javascript(Napi::Env env, const Failure& failure);

// The exception in flight as a Failure; call inside a catch block, never with a Napi::Error.
Failure current_failure(const char* path) noexcept;

// Runs `body` on the JavaScript thread; whatever it throws leaves as a Napi::Error, which node-addon-api hands to JavaScript.
template <class Body>
auto guard(Napi::Env env, const char* path, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, to_javascript(env, current_failure(path)));
  }
}

}  // namespace flow::binding
