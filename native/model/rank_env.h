// RankEnv: what every part of the model is given besides its tensors: the backend's table, the rank's context, its
// place in the tensor-parallel group and the name of what it does now, for the status page and for errors.
#ifndef MILLRACE_MODEL_RANK_ENV_H_
#define MILLRACE_MODEL_RANK_ENV_H_

#include <cstdint>

#include "comm/communicator.h"
#include "core/ops.h"
#include "model/shards.h"

namespace millrace {

struct ParallelPolicy;

struct RankEnv {
  const OpTable* ops = nullptr;
  Context* context = nullptr;
  const ParallelPolicy* policy = nullptr;
  Communicator* tensor_group = nullptr;  // not called when tensor_size is 1 and while planning
  int tensor_rank = 0;
  int tensor_size = 1;
  ShardRange shards;                 // what this rank holds of split tensors
  int64_t step = 0;                  // 0: outside a step
  double communication_seconds = 0;  // spent in collectives since the caller last set it to 0

  // body(shard) for each of this rank's shards.
  template <class Body>
  Status for_each_shard(const Body& body) {
    for (int shard = 0; shard < shards.count; ++shard) MR_RETURN_IF_ERROR(body(shard));
    return ok();
  }
  // out = what part(shard, out) gives, over this rank's shards.
  template <class Part>
  Status reduce_shards(Tensor out, ReduceOp op, const Part& part) {
    return millrace::reduce_shards(*ops, *context, op, out, 0, shards.count, part);
  }

  // Planning runs the model's own code over a measuring arena: ops only count their workspace, collectives do nothing.
  bool planning() const { return context->scratch->measuring(); }

  // Names what happens next ("layer 2 attention forward"; "step 3 " is put before it) on the status page. The result is
  // valid until the next call.
  const char* enter(const char* format, ...) __attribute__((format(printf, 2, 3)));
  const char* operation() const { return operation_; }

  // Over `group`, timed; `name` as for enter(). Does nothing in a group of one.
  Status all_reduce(Communicator* group, int group_size, Tensor buffer, ReduceOp op, const char* name);
  Status all_reduce_tensor(Tensor buffer, ReduceOp op, const char* name) {
    return all_reduce(tensor_group, tensor_size, buffer, op, name);
  }

 private:
  char operation_[128] = "start";
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_RANK_ENV_H_
