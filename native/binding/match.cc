#include "binding/match.h"

#include <algorithm>
#include <cmath>

#include "binding/args.h"
#include "binding/environment.h"
#include "core/pool.h"
#include "ot/point_assignment.h"

namespace flow::binding {

static void require_finite(const std::vector<double>& points, int32_t columns, const char* path) {
  for (size_t i = 0; i < points.size(); ++i) {
    if (std::isfinite(points[i])) continue;
    const auto at = static_cast<int64_t>(i);
    throw Failure{"ERR_FLOW_NONFINITE", std::string(path) + ", row " + std::to_string(at / columns) + ", column " + std::to_string(at % columns),
                  "a finite number", "NaN or infinity", ""};
  }
}

// matchPoints(x, y, columns, power, threads)
Napi::Value match_points(const Napi::CallbackInfo& info) {
  return guard(info.Env(), "matchPoints", [&] {
    struct Task {
      std::vector<double> x, y;
      std::vector<int32_t> partner;
      double mean = 0;
    };
    auto task = std::make_shared<Task>(Task{doubles(info[0], "x"), doubles(info[1], "y"), {}});
    const auto columns = static_cast<int32_t>(integer(info[2], "columns", 1, 1 << 20));
    const auto power = static_cast<int32_t>(integer(info[3], "power", 1, 2));
    const int32_t threads = resolve_threads(static_cast<int32_t>(integer(info[4], "threads", 0, kMostThreadsAsked)));
    const auto rows = static_cast<int64_t>(task->x.size()) / columns;
    if (rows < 1 || rows > kMostMatchedPoints)
      throw Failure{"ERR_FLOW_LIMIT", "x", "1 to " + std::to_string(kMostMatchedPoints) + " points", std::to_string(rows), ""};
    require_length(task->x.size(), rows * columns, "x", "(rows, columns)");
    require_length(task->y.size(), rows * columns, "y", "(rows, columns), as many rows as x");
    require_finite(task->x, columns, "x");
    require_finite(task->y, columns, "y");
    task->partner.resize(static_cast<size_t>(rows));
    auto job = std::make_unique<Job>();
    job->name = "matchPoints";
    job->lane = Lane::kShort;
    job->owner = job->target = nullptr;
    job->work = [task, columns, power, threads](const StopFlag& stop) {
      PointAssignment assignment;
      const auto rows = static_cast<int32_t>(task->partner.size());
      check(assignment.init(rows, columns, task->x.data(), task->y.data(), power, threads), "matchPoints");
      if (!assignment.solve(kernels(), &stop, task->partner.data(), &task->mean)) throw stopped_failure("matchPoints");
    };
    job->finish = [task](Napi::Env env) -> Napi::Value {
      Napi::Int32Array partner = Napi::Int32Array::New(env, task->partner.size());
      std::copy(task->partner.begin(), task->partner.end(), partner.Data());
      Napi::Object record = Napi::Object::New(env);
      record.Set("partner", partner);
      record.Set("mean", task->mean);
      return record;
    };
    return Environment::of(info.Env()).jobs.submit(info.Env(), std::move(job));
  });
}

}  // namespace flow::binding
