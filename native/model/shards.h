// Shards: the parts into which tensor parallelism cuts what it splits, which of them a rank holds, and how what they
// compute is put together. Ordinarily a rank holds one shard, and there are as many as ranks. To verify, their number
// follows from the model alone: a rank holds several consecutive shards and works on each exactly as a rank of the
// finest split does, so that every number of ranks has the same bits (docs/decisions/0051). What a rank holds of a
// split tensor lies shard by shard: (shards of the rank, shape of one shard).
#ifndef MILLRACE_MODEL_SHARDS_H_
#define MILLRACE_MODEL_SHARDS_H_

#include <array>
#include <cstdint>

#include "comm/communicator.h"
#include "core/ops.h"
#include "model/config.h"

namespace millrace {

// The shards [first, first + count) of `total`.
struct ShardRange {
  int first = 0;
  int count = 1;
  int total = 1;

  // total: a multiple of size.
  static ShardRange of_rank(int rank, int size, int total) {
    const int count = total / size;
    return ShardRange{rank * count, count, total};
  }
};

inline constexpr int kMaxVerifyShards = 8;

// The number of shards to verify with: the largest power of two, at most 8, that divides the heads.
int verify_shards(const ModelConfig&);

// Part `index` of `count` of a tensor that lies shard by shard: `whole` has the sizes of all parts together, of which
// dimension `dim` is divided.
Tensor shard_of(Tensor whole, int dim, int index, int count);

// values[0] + ... by the tree of reduce_shards(); `values` is overwritten.
template <size_t N>
double sum_by_tree(std::array<double, N>& values, int count) {
  for (int stride = 1; stride < count; stride *= 2) {
    for (int i = 0; i + stride < count; i += 2 * stride) {
      values[static_cast<size_t>(i)] += values[static_cast<size_t>(i + stride)];
    }
  }
  return values[0];
}

// out = the parts of `count` shards from `begin` on, put together by a balanced binary tree; part(shard, out)
// overwrites `out`. With one shard that is part(begin, out) and nothing else. Other parts wait in `context.scratch`.
// The communicator adds ranks by the same tree:
//
//   shard  0   1   2   3   4   5   6   7
//           \ /     \ /     \ /     \ /
//            +       +       +       +      with two ranks: two levels inside a rank,
//             \     /         \     /       the last one in the communicator
//                +               +
//                 \_____   _____/
//                       \ /
//                        +
template <class Part>
Status reduce_shards(const OpTable& ops, Context& context, ReduceOp op, Tensor out, int begin, int count,
                     const Part& part) {
  if (count == 1) return part(begin, out);
  const int half = count / 2;
  MR_RETURN_IF_ERROR(reduce_shards(ops, context, op, out, begin, half, part));
  Tensor other;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(out.dtype, out.shape, &other));
  MR_RETURN_IF_ERROR(reduce_shards(ops, context, op, other, begin + half, half, part));
  MR_RETURN_IF_ERROR(op == ReduceOp::kSum ? ops.add(context, out, other) : ops.maximum(context, out, other));
  context.scratch->release(mark);
  return ok();
}

}  // namespace millrace

#endif  // MILLRACE_MODEL_SHARDS_H_
