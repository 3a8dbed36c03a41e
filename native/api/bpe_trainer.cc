// Implements millrace/bpe_trainer.h over text/piece_counter.h and text/bpe_trainer.h.
#include "millrace/bpe_trainer.h"

#include <memory>
#include <vector>

#include "api/guard.h"
#include "text/bpe_trainer.h"
#include "text/piece_counter.h"
#include "text/token_ids.h"

struct mr_bpe_trainer {
  explicit mr_bpe_trainer(millrace::PretokenPattern pattern)
      : counter(std::make_unique<millrace::PieceCounter>(pattern)) {}

  std::unique_ptr<millrace::PieceCounter> counter;  // until learning begins
  std::unique_ptr<millrace::BpeTrainer> trainer;
  uint64_t num_pieces = 0;
  uint64_t num_forgotten = 0;
  std::vector<uint32_t> merges;
};

using millrace::guarded;
using millrace::Status;

extern "C" {

mr_code mr_bpe_trainer_create(const char* pattern, mr_bpe_trainer** out) {
  return guarded([&]() -> Status {
    millrace::PretokenPattern parsed;
    MR_RETURN_IF_ERROR(millrace::parse_pretoken_pattern(pattern, &parsed));
    *out = new mr_bpe_trainer(parsed);
    return millrace::ok();
  });
}

void mr_bpe_trainer_destroy(mr_bpe_trainer* trainer) { delete trainer; }

mr_code mr_bpe_trainer_add(mr_bpe_trainer* trainer, const uint8_t* text, size_t text_bytes, const uint32_t* offsets,
                           size_t num_rows) {
  return guarded([&]() -> Status {
    if (trainer->counter == nullptr)
      return millrace::invalid_argument("expected no more texts once merges are learned");
    for (size_t row = 0; row < num_rows; ++row) {
      if (offsets[row] > offsets[row + 1] || offsets[row + 1] > text_bytes) {
        return millrace::invalid_argument("expected ascending text offsets up to " + std::to_string(text_bytes) +
                                          ", got others at row " + std::to_string(row));
      }
    }
    for (size_t row = 0; row < num_rows; ++row) {
      trainer->counter->add(text + offsets[row], offsets[row + 1] - offsets[row]);
    }
    trainer->num_pieces = trainer->counter->pieces().size();
    trainer->num_forgotten = trainer->counter->num_forgotten();
    return millrace::ok();
  });
}

void mr_bpe_trainer_counts(const mr_bpe_trainer* trainer, uint64_t* num_pieces, uint64_t* num_forgotten) {
  *num_pieces = trainer->num_pieces;
  *num_forgotten = trainer->num_forgotten;
}

mr_code mr_bpe_trainer_learn(mr_bpe_trainer* trainer, const mr_bpe_goal* goal, size_t count, const uint32_t** merges,
                             size_t* num_merges) {
  return guarded([&]() -> Status {
    if (trainer->trainer == nullptr) {
      if (goal->vocab_size >= millrace::kMaxTokens || goal->num_first_tokens > goal->vocab_size) {
        return millrace::invalid_argument("expected fewer than 2097152 tokens for the vocabulary, got " +
                                          std::to_string(goal->vocab_size));
      }
      trainer->trainer = std::make_unique<millrace::BpeTrainer>(
          *trainer->counter, millrace::BpeTrainer::Goal{goal->vocab_size, goal->min_frequency, goal->num_first_tokens});
      trainer->counter.reset();
    }
    const size_t learned = trainer->trainer->learn(count);
    trainer->merges.clear();
    const auto& all = trainer->trainer->merges();
    for (size_t i = all.size() - learned; i < all.size(); ++i) {
      trainer->merges.insert(trainer->merges.end(), {all[i].left, all[i].right, all[i].merged});
    }
    *merges = trainer->merges.data();
    *num_merges = learned;
    return millrace::ok();
  });
}

}  // extern "C"
