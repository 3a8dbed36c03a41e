// What communicators are given in tests: values in the memory of a rank's device, and what their sums must be.
#ifndef MILLRACE_TEST_COMMUNICATOR_VALUES_H_
#define MILLRACE_TEST_COMMUNICATOR_VALUES_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/device.h"
#include "core/half.h"

namespace millrace::testing {

// Values of a test in the memory of a rank's device.
template <class T>
class Values {
 public:
  Values(Context& context, const std::vector<T>& values, DType dtype) : context_(context), count_(values.size()) {
    tensor_ = Tensor{nullptr, dtype, Shape(static_cast<int64_t>(count_))};
    status_ = context.device->allocate(count_ * sizeof(T), &tensor_.data);
    if (status_.ok()) status_ = context.device->to_device(context, tensor_.data, values.data(), count_ * sizeof(T));
    EXPECT_TRUE(status_.ok()) << status_.message();
  }
  Values(Context& context, const std::vector<T>& values) : Values(context, values, dtype_of()) {}
  ~Values() {
    (void)context_.device->wait(context_);
    context_.device->release(tensor_.data, count_ * sizeof(T));
  }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;

  Tensor tensor() const { return tensor_; }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    Status status = context_.device->to_host(context_, values.data(), tensor_.data, count_ * sizeof(T));
    if (status.ok()) status = context_.device->wait(context_);
    EXPECT_TRUE(status.ok()) << status.message();
    return values;
  }

 private:
  static DType dtype_of() {
    if constexpr (std::is_same_v<T, BFloat16>) return DType::kBF16;
    if constexpr (std::is_same_v<T, Float16>) return DType::kF16;
    if constexpr (sizeof(T) == 8) return std::is_integral_v<T> ? DType::kI64 : DType::kF64;
    return std::is_integral_v<T> ? DType::kI32 : DType::kF32;
  }

  Context& context_;
  size_t count_;
  Tensor tensor_;
  Status status_;
};

// Values whose sum depends on the order of addition.
template <class T>
std::vector<T> values_of_rank(int rank, size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) {
    const double wave = std::sin(static_cast<double>(i) * 0.7 + rank * 1.3);
    values[i] = static_cast<T>(std::is_integral_v<T> ? 1000.0 * wave : wave * std::pow(10.0, (i + rank) % 5));
  }
  return values;
}

// Terms 0 and 1, 2 and 3, ...; then the sums of these, until one is left. A term without a partner waits.
template <class T>
std::vector<T> sum_by_tree(std::vector<std::vector<T>> terms) {
  for (size_t distance = 1; distance < terms.size(); distance *= 2) {
    for (size_t t = 0; t + distance < terms.size(); t += 2 * distance) {
      for (size_t i = 0; i < terms[t].size(); ++i) terms[t][i] += terms[t + distance][i];
    }
  }
  return terms[0];
}

template <class T>
std::vector<T> tree_sum(int num_ranks, size_t count, int first = 0) {
  std::vector<std::vector<T>> terms;
  for (int r = first; r < first + num_ranks; ++r) terms.push_back(values_of_rank<T>(r, count));
  return sum_by_tree(std::move(terms));
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
bool close(const std::vector<T>& a, const std::vector<T>& b) {
  // Values are below 1e5, and at most 64 are added.
  const double bound = std::is_same_v<T, float> ? 1.0 : 1e-8;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) > bound) return false;
  }
  return a.size() == b.size();
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_COMMUNICATOR_VALUES_H_
