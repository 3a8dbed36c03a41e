#include "model/initialize.h"

#include <cmath>

#include "model/transfer.h"

namespace millrace {

namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

template <class T>
void fill_normal(ThreadPool& pool, T* out, const ShardRun& run, const PhiloxKey& key, double std) {
  constexpr int64_t kGrain = 4096;
  pool.parallel_for(run.count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      out[i] = static_cast<T>(std * philox_normal(key, static_cast<uint64_t>(run.logical + i)));
    }
  });
}

}  // namespace

double philox_normal(const PhiloxKey& key, uint64_t element) {
  const Philox4 block = philox(key, element >> 2);
  const int pair = static_cast<int>(element & 2);
  constexpr double kUnit = 1.0 / 4294967296.0;
  const double u1 = (static_cast<double>(block.word[pair]) + 1.0) * kUnit;  // (0, 1]: its logarithm is finite
  const double u2 = static_cast<double>(block.word[pair + 1]) * kUnit;
  const double radius = std::sqrt(-2.0 * std::log(u1));
  return (element & 1) == 0 ? radius * std::cos(kTwoPi * u2) : radius * std::sin(kTwoPi * u2);
}

Status initialize_parameters(RankEnv& env, ParameterSet& parameters, uint64_t seed) {
  uint32_t number = 0;
  for (Parameter& parameter : parameters.all()) {
    env.enter("initialise %s", parameter.spec.name.c_str());
    const PhiloxKey key{seed, 0, number++, Site::kInit};
    const bool random = parameter.spec.init_std != 0;
    MR_RETURN_IF_ERROR(env.ops->fill(*env.context, parameter.master, random ? 0.0 : parameter.spec.init_value));
    MR_RETURN_IF_ERROR(env.ops->fill(*env.context, parameter.first_moment, 0.0));
    MR_RETURN_IF_ERROR(env.ops->fill(*env.context, parameter.second_moment, 0.0));
    if (!random) continue;
    MR_RETURN_IF_ERROR(upload(env, parameter.spec, parameter.master, [&](const ShardRun& run, void* to) {
      ThreadPool& pool = *env.context->pool;
      if (parameter.master.dtype == DType::kF64) {
        fill_normal(pool, static_cast<double*>(to), run, key, parameter.spec.init_std);
      } else {
        fill_normal(pool, static_cast<float*>(to), run, key, parameter.spec.init_std);
      }
    }));
  }
  MR_RETURN_IF_ERROR(env.ops->fill(*env.context, parameters.gradients(), 0.0));
  return env.ops->cast(*env.context, parameters.values(), parameters.masters());
}

}  // namespace millrace
