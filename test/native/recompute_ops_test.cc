// What recomputation rests on, op by op: the parts of a fused op give its bits, at sizes that fill no vector and no
// tile, on any number of threads.
#include <gtest/gtest.h>

#include <cstring>

#include "core/backend.h"
#include "op_case.h"

namespace millrace::testing {
namespace {

std::vector<const OpTable*> all_tables() {
  std::vector<const OpTable*> tables;
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kBF16, DType::kF16}) {
    for (const OpTable* table : {reference_backend(dtype), cpu_backend(dtype)}) {
      if (table != nullptr) tables.push_back(table);
    }
  }
  return tables;
}

// A tensor of the wide dtype with random values, and its rounding to `dtype`.
Tensor random_tensor(Rank& rank, const OpTable& table, Shape shape, uint64_t stream) {
  const Tensor wide = rank.alloc(wide_dtype(table.dtype), shape);
  for (int64_t i = 0; i < wide.num_elements(); ++i) set(wide, i, 3.0 * random_value(stream, i));
  if (wide.dtype == table.dtype) return wide;
  const Tensor rounded = rank.alloc(table.dtype, shape);
  EXPECT_TRUE(table.cast(rank.context, rounded, wide).ok());
  return rounded;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.size_bytes() == b.size_bytes() && std::memcmp(a.data, b.data, a.size_bytes()) == 0;
}

struct Sizes {
  int64_t rows, inner, outer;
};
// The last has more columns than a tile of the fast backend.
constexpr Sizes kSizes[] = {{1, 3, 1}, {5, 7, 33}, {37, 19, 171}, {64, 16, 3001}};

TEST(RecomputeOps, GeluOfTheKeptInputHasTheBitsOfTheFusedOp) {
  for (const OpTable* table : all_tables()) {
    for (const int num_threads : {1, 3}) {
      for (const auto& [rows, inner, outer] : kSizes) {
        for (const Gelu gelu : {Gelu::kTanh, Gelu::kErf}) {
          Rank rank(num_threads);
          const Tensor x = random_tensor(rank, *table, Shape(rows, inner), 1);
          const Tensor w = random_tensor(rank, *table, Shape(outer, inner), 2);
          const Tensor bias = random_tensor(rank, *table, Shape(outer), 3);
          const Tensor pre = rank.alloc(table->dtype, Shape(rows, outer));
          const Tensor y = rank.alloc(table->dtype, pre.shape);
          const Tensor again = rank.alloc(table->dtype, pre.shape);
          ASSERT_TRUE(table->linear_gelu_forward(rank.context, gelu, y, pre, x, w, bias).ok());
          ASSERT_TRUE(table->gelu_forward(rank.context, gelu, again, pre).ok());
          EXPECT_TRUE(same_bits(y, again)) << table->name << " " << rows << " x " << outer;
          const Gelu other = gelu == Gelu::kTanh ? Gelu::kErf : Gelu::kTanh;
          ASSERT_TRUE(table->gelu_forward(rank.context, other, again, pre).ok());
          const bool coarse = rows == 1 || wide_dtype(table->dtype) != table->dtype;
          EXPECT_TRUE(coarse || !same_bits(y, again)) << "the comparison can fail";
        }
      }
    }
  }
}

TEST(RecomputeOps, TheNormOfAKeptResidualHasTheBitsOfTheFusedOp) {
  const int64_t samples[] = {3};
  Dropout dropout;
  dropout.p = 0.1f;
  dropout.key = PhiloxKey{1, 2, 3, Site::kMlpOutput};
  dropout.sample = samples;
  for (const OpTable* table : all_tables()) {
    const DType wide = wide_dtype(table->dtype);
    for (const int num_threads : {1, 3}) {
      for (const auto& [rows, inner, columns] : kSizes) {
        Rank rank(num_threads);
        const Shape shape(1, rows, columns);
        const Tensor residual = random_tensor(rank, *table, shape, 1);
        const Tensor x = random_tensor(rank, *table, shape, 2);
        const Tensor bias = random_tensor(rank, *table, Shape(columns), 3);
        const Tensor gamma = random_tensor(rank, *table, Shape(columns), 4);
        const Tensor beta = random_tensor(rank, *table, Shape(columns), 5);
        const Tensor r = rank.alloc(table->dtype, shape);
        Tensor y[2], mean[2], rstd[2];
        for (const int pass : {0, 1}) {
          y[pass] = rank.alloc(table->dtype, shape);
          mean[pass] = rank.alloc(wide, Shape(rows));
          rstd[pass] = rank.alloc(wide, Shape(rows));
        }
        ASSERT_TRUE(table
                        ->residual_layernorm_forward(rank.context, r, y[0], mean[0], rstd[0], residual, x, bias, gamma,
                                                     beta, 1e-5, dropout)
                        .ok());
        ASSERT_TRUE(table
                        ->layernorm_forward(rank.context, y[1].reshaped(Shape(rows, columns)), mean[1], rstd[1],
                                            r.reshaped(Shape(rows, columns)), gamma, beta, 1e-5)
                        .ok());
        EXPECT_TRUE(same_bits(y[0], y[1])) << table->name << " " << rows << " x " << columns;
        EXPECT_TRUE(same_bits(mean[0], mean[1]) && same_bits(rstd[0], rstd[1]));
      }
    }
  }
}

}  // namespace
}  // namespace millrace::testing
