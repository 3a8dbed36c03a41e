// Implements millrace/device.h.
#include "millrace/device.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/backend.h"
#include "api/guard.h"
#include "api/trainer_config.h"
#include "core/backend.h"
#include "core/half.h"
#include "core/stopwatch.h"
#include "core/thread_pool.h"

namespace millrace {

namespace {

Status find_table(const char* backend, const char* precision, const OpTable** out) {
  mr_trainer_config config{};
  config.backend = backend;
  config.precision = precision;
  return find_backend(config, out);
}

Status facts_of(const char* backend, int32_t index, mr_device_facts* out) {
  mr_device_facts facts{};
  facts.count = 1;
  const OpTable* table = nullptr;
  MR_RETURN_IF_ERROR(find_table(backend, "fp32", &table));
  std::string name = backend;
#if defined(MILLRACE_CUDA)
  if (name == "cuda") {
    GpuFacts gpu;
    MR_RETURN_IF_ERROR(cuda_facts(index, &gpu));
    name = gpu.name;
    std::string why;
    facts.count = cuda_device_count(&why);
    facts.driver = gpu.driver;
    facts.runtime = gpu.runtime;
    facts.cublas_lt = gpu.cublas_lt;
    facts.cudnn = gpu.cudnn;
    facts.nccl = gpu.nccl;
    facts.multiprocessors = gpu.multiprocessors;
    facts.memory_bytes = gpu.memory_bytes;
    facts.free_bytes = gpu.free_bytes;
  }
#endif
  if (index < 0 || index >= facts.count) {
    return invalid_argument("expected 0 to " + std::to_string(facts.count - 1) + " for index, got " +
                            std::to_string(index));
  }
  std::snprintf(facts.name, sizeof(facts.name), "%s", name.c_str());
  *out = facts;
  return ok();
}

// Numbers in [-1, 1): constants would cost less power and run faster than a model's.
void fill_random(void* to, DType dtype, int64_t count, uint32_t seed) {
  uint32_t state = seed;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
    if (dtype == DType::kBF16) {
      static_cast<BFloat16*>(to)[i] = BFloat16(value);
    } else if (dtype == DType::kF16) {
      static_cast<Float16*>(to)[i] = Float16(value);
    } else if (dtype == DType::kF64) {
      static_cast<double*>(to)[i] = static_cast<double>(value);
    } else {
      static_cast<float*>(to)[i] = value;
    }
  }
}

struct Product {
  Tensor y, x, w;

  static Status allocate(DType dtype, int64_t n, Arena& arena, Product* out) {
    for (Tensor* tensor : {&out->y, &out->x, &out->w}) MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(n, n), tensor));
    return ok();
  }
};

Status upload_random(Context& context, const Product& product) {
  std::vector<char> values(product.x.size_bytes());
  uint32_t seed = 1;
  for (const Tensor& tensor : {product.x, product.w}) {
    fill_random(values.data(), tensor.dtype, tensor.num_elements(), seed++);
    MR_RETURN_IF_ERROR(context.device->to_device(context, tensor.data, values.data(), values.size()));
  }
  return context.device->wait(context);
}

// Runs products until `seconds` have passed and gives the median time of one. What is not counted comes first: a
// backend chooses its algorithm in the first call.
Status time_products(const OpTable& table, Context& context, const Product& product, double seconds, double* median) {
  constexpr int kWarmUp = 3, kRound = 10;
  const auto run = [&] { return table.linear_forward(context, product.y, product.x, product.w, Tensor{}); };
  for (int i = 0; i < kWarmUp; ++i) MR_RETURN_IF_ERROR(run());
  const std::unique_ptr<Stopwatch> stopwatch = context.device->stopwatch();
  std::vector<double> times;
  double total = 0;
  while (times.empty() || total < seconds) {
    MR_RETURN_IF_ERROR(stopwatch->lap(context));
    for (int i = 0; i < kRound; ++i) {
      MR_RETURN_IF_ERROR(run());
      MR_RETURN_IF_ERROR(stopwatch->lap(context));
    }
    std::vector<double> round;
    MR_RETURN_IF_ERROR(stopwatch->read(context, &round));
    for (const double time : round) total += time;
    times.insert(times.end(), round.begin(), round.end());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  *median = times[times.size() / 2];
  return ok();
}

Status product_rate(const char* backend, const char* precision, int64_t n, double seconds, double* out) {
  if (n < 1 || n > 65536) return invalid_argument("expected 1 to 65536 for n, got " + std::to_string(n));
  const OpTable* table = nullptr;
  MR_RETURN_IF_ERROR(find_table(backend, precision, &table));
  std::shared_ptr<Device> device;
  MR_RETURN_IF_ERROR(open_device(*table, 0, 1, &device));
  ThreadPool pool(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  Context context;
  context.device = device.get();
  context.stream = device->stream();
  context.pool = &pool;

  Product product;
  Arena measuring;
  context.scratch = &measuring;
  MR_RETURN_IF_ERROR(Product::allocate(table->dtype, n, measuring, &product));
  MR_RETURN_IF_ERROR(table->linear_forward(context, product.y, product.x, product.w, Tensor{}));
  std::unique_ptr<Arena> arena;
  MR_RETURN_IF_ERROR(Arena::create(*context.device, measuring.peak_bytes(), &arena));
  context.scratch = arena.get();
  MR_RETURN_IF_ERROR(Product::allocate(table->dtype, n, *arena, &product));
  MR_RETURN_IF_ERROR(upload_random(context, product));
  double median = 0;
  MR_RETURN_IF_ERROR(time_products(*table, context, product, seconds, &median));
  const double size = static_cast<double>(n);
  *out = 2 * size * size * size / median;
  return ok();
}

}  // namespace

}  // namespace millrace

extern "C" {

mr_code mr_device_facts_of(const char* backend, int32_t index, mr_device_facts* out) {
  return millrace::guarded([&]() -> millrace::Status {
    MR_RETURN_IF_ERROR(millrace::not_null(backend, "backend"));
    MR_RETURN_IF_ERROR(millrace::not_null(out, "out"));
    return millrace::facts_of(backend, index, out);
  });
}

mr_code mr_device_product_rate(const char* backend, const char* precision, int64_t n, double seconds, double* out) {
  return millrace::guarded([&]() -> millrace::Status {
    MR_RETURN_IF_ERROR(millrace::not_null(backend, "backend"));
    MR_RETURN_IF_ERROR(millrace::not_null(precision, "precision"));
    MR_RETURN_IF_ERROR(millrace::not_null(out, "out"));
    return millrace::product_rate(backend, precision, n, seconds, out);
  });
}

}  // extern "C"
