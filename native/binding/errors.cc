#include "binding/errors.h"

#include "binding/environment.h"

namespace flow::binding {

Failure failure_from(const Status& status, const char* path) {
  std::string where = path;
  switch (status.code) {
    case Code::kOk:
      break;
    case Code::kMemory:
      return out_of_memory_failure(path);
    case Code::kArgument:
      if (status.index >= 0) where.append("[").append(std::to_string(status.index)).append("]");
      return {"ERR_FLOW_RANGE", where, status.what, "", ""};
    case Code::kProgram:
      return {"ERR_FLOW_CONFIG", "program word " + std::to_string(status.index), status.what, "", ""};
    case Code::kNonfinite:
      where = status.column >= 0 ? "row " + std::to_string(status.index) + ", column " + std::to_string(status.column)
                                 : where + "[" + std::to_string(status.index) + "]";
      return {"ERR_FLOW_NONFINITE", where, "finite values", "NaN or infinity", "Leave such rows out or replace the values."};
    case Code::kState:
      return {"ERR_FLOW_STATE", path, status.what, "", ""};
  }
  return {"ERR_FLOW_STATE", path, status.what, "", ""};
}

static std::string sentence(const Failure& f) {
  std::string text = f.path;
  if (!f.received.empty()) {
    text += ": expected " + f.expected + ", got " + f.received + ".";
  } else {
    text += ": " + f.expected + ".";
  }
  if (!f.hint.empty()) text += " " + f.hint;
  return text;
}

Napi::Value to_javascript(Napi::Env env, const Failure& f) {
  const auto optional = [env](const std::string& text) -> napi_value { return text.empty() ? env.Undefined() : Napi::Value(Napi::String::New(env, text)); };
  const std::string message = sentence(f);
  Environment& environment = Environment::of(env);
  if (!environment.error_factory.IsEmpty()) {
    return environment.error_factory.Call(
        {Napi::String::New(env, f.code), Napi::String::New(env, message), optional(f.path), optional(f.expected), optional(f.received), optional(f.hint)});
  }
  const Napi::Error error = Napi::Error::New(env, message);
  Napi::Object value = error.Value();
  value.Set("code", f.code);
  value.Set("path", optional(f.path));
  value.Set("expected", optional(f.expected));
  value.Set("received", optional(f.received));
  value.Set("hint", optional(f.hint));
  return value;
}

Failure current_failure(const char* path) noexcept {
  try {
    throw;
  } catch (const Failure& f) {
    return f;
  } catch (const std::bad_alloc&) {
    return out_of_memory_failure(path);
  } catch (const std::length_error&) {
    return {"ERR_FLOW_LIMIT", path, "a size that fits into memory", "a larger one", ""};
  } catch (const std::exception& e) {
    return {"ERR_FLOW_STATE", path, std::string("an unexpected native failure: ") + e.what(), "", ""};
  } catch (...) {
    return {"ERR_FLOW_STATE", path, "an unexpected native failure", "", ""};
  }
}

}  // namespace flow::binding
