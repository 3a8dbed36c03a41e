// One description of an op, from which agreement of the backends, gradients and planning are tested. A case runs an op
// forward and, where it has one, backward on the same table; its arguments say what is read and what is written.
#ifndef MILLRACE_TEST_NATIVE_OP_CASE_H_
#define MILLRACE_TEST_NATIVE_OP_CASE_H_

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/half.h"
#include "core/ops.h"

namespace millrace::testing {

enum class Role {
  kIn,     // random, must not change
  kOut,    // not a number before the call
  kInOut,  // random before the call: += or in place
};

enum class Type {
  kTable,  // the table's dtype: activations and weights
  kWide,   // its wide_dtype(): statistics, gradients of weights, masters, moments
  kF64,
  kI32,
  kI64,
};

struct Argument {
  std::string name;
  Role role;
  Shape shape;
  // Value of element i before the call; random in [-1, 1) when absent. Whole numbers need one.
  std::function<double(int64_t i)> value;
  Type type = Type::kTable;

  DType dtype(DType table) const {
    if (type == Type::kTable) return table;
    if (type == Type::kWide) return wide_dtype(table);
    if (type == Type::kF64) return DType::kF64;
    return type == Type::kI32 ? DType::kI32 : DType::kI64;
  }
};

using Values = std::vector<std::vector<double>>;  // by argument

// d(loss) / d(argument `input`) is what argument `gradient` gained (+=) or became (=).
struct Gradient {
  int input;
  int gradient;
  bool accumulated;
};

struct OpCase {
  std::string name;
  std::vector<Argument> arguments;
  std::function<Status(const OpTable&, Context&, const std::vector<Tensor>&)> call;
  // For cases with gradients: a scalar of the arguments before and after the call.
  std::function<double(const Values& before, const Values& after)> loss;
  std::vector<Gradient> gradients;
};

// Numbers in [-1, 1) that f32 holds exactly, so that f32 and f64 tables compute from the same inputs.
inline double random_value(uint64_t stream, int64_t i) {
  uint64_t x = stream * 0x9E3779B97F4A7C15u + static_cast<uint64_t>(i) * 0xD1B54A32D192ED03u + 0x632BE59BD9B4E019u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  x ^= x >> 31;
  return static_cast<double>(static_cast<int64_t>(x >> 41)) / 4194304.0 - 1.0;
}

// The memory and threads of one rank.
struct Rank {
  explicit Rank(int num_threads = 2, size_t bytes = size_t{64} << 20) : pool(num_threads) {
    if (!Arena::create(host_device(), bytes, &scratch).ok()) scratch.reset();
    if (!Arena::create(host_device(), bytes, &tensors).ok()) tensors.reset();
    context.device = &host_device();
    context.scratch = scratch.get();
    context.pool = &pool;
  }
  Tensor alloc(DType dtype, Shape shape) {
    Tensor out;
    if (!tensors->alloc(dtype, shape, &out).ok()) out = Tensor{};
    return out;
  }

  ThreadPool pool;
  std::unique_ptr<Arena> scratch;
  std::unique_ptr<Arena> tensors;
  Context context;
};

inline double get(const Tensor& x, int64_t i) {
  switch (x.dtype) {
    case DType::kF32:
      return static_cast<double>(x.as<float>()[i]);
    case DType::kF64:
      return x.as<double>()[i];
    case DType::kBF16:
      return static_cast<double>(x.as<BFloat16>()[i]);
    case DType::kF16:
      return static_cast<double>(x.as<Float16>()[i]);
    case DType::kI32:
      return x.as<int32_t>()[i];
    case DType::kI64:
      break;
  }
  return static_cast<double>(x.as<int64_t>()[i]);
}

inline void set(const Tensor& x, int64_t i, double value) {
  switch (x.dtype) {
    case DType::kF32:
      x.as<float>()[i] = static_cast<float>(value);
      break;
    case DType::kF64:
      x.as<double>()[i] = value;
      break;
    case DType::kBF16:
      x.as<BFloat16>()[i] = BFloat16(value);
      break;
    case DType::kF16:
      x.as<Float16>()[i] = Float16(value);
      break;
    case DType::kI32:
      x.as<int32_t>()[i] = static_cast<int32_t>(value);
      break;
    case DType::kI64:
      x.as<int64_t>()[i] = static_cast<int64_t>(value);
      break;
  }
}

// Arguments as they are in a table of `table`: what a 16-bit format cannot hold is rounded, so that tables of every
// dtype can compute from the same inputs.
inline Values initial_values(const OpCase& op, DType table = DType::kF32) {
  Values values;
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    const Argument& argument = op.arguments[a];
    std::vector<double>& v = values.emplace_back(static_cast<size_t>(argument.shape.num_elements()));
    for (size_t i = 0; i < v.size(); ++i) {
      const int64_t at = static_cast<int64_t>(i);
      if (argument.role == Role::kOut) {
        v[i] = std::numeric_limits<double>::quiet_NaN();
      } else {
        v[i] = argument.value ? argument.value(at) : random_value(a + 1, at);
        if (argument.type == Type::kTable && table == DType::kBF16) v[i] = static_cast<double>(BFloat16(v[i]));
        if (argument.type == Type::kTable && table == DType::kF16) v[i] = static_cast<double>(Float16(v[i]));
      }
    }
  }
  return values;
}

// Runs the case on `table` from `before`; `after` gets all arguments.
inline Status run_case(const OpCase& op, const OpTable& table, Rank& rank, const Values& before, Values* after) {
  const size_t mark = rank.tensors->mark();
  std::vector<Tensor> tensors;
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    const Argument& argument = op.arguments[a];
    tensors.push_back(rank.alloc(argument.dtype(table.dtype), argument.shape));
    for (size_t i = 0; i < before[a].size(); ++i) set(tensors[a], static_cast<int64_t>(i), before[a][i]);
  }
  Status status = op.call(table, rank.context, tensors);
  after->assign(before.size(), {});
  for (size_t a = 0; a < tensors.size(); ++a) {
    for (size_t i = 0; i < before[a].size(); ++i) (*after)[a].push_back(get(tensors[a], static_cast<int64_t>(i)));
  }
  rank.tensors->release(mark);
  return status;
}

// The largest difference over the largest value; infinite where one side is not a number.
inline double relative_difference(const std::vector<double>& expected, const std::vector<double>& actual) {
  double largest = 0.0;
  double difference = 0.0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i]) || std::isnan(actual[i])) return std::numeric_limits<double>::infinity();
    if (expected[i] == actual[i]) continue;  // also equal infinities
    difference = std::max(difference, std::abs(expected[i] - actual[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  for (const double value : expected) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  return difference == 0.0 ? 0.0 : difference / largest;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_NATIVE_OP_CASE_H_
