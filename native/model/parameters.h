// The parameters of a model as one table of logical tensors. Sharding, initialisation, checkpoints, the gradient norm
// and weight decay all follow from it; nothing else knows which rank holds what.
#ifndef MILLRACE_MODEL_PARAMETERS_H_
#define MILLRACE_MODEL_PARAMETERS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/status.h"
#include "core/tensor.h"
#include "model/shards.h"

namespace millrace {

// How the tensor-parallel ranks share a logical tensor.
enum class Split : uint8_t {
  kReplicated,  // every rank has all of it
  kRows,        // rank r has the r-th block of rows
  kColumns,     // rank r has the r-th block of columns
  kHeads,       // rows are [Q; K; V], each of whole heads: rank r has [Q_r; K_r; V_r]
};

struct ParameterSpec {
  std::string name;     // "h.0.attn.qkv.weight"
  int64_t rows = 0;     // of the logical tensor, padding not included
  int64_t columns = 1;  // 1 for vectors
  int dims = 1;         // 1: (rows), 2: (rows, columns)
  Split split = Split::kReplicated;
  int64_t padded_rows = 0;  // rows held over all ranks; those past `rows` are zero and stay so
  int shards = 0;           // over all ranks (model/shards.h); 0: one a rank
  bool decays = false;      // matrices and embeddings decay; biases and LayerNorm parameters do not
  double init_std = 0;      // N(0, init_std); 0: init_value everywhere
  double init_value = 0;

  int64_t num_elements() const { return rows * columns; }
  // What each of `size` ranks holds, the sizes of its shards together.
  Shape local_shape(int size) const;
  // The dimension of local_shape() that shards divide.
  int split_dim() const { return split == Split::kColumns ? 1 : 0; }
  // How many shards of it each of `size` ranks holds.
  int shards_of_rank(int size) const { return split == Split::kReplicated || shards == 0 ? 1 : shards / size; }
};

// A stretch of elements that is contiguous in the logical tensor and in a rank's part of it.
struct ShardRun {
  int64_t logical = 0;
  int64_t local = 0;
  int64_t count = 0;
};

// Calls visit(ShardRun) for every stretch of shard `rank` of `size`, in the order of its memory.
template <class Visit>
void for_each_run_of_shard(const ParameterSpec& spec, int rank, int size, Visit visit) {
  switch (spec.split) {
    case Split::kReplicated:
      visit(ShardRun{0, 0, spec.num_elements()});
      return;
    case Split::kRows: {
      const int64_t block = spec.padded_rows / size;
      const int64_t begin = block * rank;
      const int64_t count = std::clamp<int64_t>(spec.rows - begin, 0, block);
      if (count > 0) visit(ShardRun{begin * spec.columns, 0, count * spec.columns});
      return;
    }
    case Split::kColumns: {
      const int64_t block = spec.columns / size;
      for (int64_t row = 0; row < spec.rows; ++row)
        visit(ShardRun{row * spec.columns + block * rank, row * block, block});
      return;
    }
    case Split::kHeads: {
      const int64_t third = spec.rows / 3;
      const int64_t block = third / size;
      for (int64_t part = 0; part < 3; ++part) {
        visit(
            ShardRun{(part * third + block * rank) * spec.columns, part * block * spec.columns, block * spec.columns});
      }
      return;
    }
  }
}

// Calls visit(ShardRun) for every stretch of `spec` that rank `rank` of `size` holds, in the order of its memory: shard
// after shard.
template <class Visit>
void for_each_run(const ParameterSpec& spec, int rank, int size, Visit visit) {
  const int count = spec.shards_of_rank(size);
  const int64_t elements = spec.local_shape(size * count).num_elements();
  for (int i = 0; i < count; ++i) {
    for_each_run_of_shard(spec, rank * count + i, size * count, [&](ShardRun run) {
      run.local += elements * i;
      visit(run);
    });
  }
}

// This rank's part of one logical tensor.
struct Parameter {
  ParameterSpec spec;
  Tensor value;   // what ops read, in the table's dtype
  Tensor master;  // what the optimizer updates, and what a model is: `value` before rounding; the same tensor where the
                  // table's dtype is wide_dtype() itself
  Tensor gradient;  // of wide_dtype(), as are the master and the moments
  Tensor first_moment;
  Tensor second_moment;
  int num_shards = 1;  // in each of the tensors, one after the other

  // Shard `index` of one of the tensors above.
  Tensor shard(Tensor whole, int index) const { return shard_of(whole, spec.split_dim(), index, num_shards); }
};

// A stretch of a flat tensor.
struct FlatRange {
  int64_t begin = 0;
  int64_t count = 0;
  Tensor of(Tensor flat) const { return flat.rows(begin, count); }
};

// All of a rank's parameters. Values, masters, gradients and both moments are each one stretch of the arena, so that
// gradients are cleared and reduced over data-parallel ranks by one call. Inside it they lie in groups, so that the
// optimizer updates and the norm adds up a few ranges instead of every tensor:
//
//   decaying: split | replicated | other: split | replicated
class ParameterSet {
 public:
  Status allocate(std::vector<ParameterSpec> specs, DType dtype, int tensor_size, Arena& arena);

  std::vector<Parameter>& all() { return parameters_; }
  const std::vector<Parameter>& all() const { return parameters_; }
  const Parameter* find(const std::string& name) const;
  Tensor gradients() const { return gradients_; }  // flat; the gaps between tensors are zero
  // Flat, the same places as in gradients(). Whoever changes masters otherwise than by the optimizer's op rounds them
  // to values.
  Tensor values() const { return values_; }
  Tensor masters() const { return masters_; }
  Tensor first_moments() const { return first_moments_; }
  Tensor second_moments() const { return second_moments_; }
  // The parameters that decay, or the others; and those of them that ranks share out, or that all have.
  FlatRange range(bool decays) const;
  FlatRange range(bool decays, bool replicated) const { return groups_[group_of(decays, replicated)]; }
  // Values, and masters where they are tensors of their own.
  size_t parameter_bytes() const {
    return values_.size_bytes() + (masters_.dtype == values_.dtype ? 0 : masters_.size_bytes());
  }
  size_t gradient_bytes() const { return gradients_.size_bytes(); }
  size_t moment_bytes() const { return 2 * gradients_.size_bytes(); }
  // Of the whole model: padding included, duplicated ones once.
  int64_t num_parameters() const;

 private:
  static size_t group_of(bool decays, bool replicated) { return (decays ? 0u : 2u) + (replicated ? 1u : 0u); }

  std::vector<Parameter> parameters_;
  std::array<FlatRange, 4> groups_;
  Tensor values_, masters_, gradients_, first_moments_, second_moments_;
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_PARAMETERS_H_
