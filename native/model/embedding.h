// Token and position embedding. The token table is split over ranks by vocabulary (paper, section 3): each looks up the
// ids of its range and g adds the parts; positions are duplicated and added once, after the reduction.
#ifndef MILLRACE_MODEL_EMBEDDING_H_
#define MILLRACE_MODEL_EMBEDDING_H_

#include <vector>

#include "model/config.h"
#include "model/dropout_source.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// The ids of each of this rank's shards.
std::vector<VocabRange> vocab_of_shards(const ModelConfig&, const ShardRange&);

struct VocabParallelEmbedding {
  Parameter* tokens = nullptr;     // (V_p, C)
  Parameter* positions = nullptr;  // (T_max, C)
  std::vector<VocabRange> ranges;  // of this rank's shards

  // x(B,T,C) = dropout(tokens + positions) for ids(B,T).
  Status forward(RankEnv&, Tensor x, Tensor ids, const DropoutSource&) const;
  // dx is overwritten.
  Status backward(RankEnv&, Tensor dx, Tensor ids, const DropoutSource&) const;
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_EMBEDDING_H_
