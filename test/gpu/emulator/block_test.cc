// What the emulator finds in kernels, each with the same kernel done right.
#include <cmath>
#include <numeric>

#include "cuda/numbers.h"
#include "cuda/ptx.h"
#include "emulator/machine.h"

namespace emulator {
namespace {

using millrace::BFloat16;

class BlockTest : public MachineTest {};

std::vector<float> numbers(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

template <bool kBarrier>
__global__ void rotate_kernel(float* out, const float* in) {
  __shared__ float tile[256];
  tile[threadIdx.x] = in[threadIdx.x];
  if constexpr (kBarrier) __syncthreads();
  out[threadIdx.x] = tile[(threadIdx.x + 1) % blockDim.x];
}

// The results of a kernel in three orders.
template <class Run>
std::vector<std::vector<float>> in_three_orders(const Run& run) {
  std::vector<std::vector<float>> results;
  for (const Order order : {Order::kForward, Order::kBackward, Order::kShuffled}) {
    settings().order = order;
    settings().seed = 17;
    results.push_back(run());
  }
  return results;
}

TEST_F(BlockTest, a_missing_barrier_gives_other_results_in_another_order) {
  const float* in = on_gpu(numbers(256));
  const auto rotate = [&](auto kernel) {
    return in_three_orders([&] {
      float* out = on_gpu(std::vector<float>(256));
      EXPECT_EQ(run(kernel, 256, 0, out, in), "");
      return on_host(out, 256);
    });
  };
  const auto right = rotate(rotate_kernel<true>);
  EXPECT_EQ(right[0][0], 2.0f);
  EXPECT_EQ(right[0][255], 1.0f);
  EXPECT_EQ(right[0], right[1]);
  EXPECT_EQ(right[0], right[2]);
  const auto racing = rotate(rotate_kernel<false>);
  EXPECT_TRUE(racing[0] != racing[1] || racing[0] != racing[2]);
}

__global__ void sums_kernel(double* out, const float* in) {
  const double value = in[threadIdx.x];
  const double sum = millrace::cuda::block_sum(value);
  const double most = millrace::cuda::block_max(value);
  out[threadIdx.x] = sum + 1e6 * most;
}

TEST_F(BlockTest, sums_and_maxima_of_a_block_are_right_in_every_order_and_again_at_once) {
  const float* in = on_gpu(numbers(96));
  const auto results = in_three_orders([&] {
    double* out = on_gpu(std::vector<double>(96));
    EXPECT_EQ(run(sums_kernel, 96, 0, out, in), "");
    std::vector<float> all;
    for (const double value : on_host(out, 96)) all.push_back(static_cast<float>(value));
    return all;
  });
  EXPECT_EQ(results[0], std::vector<float>(96, 96.0f * 97.0f / 2.0f + 96e6f));
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

__global__ void some_wait_kernel(unsigned waiting) {
  if (threadIdx.x < waiting) __syncthreads();
}

TEST_F(BlockTest, a_barrier_that_some_threads_do_not_reach_is_an_error_that_names_the_kernel) {
  EXPECT_EQ(run(some_wait_kernel, 64, 0, 64u), "");
  const std::string wrong = run(some_wait_kernel, 64, 0, 10u);
  EXPECT_TRUE(contains(wrong, "some_wait_kernel")) << wrong;
  EXPECT_TRUE(contains(wrong, "barrier divergence")) << wrong;
}

__global__ void two_barriers_kernel(unsigned first) {
  if (threadIdx.x < first) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

TEST_F(BlockTest, threads_at_two_different_barriers_are_an_error) {
  EXPECT_EQ(run(two_barriers_kernel, 64, 0, 64u), "");
  EXPECT_TRUE(contains(run(two_barriers_kernel, 64, 0, 32u), "barrier divergence"));
}

__global__ void shuffle_kernel(int* out, unsigned taking_part) {
  const int value = static_cast<int>(threadIdx.x);
  if (threadIdx.x < taking_part) out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, value, 1);
}

TEST_F(BlockTest, a_shuffle_without_a_lane_of_its_mask_is_an_error) {
  int* out = on_gpu(std::vector<int>(32));
  EXPECT_EQ(run(shuffle_kernel, 32, 0, out, 32u), "");
  EXPECT_EQ(on_host(out, 32)[6], 7);
  const std::string wrong = run(shuffle_kernel, 32, 0, out, 31u);
  EXPECT_TRUE(contains(wrong, "do not take part: 31")) << wrong;
}

TEST_F(BlockTest, a_shuffle_in_a_block_with_a_part_of_a_warp_is_an_error) {
  int* out = on_gpu(std::vector<int>(32));
  EXPECT_TRUE(contains(run(shuffle_kernel, 16, 0, out, 16u), "not in the block"));
}

__global__ void scan_kernel(int* out) {
  int value = static_cast<int>(threadIdx.x);
  for (unsigned step = 1; step < 32; step *= 2) {
    const int left = __shfl_up_sync(0xffffffffu, value, step);
    if (threadIdx.x >= step) value += left;
  }
  out[threadIdx.x] = value;
  out[32 + threadIdx.x] = static_cast<int>(__ballot_sync(0xffffffffu, threadIdx.x % 2));
  out[64 + threadIdx.x] = __shfl_down_sync(0xffffffffu, static_cast<int>(threadIdx.x), 1, 8);
  out[96 + threadIdx.x] = __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x), 3, 16);
}

TEST_F(BlockTest, shuffles_and_ballots_do_what_the_programming_guide_says) {
  int* out = on_gpu(std::vector<int>(128));
  ASSERT_EQ(run(scan_kernel, 32, 0, out), "");
  const std::vector<int> values = on_host(out, 128);
  EXPECT_EQ(values[31], 31 * 32 / 2);
  EXPECT_EQ(static_cast<unsigned>(values[32]), 0xaaaaaaaau);
  EXPECT_EQ(values[64 + 6], 7);
  EXPECT_EQ(values[64 + 7], 7);  // the last of its segment keeps its own
  EXPECT_EQ(values[96 + 31], 19);
}

__global__ void read_shared_kernel(float* out, bool written) {
  MR_DYNAMIC_SHARED(float, tile);
  if (written) tile[threadIdx.x] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x];
}

TEST_F(BlockTest, dynamic_shared_memory_begins_as_no_numbers_and_ends_where_it_was_asked_to) {
  float* out = on_gpu(std::vector<float>(256));
  EXPECT_EQ(run(read_shared_kernel, 32, 128, out, true), "");
  EXPECT_EQ(on_host(out, 32)[31], 1.0f);
  EXPECT_EQ(run(read_shared_kernel, 32, 128, out, false), "");
  EXPECT_TRUE(std::isnan(on_host(out, 32)[31]));
  EXPECT_NE(run(read_shared_kernel, 256, 128, out, true), "");
}

__global__ void vector_kernel(float* out, const float* in) {
  millrace::cuda::store_vector(out, millrace::cuda::load_vector(in));
}

TEST_F(BlockTest, a_misaligned_vector_is_an_error_that_names_the_kernel) {
  float* memory = on_gpu(numbers(16));
  EXPECT_EQ(run(vector_kernel, 1, 0, memory + 8, memory), "");
  const std::string wrong = run(vector_kernel, 1, 0, memory + 8, memory + 1);
  EXPECT_TRUE(contains(wrong, "vector_kernel") && contains(wrong, "misaligned")) << wrong;
}

__global__ void nothing_kernel() {}

TEST_F(BlockTest, sizes_beyond_the_limits_of_cuda_are_errors) {
  using millrace::cuda::launch;
  EXPECT_TRUE(launch(context_, nothing_kernel, dim3(1, 65535, 1), 1, 0).ok());
  EXPECT_TRUE(launch(context_, nothing_kernel, 1, 1024, 0).ok());
  EXPECT_FALSE(launch(context_, nothing_kernel, 1, 1025, 0).ok());
  EXPECT_FALSE(launch(context_, nothing_kernel, dim3(1, 65536, 1), 32, 0).ok());
  EXPECT_FALSE(launch(context_, nothing_kernel, dim3(1, 1, 65536), 32, 0).ok());
  EXPECT_FALSE(launch(context_, nothing_kernel, 1, 32, (size_t{227} << 10) + 1).ok());
  EXPECT_TRUE(launch(context_, nothing_kernel, 1, 32, size_t{227} << 10).ok());
  EXPECT_TRUE(launch(context_, nothing_kernel, 0, 32, 0).ok());  // nothing to do
}

template <bool kWaits>
__global__ void async_kernel(float* out, const float* in) {
  MR_DYNAMIC_SHARED(float, tile);
  millrace::cuda::cp_async_16(tile + 4 * threadIdx.x, in + 4 * threadIdx.x, threadIdx.x % 2 == 0);
  millrace::cuda::cp_async_commit();
  if constexpr (kWaits) millrace::cuda::cp_async_wait<0>();
  __syncthreads();
  out[threadIdx.x] = tile[4 * ((threadIdx.x + 1) % 32)];
}

TEST_F(BlockTest, asynchronous_copies_arrive_when_they_are_waited_for) {
  const float* in = on_gpu(numbers(128));
  float* out = on_gpu(std::vector<float>(32));
  EXPECT_EQ(run(async_kernel<true>, 32, 512, out, in), "");
  EXPECT_EQ(on_host(out, 32)[1], 9.0f);
  EXPECT_EQ(on_host(out, 32)[0], 0.0f);  // not wanted
  EXPECT_EQ(run(async_kernel<false>, 32, 512, out, in), "");
  EXPECT_TRUE(std::isnan(on_host(out, 32)[1]));
}

// d(16,8) = a(16,16) b(16,8), a by ldmatrix, b(8,16) as stored by ldmatrix, and again from b transposed in memory.
__global__ void product_kernel(float* d, const BFloat16* a, const BFloat16* b_by_column, const BFloat16* b_by_row) {
  using namespace millrace::cuda;
  __shared__ __align__(16) BFloat16 tile_a[16 * 16], tile_columns[8 * 16], tile_rows[16 * 8];
  for (unsigned i = threadIdx.x; i < 256; i += 32) tile_a[i] = a[i];
  for (unsigned i = threadIdx.x; i < 128; i += 32) {
    tile_columns[i] = b_by_column[i];
    tile_rows[i] = b_by_row[i];
  }
  __syncwarp();
  const unsigned lane = threadIdx.x;
  uint32_t left[4], columns[4], rows[4];
  ldmatrix_x4(left, tile_a + (lane % 16) * 16 + lane / 16 * 8);
  ldmatrix_x4(columns, tile_columns + (lane % 8) * 16 + lane / 8 % 2 * 8);
  ldmatrix_x4_trans(rows, tile_rows + (lane % 16) * 8);
  const float zero[4] = {};
  const uint32_t by_column[2] = {columns[0], columns[1]}, by_row[2] = {rows[0], rows[1]};
  float first[4], second[4];
  mma_m16n8k16<BFloat16>(first, left, by_column, zero);
  mma_m16n8k16<BFloat16>(second, left, by_row, first);
  for (unsigned i = 0; i < 4; ++i) d[(lane / 4 + 8 * (i / 2)) * 8 + 2 * (lane % 4) + i % 2] = second[i];
}

TEST_F(BlockTest, products_of_tiles_are_those_of_their_matrices) {
  std::vector<BFloat16> a(256), by_column(128), by_row(128);
  std::vector<float> expected(128);
  for (size_t i = 0; i < 256; ++i) a[i] = BFloat16(static_cast<float>(static_cast<int>(i * 7 % 13) - 6));
  for (size_t k = 0; k < 16; ++k) {
    for (size_t n = 0; n < 8; ++n) {
      by_row[k * 8 + n] = BFloat16(static_cast<float>(static_cast<int>((k * 5 + n * 3) % 11) - 5));
      by_column[n * 16 + k] = by_row[k * 8 + n];
    }
  }
  for (size_t m = 0; m < 16; ++m) {
    for (size_t n = 0; n < 8; ++n) {
      for (size_t k = 0; k < 16; ++k) expected[m * 8 + n] += 2.0f * a[m * 16 + k] * by_row[k * 8 + n];
    }
  }
  float* d = on_gpu(std::vector<float>(128));
  EXPECT_EQ(run(product_kernel, 32, 0, d, on_gpu(a), on_gpu(by_column), on_gpu(by_row)), "");
  EXPECT_EQ(on_host(d, 128), expected);
}

}  // namespace
}  // namespace emulator
