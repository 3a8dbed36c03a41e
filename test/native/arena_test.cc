#include "core/arena.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "core/device.h"

namespace millrace {
namespace {

// What both kinds of arena are asked for.
Status allocate_some(Arena& arena, Tensor* last) {
  Tensor a, b;
  MR_RETURN_IF_ERROR(arena.alloc(DType::kF32, Shape(3, 5), &a));
  const size_t mark = arena.mark();
  MR_RETURN_IF_ERROR(arena.alloc(DType::kF64, Shape(1000), &b));
  arena.release(mark);
  return arena.alloc(DType::kI32, Shape(7), last);
}

TEST(ArenaTest, AMeasuringArenaCountsWhatARealOneNeedsToTheByte) {
  Arena measuring;
  Tensor planned, real;
  ASSERT_TRUE(allocate_some(measuring, &planned).ok());
  EXPECT_TRUE(planned.empty());
  EXPECT_TRUE(measuring.measuring());
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(host_device(), measuring.peak_bytes(), &arena).ok());
  ASSERT_TRUE(allocate_some(*arena, &real).ok());
  EXPECT_EQ(arena->peak_bytes(), measuring.peak_bytes());
  EXPECT_EQ(arena->used_bytes(), measuring.used_bytes());
  std::unique_ptr<Arena> smaller;
  ASSERT_TRUE(Arena::create(host_device(), measuring.peak_bytes() - 1, &smaller).ok());
  EXPECT_EQ(allocate_some(*smaller, &real).code(), MR_OUT_OF_MEMORY);
}

TEST(ArenaTest, TensorsAreAlignedZeroedAndApart) {
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(host_device(), 1 << 16, &arena).ok());
  Tensor a, b;
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(3), &a).ok());
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(3), &b).ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data) % Arena::kAlignment, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data) % Arena::kAlignment, 0u);
  EXPECT_GE(b.as<float>(), a.as<float>() + 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(b.as<float>()[i], 0.0f);
}

TEST(ArenaTest, ReleasedMemoryIsHandedOutAgain) {
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(host_device(), 1024, &arena).ok());
  Tensor first, second;
  for (int round = 0; round < 100; ++round) {
    const size_t mark = arena->mark();
    ASSERT_TRUE(arena->alloc(DType::kF32, Shape(200), round == 0 ? &first : &second).ok());
    arena->release(mark);
  }
  EXPECT_EQ(first.data, second.data);
}

TEST(ArenaTest, AnArenaOfNothingIsFullNotMeasuring) {
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(host_device(), 0, &arena).ok());
  EXPECT_FALSE(arena->measuring());
  Tensor x;
  EXPECT_EQ(arena->alloc(DType::kF64, Shape(1), &x).code(), MR_OUT_OF_MEMORY);
  EXPECT_TRUE(arena->alloc(DType::kF64, Shape(0), &x).ok());
}

TEST(ArenaTest, ImpossibleShapesAreRefused) {
  Arena measuring;
  Tensor x;
  EXPECT_EQ(measuring.alloc(DType::kF32, Shape(-1), &x).code(), MR_INVALID_ARGUMENT);
  EXPECT_EQ(measuring.alloc(DType::kF32, Shape(INT64_MAX, INT64_MAX), &x).code(), MR_INVALID_ARGUMENT);
  EXPECT_EQ(measuring.peak_bytes(), 0u);
}

TEST(ArenaTest, MoreMemoryThanThereIsIsAnError) {
  std::unique_ptr<Arena> arena;
  EXPECT_EQ(Arena::create(host_device(), size_t{1} << 62, &arena).code(), MR_OUT_OF_MEMORY);
  EXPECT_EQ(arena, nullptr);
}

}  // namespace
}  // namespace millrace
