// One block sorts: for the 16,384 tokens of a micro-batch and a vocabulary of 51,200, two passes of a radix sort over
// 128 KiB that stay in the cache. Each warp has a contiguous piece of the input and its own counters, so the sort is
// stable and needs no atomics.
#include <bit>

#include "cuda/launch.h"
#include "cuda/numbers.h"
#include "cuda/token_runs.h"

namespace millrace::cuda {

namespace {

constexpr int kWarps = 32;
constexpr int kThreads = kWarps * kWarp;
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;

struct SortArguments {
  const int32_t* tokens;
  int32_t *id, *place;              // where the last pass ends
  int32_t *other_id, *other_place;  // the other end of each pass
  int32_t* start;
  int32_t* count;
  int32_t num_tokens, table_rows, vocab_begin, passes;
};

// Lanes with the same digit as this one, among those that have one.
__device__ __forceinline__ unsigned peers_of(unsigned digit, bool present) {
  unsigned peers = __ballot_sync(kAllLanes, present);
#pragma unroll
  for (int bit = 0; bit < kDigitBits; ++bit) {
    const bool set = (digit >> bit & 1u) != 0;
    const unsigned with = __ballot_sync(kAllLanes, set);
    peers &= set ? with : ~with;
  }
  return peers;
}

// Threads of the block add up in their order: the sum before this one; *total gets that of all.
__device__ __forceinline__ int32_t sum_before(int32_t value, int32_t (&warps)[kWarps], int32_t* total) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  int32_t sum = value;
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const int32_t other = __shfl_up_sync(kAllLanes, sum, distance);
    if (lane >= distance) sum += other;
  }
  if (lane == kWarp - 1) warps[warp] = sum;
  __syncthreads();
  int32_t before = 0;
  *total = 0;
  for (int w = 0; w < kWarps; ++w) {
    if (w < warp) before += warps[w];
    *total += warps[w];
  }
  __syncthreads();  // the next call writes
  return before + sum - value;
}

__global__ void __launch_bounds__(kThreads) group_tokens_kernel(SortArguments a) {
  __shared__ int32_t next[kWarps][kDigits];  // where the warp's next row of a digit goes
  __shared__ int32_t warps[kWarps];
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int32_t steps = (a.num_tokens + kThreads - 1) / kThreads;  // of a warp, 32 rows each
  const int32_t begin = warp * steps * kWarp;
  int32_t total = 0;

  for (int pass = 0; pass < a.passes; ++pass) {
    const bool ends_there = ((a.passes - pass) & 1) != 0;  // as the last one does
    const int32_t* const id_from = ends_there ? a.other_id : a.id;
    const int32_t* const place_from = ends_there ? a.other_place : a.place;
    int32_t* const id_to = ends_there ? a.id : a.other_id;
    int32_t* const place_to = ends_there ? a.place : a.other_place;
    // Ids of other ranks' rows sort behind all of ours.
    const auto id_at = [&](int32_t i) -> int32_t {
      if (pass > 0) return id_from[i];
      const int64_t row = static_cast<int64_t>(a.tokens[i]) - a.vocab_begin;
      return row >= 0 && row < a.table_rows ? static_cast<int32_t>(row) : a.table_rows;
    };
    const auto digit_of = [&](int32_t id) { return static_cast<unsigned>(id) >> (pass * kDigitBits) & (kDigits - 1u); };

    for (int d = lane; d < kDigits; d += kWarp) next[warp][d] = 0;
    __syncwarp();
    for (int32_t step = 0; step < steps; ++step) {
      const int32_t i = begin + step * kWarp + lane;
      const bool present = i < a.num_tokens;
      const unsigned digit = digit_of(present ? id_at(i) : 0);
      const unsigned peers = peers_of(digit, present);
      if (present && lane == __ffs(static_cast<int>(peers)) - 1) next[warp][digit] += __popc(peers);
      __syncwarp();
    }
    __syncthreads();

    // Rows of a smaller digit come first; of one digit, those of an earlier warp.
    int32_t of_digit = 0;
    if (threadIdx.x < kDigits) {
      for (int w = 0; w < kWarps; ++w) of_digit += next[w][threadIdx.x];
    }
    int32_t at = sum_before(of_digit, warps, &total);
    if (threadIdx.x < kDigits) {
      for (int w = 0; w < kWarps; ++w) {
        const int32_t mine = next[w][threadIdx.x];
        next[w][threadIdx.x] = at;
        at += mine;
      }
    }
    __syncthreads();

    for (int32_t step = 0; step < steps; ++step) {
      const int32_t i = begin + step * kWarp + lane;
      const bool present = i < a.num_tokens;
      const int32_t id = present ? id_at(i) : 0;
      const unsigned digit = digit_of(id);
      const unsigned peers = peers_of(digit, present);
      const int32_t to = next[warp][digit] + __popc(peers & ((1u << lane) - 1u));
      __syncwarp();
      if (present) {
        if (lane == __ffs(static_cast<int>(peers)) - 1) next[warp][digit] += __popc(peers);
        id_to[to] = id;
        place_to[to] = pass > 0 ? place_from[i] : i;
      }
      __syncwarp();
    }
    __syncthreads();
  }

  // A run begins where the id changes; one more begins where ours end.
  const auto sorted_id = [&](int32_t i) { return i < a.num_tokens ? a.id[i] : a.table_rows; };
  int32_t runs = 0;
  for (int32_t tile = 0; tile <= a.num_tokens; tile += kThreads) {
    const int32_t i = tile + static_cast<int32_t>(threadIdx.x);
    const bool begins = i <= a.num_tokens && (i == 0 || sorted_id(i) != sorted_id(i - 1));
    const int32_t run = runs + sum_before(begins ? 1 : 0, warps, &total);
    if (begins) a.start[run] = i;
    runs += total;
  }
  if (threadIdx.x == 0) *a.count = runs - 1;
}

}  // namespace

Status group_tokens(Context& context, Tensor tokens, int64_t table_rows, int64_t vocab_begin, TokenRuns* out) {
  const int64_t num_tokens = tokens.num_elements();
  MR_CHECK(num_tokens < INT32_MAX - kThreads && table_rows < INT32_MAX && vocab_begin < INT32_MAX);
  MR_CHECK(context.scratch != nullptr);
  const Shape shapes[] = {Shape(num_tokens), Shape(num_tokens),     Shape(num_tokens),
                          Shape(num_tokens), Shape(num_tokens + 1), Shape(1)};
  Tensor space[6];
  for (int i = 0; i < 6; ++i) MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kI32, shapes[i], &space[i]));
  if (planning(context)) return ok();
  SortArguments arguments;
  arguments.tokens = tokens.as<int32_t>();
  arguments.id = space[0].as<int32_t>();
  arguments.place = space[1].as<int32_t>();
  arguments.other_id = space[2].as<int32_t>();
  arguments.other_place = space[3].as<int32_t>();
  arguments.start = space[4].as<int32_t>();
  arguments.count = space[5].as<int32_t>();
  arguments.num_tokens = static_cast<int32_t>(num_tokens);
  arguments.table_rows = static_cast<int32_t>(table_rows);
  arguments.vocab_begin = static_cast<int32_t>(vocab_begin);
  arguments.passes = (std::bit_width(static_cast<uint64_t>(table_rows)) + kDigitBits - 1) / kDigitBits;
  *out = TokenRuns{arguments.id, arguments.place, arguments.start, arguments.count};
  return launch(context, group_tokens_kernel, 1, kThreads, 0, arguments);
}

}  // namespace millrace::cuda
