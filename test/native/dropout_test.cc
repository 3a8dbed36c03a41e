// Random numbers and dropout masks: a pure function of seed, step, layer, site and global element, in every backend.
#include <gtest/gtest.h>

#include <cmath>

#include "core/backend.h"
#include "core/philox.h"
#include "cpu/kernels/kernels.h"
#include "op_case.h"

namespace millrace::testing {
namespace {

// kat_vectors of Random123 (Salmon et al.), philox4x32 with 10 rounds, in the layout of core/philox.h: counter words
// {block, block >> 32, step, layer << 8 | site}, key words {seed, seed >> 32}.
TEST(PhiloxTest, KnownAnswersOfThePaper) {
  const auto expect = [](const PhiloxKey& key, uint64_t block, std::array<uint32_t, 4> words) {
    const Philox4 actual = philox(key, block);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(actual.word[i], words[i]) << i;
  };
  expect(PhiloxKey{0, 0, 0, Site::kInit}, 0, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  expect(PhiloxKey{0xffffffffffffffffu, 0xffffffffu, 0xffffffu, static_cast<Site>(0xff)}, 0xffffffffffffffffu,
         {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  expect(PhiloxKey{0x299f31d0a4093822u, 0x13198a2eu, 0x037073u, static_cast<Site>(0x44)}, 0x85a308d3243f6a88u,
         {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST(PhiloxTest, EveryPartOfTheKeyMatters) {
  const PhiloxKey key{1, 2, 3, Site::kAttention};
  const uint32_t word = philox_word(key, 4);
  EXPECT_EQ(philox_word(PhiloxKey{1, 2, 3, Site::kAttention}, 4), word);
  EXPECT_NE(philox_word(PhiloxKey{2, 2, 3, Site::kAttention}, 4), word);
  EXPECT_NE(philox_word(PhiloxKey{1, 3, 3, Site::kAttention}, 4), word);
  EXPECT_NE(philox_word(PhiloxKey{1, 2, 4, Site::kAttention}, 4), word);
  EXPECT_NE(philox_word(PhiloxKey{1, 2, 3, Site::kMlpOutput}, 4), word);
  EXPECT_NE(philox_word(PhiloxKey{1, 2, 3, Site::kAttention}, 5), word);
}

TEST(DropoutTest, EverySimdLevelDrawsTheNumbersOfTheReference) {
  int num_levels = 0;
  for (int level = 0; level < cpu::kMaxLevels; ++level) {
    const cpu::Kernels* kernels = cpu::kernels_at(level);
    if (kernels == nullptr) continue;
    ++num_levels;
    Dropout dropout;
    dropout.p = 0.3f;
    dropout.key = PhiloxKey{0xfedcba9876543210u, 77, 11, Site::kAttentionOutput};
    const cpu::MaskKey key{{0x76543210u, 0xfedcba98u}, 77, 11u << 8 | 3u, dropout.threshold(), dropout.scale()};
    // Ranges that begin and end inside a block, and one that carries into the counter's second word.
    for (const uint64_t begin : {uint64_t{0}, uint64_t{1}, uint64_t{6}, uint64_t{0x3fffffff3}, uint64_t{1} << 45}) {
      for (const int64_t count : {1, 3, 4, 127, 128, 129, 1000}) {
        std::vector<float> factors(static_cast<size_t>(count) + 1, -1.0f);
        kernels->dropout_factors(factors.data(), count, key, begin);
        for (int64_t i = 0; i < count; ++i) {
          const uint32_t word = philox_word(dropout.key, begin + static_cast<uint64_t>(i));
          ASSERT_EQ(factors[static_cast<size_t>(i)], word >= dropout.threshold() ? dropout.scale() : 0.0f)
              << kernels->name << " " << begin << " + " << i;
        }
        ASSERT_EQ(factors.back(), -1.0f) << "writes past the end";
      }
    }
  }
  EXPECT_GE(num_levels, 1);
}

constexpr int64_t kTime = 37, kColumns = 130, kHeads = 4, kHeadSize = 37;

Dropout dropout_of(const int64_t* samples, float p = 0.25f) {
  Dropout dropout;
  dropout.p = p;
  dropout.key = PhiloxKey{42, 3, 1, Site::kMlpOutput};
  dropout.sample = samples;
  return dropout;
}

// The factors that a backend applies to a (B,T,C) tensor: what becomes of ones.
std::vector<double> row_masks(const OpTable& table, int64_t batch, const int64_t* samples) {
  Rank rank;
  const Tensor dr = rank.alloc(table.dtype, Shape(batch, kTime, kColumns));
  const Tensor dx = rank.alloc(table.dtype, dr.shape);
  EXPECT_TRUE(table.fill(rank.context, dr, 1.0).ok());
  EXPECT_TRUE(table.bias_dropout_backward(rank.context, dx, Tensor{}, dr, dropout_of(samples)).ok());
  std::vector<double> values;
  for (int64_t i = 0; i < dx.num_elements(); ++i) values.push_back(get(dx, i));
  return values;
}

// Which attention probabilities a backend keeps: with V = identity the output is the masked matrix itself. (B,T,H_p*T).
std::vector<bool> attention_masks(const OpTable& table, int64_t batch, int64_t head_begin, int64_t num_heads,
                                  const int64_t* samples) {
  static_assert(kTime == kHeadSize);
  Rank rank;
  const int64_t width = num_heads * kHeadSize;
  const Tensor qkv = rank.alloc(table.dtype, Shape(batch, kTime, 3 * width));
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < kTime; ++t) {
      for (int64_t h = 0; h < num_heads; ++h) set(qkv, ((b * kTime + t) * 3 + 2) * width + h * kHeadSize + t, 1.0);
    }
  }
  const Tensor out = rank.alloc(table.dtype, Shape(batch, kTime, width));
  const Tensor lse = rank.alloc(table.dtype, Shape(batch, num_heads, kTime));
  const AttentionShape shape{batch, kTime, num_heads, kHeadSize, head_begin, kHeads, true};
  EXPECT_TRUE(table.attention_forward(rank.context, shape, out, lse, qkv, dropout_of(samples)).ok());
  std::vector<bool> kept;
  for (int64_t i = 0; i < out.num_elements(); ++i) kept.push_back(get(out, i) != 0.0);
  return kept;
}

std::vector<const OpTable*> tables() {
  std::vector<const OpTable*> all = {reference_backend(DType::kF64), reference_backend(DType::kF32)};
  if (cpu_backend(DType::kF32) != nullptr) all.push_back(cpu_backend(DType::kF32));
  return all;
}

TEST(DropoutTest, MasksAreTheSameInEveryBackend) {
  const int64_t samples[] = {5, 4000000007};
  const std::vector<double> rows = row_masks(*tables()[0], 2, samples);
  const std::vector<bool> attention = attention_masks(*tables()[0], 2, 0, kHeads, samples);
  for (const OpTable* table : tables()) {
    const std::vector<double> actual = row_masks(*table, 2, samples);
    for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(actual[i] != 0.0, rows[i] != 0.0) << table->name << " " << i;
    EXPECT_LT(relative_difference(rows, actual), 1e-6);  // the factor 1/(1-p), rounded to f32
    EXPECT_EQ(attention_masks(*table, 2, 0, kHeads, samples), attention) << table->name;
  }
}

TEST(DropoutTest, ABatchInPartsHasTheMasksOfTheWholeAndLocalNumbersDoNot) {
  const int64_t samples[] = {9, 2, 77};
  const int64_t local_numbers[] = {0, 1};
  for (const OpTable* table : tables()) {
    const std::vector<double> whole = row_masks(*table, 3, samples);
    std::vector<double> parts = row_masks(*table, 1, samples);
    const std::vector<double> rest = row_masks(*table, 2, samples + 1);
    parts.insert(parts.end(), rest.begin(), rest.end());
    EXPECT_EQ(parts, whole) << table->name;
    EXPECT_NE(row_masks(*table, 2, local_numbers), rest) << table->name;
  }
}

TEST(DropoutTest, TheHeadsOfARankHaveTheMasksOfTheWholeModel) {
  const int64_t samples[] = {9, 2};
  const int64_t half = kHeads / 2 * kHeadSize;
  for (const OpTable* table : tables()) {
    const std::vector<bool> whole = attention_masks(*table, 2, 0, kHeads, samples);
    for (const int64_t rank : {0, 1}) {
      const std::vector<bool> part = attention_masks(*table, 2, rank * kHeads / 2, kHeads / 2, samples);
      std::vector<bool> expected;
      for (int64_t row = 0; row < 2 * kTime; ++row) {
        for (int64_t c = 0; c < half; ++c)
          expected.push_back(whole[static_cast<size_t>(row * 2 * half + rank * half + c)]);
      }
      EXPECT_EQ(part, expected) << table->name << " rank " << rank;
      // The twin: heads counted from the rank's own first one.
      EXPECT_EQ(attention_masks(*table, 2, 0, kHeads / 2, samples) == part, rank == 0);
    }
  }
}

TEST(DropoutTest, TheShareOfKeptElementsIsOneMinusPAndTheMeanStays) {
  for (const float p : {0.1f, 0.5f, 0.9f}) {
    constexpr int64_t kCount = 1 << 20;
    const Dropout dropout = dropout_of(nullptr, p);
    const cpu::MaskKey key{{42, 0}, 3, 1u << 8 | 4u, dropout.threshold(), dropout.scale()};
    std::vector<float> factors(kCount);
    cpu::kernels().dropout_factors(factors.data(), kCount, key, 0);
    double num_kept = 0.0, both_kept = 0.0, sum = 0.0;
    for (size_t i = 0; i < factors.size(); ++i) {
      const bool kept = factors[i] != 0.0f;
      num_kept += kept;
      both_kept += kept && i > 0 && factors[i - 1] != 0.0f;
      sum += static_cast<double>(factors[i]);
    }
    const double q = 1.0 - static_cast<double>(p);
    const double sigma = std::sqrt(q * (1.0 - q) / kCount);
    EXPECT_NEAR(num_kept / kCount, q, 5.0 * sigma);
    EXPECT_NEAR(sum / kCount, 1.0, 5.0 * sigma / q);
    EXPECT_NEAR(both_kept / kCount, q * q, 10.0 * sigma);  // neighbours are independent
  }
}

}  // namespace
}  // namespace millrace::testing
