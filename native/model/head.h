// The language-model head: logits by the tied token embedding and their cross entropy, both split by vocabulary, so
// that ranks exchange three values a token instead of V (paper, section 3).
//
// Rows go through in chunks: forward, loss and backward of one before the next. So the logits of a micro-batch never
// exist as a whole (at V = 50,304 they would outweigh every other activation), and a chunk is still in cache when it
// comes back.
#ifndef MILLRACE_MODEL_HEAD_H_
#define MILLRACE_MODEL_HEAD_H_

#include <vector>

#include "core/arena.h"
#include "model/config.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

class Head {
 public:
  // Rows a chunk: as many as keep the whole model's logits of a chunk within what the backend computes at once. It
  // depends on the true vocabulary, not on its padding or a rank's share, so that sums over rows have the same order
  // for every number of ranks.
  static int64_t chunk_rows(int64_t num_rows, int64_t vocab_size, int64_t logits_at_once);

  // `embedding` (V_p, C) is the tied token embedding; buffers for up to num_rows rows come from `arena`.
  Status allocate(RankEnv&, const ModelConfig&, Parameter* embedding, int64_t num_rows, Arena& arena);

  // Adds the loss of all counted rows to the control's loss_sum. y(N,C), targets(N) i32.
  Status loss(RankEnv&, Tensor y, Tensor targets, Tensor control);
  // The same, and dy(N,C) = the whole gradient times the control's gradient_scale(); the embedding's is accumulated.
  Status loss_and_backward(RankEnv&, Tensor dy, Tensor y, Tensor targets, Tensor control);
  // This rank's logits of one row y(1,C); the view is valid until the next call. Column i is id range().begin + i.
  Status logits(RankEnv&, Tensor y, Tensor* out);
  // Begins with the rank's first id.
  const VocabRange& range() const { return ranges_.front(); }

 private:
  // Some rows on their way through the head; n of them.
  struct Chunk {
    Tensor y;        // (n,C)
    Tensor targets;  // (n)
    Tensor logits;   // (n,V_p), shard by shard; turned into their gradient by the backward pass
    Tensor maximum;  // (n)
    Tensor sums;     // (2,n): both sums come from one pass over the logits
    Tensor target() const { return sums.rows(0, 1).reshaped(maximum.shape); }
    Tensor sum_exp() const { return sums.rows(1, 1).reshaped(maximum.shape); }
  };

  Status run(RankEnv&, const Tensor* dy, Tensor y, Tensor targets, Tensor control);
  Status chunk_logits(RankEnv&, Tensor logits, Tensor y);
  Status chunk_loss(RankEnv&, const Chunk&, Tensor loss);
  Status chunk_backward(RankEnv&, const Chunk&, Tensor dy, Tensor control);
  const VocabRange& range_of(int shard) const { return ranges_[static_cast<size_t>(shard)]; }

  Parameter* embedding_ = nullptr;
  std::vector<VocabRange> ranges_;  // of this rank's shards
  Tensor logits_;                   // of the largest chunk, as are the next two
  Tensor maximum_;
  Tensor sums_;
  Tensor loss_;  // (N)
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_HEAD_H_
