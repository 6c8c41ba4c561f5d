#include "binding/construct.h"

#include "binding/environment.h"
#include "binding/floats.h"
#include "binding/network.h"
#include "binding/trainer.h"
#include "binding/trainer_request.h"

namespace flow::binding {

namespace {

// Submits `work`, whose product `state` becomes an object of the class on the JavaScript thread.
template <class State>
Napi::Value submit(Napi::Env env, const char* name, Napi::FunctionReference Environment::* constructor, std::shared_ptr<State> state,
                   std::function<void(State&)> work) {
  auto job = std::make_unique<Job>();
  job->name = name;
  job->lane = Lane::kShort;
  job->owner = nullptr;
  job->target = nullptr;
  job->work = [name, state, work = std::move(work)](const StopFlag& stop) {
    if (stop.requested()) throw stopped_failure(name);
    work(*state);
    if (stop.requested()) throw stopped_failure(name);
  };
  job->finish = [state, constructor](Napi::Env settled) -> Napi::Value {
    Environment& environment = Environment::of(settled);
    environment.built = state;
    return (environment.*constructor).New({});
  };
  return Environment::of(env).jobs.submit(env, std::move(job));
}

// A request under way holds its datasets as the trainer will: nobody may change them meanwhile.
struct Pinned {
  explicit Pinned(const Napi::Value& value) : request(value) {
    for (const auto& set : {request.options.data, request.options.source, request.options.condition})
      if (set) set->pin();
  }
  ~Pinned() {
    for (const auto& set : {request.options.data, request.options.source, request.options.condition})
      if (set) set->unpin();
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  TrainerRequest request;
};

}  // namespace

Napi::Value create_network(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "createNetwork", [&] {
    struct Inputs {
      std::vector<int32_t> words;
      std::vector<float> constants, parameters;
    };
    auto in = std::make_shared<Inputs>();
    in->words = integers(info[0], "program");
    in->constants = floats(info[1], "constants");
    in->parameters = FloatsHandle::take(info[2], "parameters");
    return submit<Network>(info.Env(), "createNetwork", &Environment::network, std::make_shared<Network>(), [in](Network& network) {
      check(network.init(in->words.data(), static_cast<int64_t>(in->words.size()), in->constants.data(), static_cast<int64_t>(in->constants.size()),
                         in->parameters.data(), static_cast<int64_t>(in->parameters.size())),
            "parameters");
    });
  });
}

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "createTrainer", [&] {
    auto in = std::make_shared<Pinned>(info[0]);
    return submit<TrainerState>(info.Env(), "createTrainer", &Environment::trainer, std::make_shared<TrainerState>(),
                                [in](TrainerState& state) { check(state.trainer.init(in->request.options), "Trainer"); });
  });
}

}  // namespace flow::binding
