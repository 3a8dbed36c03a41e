// Learns the merges of a byte-level BPE vocabulary from counted pre-tokens: again and again the pair of neighbouring
// tokens that occurs most often becomes a token; of equally frequent pairs the one whose left token has the lower id,
// then the right one. That is the rule of Hugging Face tokenizers' BpeTrainer, and the results are the same.
//
// Pairs keep how often they occur and which pieces hold them; only these are looked at when a pair is merged. A heap
// holds the pairs; a count in it that has fallen since is put right when it comes up.
#ifndef MILLRACE_TEXT_BPE_TRAINER_H_
#define MILLRACE_TEXT_BPE_TRAINER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/bpe_vocab.h"
#include "text/piece_counter.h"

namespace millrace {

class BpeTrainer {
 public:
  struct Goal {
    uint32_t vocab_size;        // with the first tokens
    uint64_t min_frequency;     // of a pair that becomes a token
    uint32_t num_first_tokens;  // ids before those of the bytes, for special tokens
  };

  // Ids of single bytes follow the first tokens in the order of GPT-2's alphabet.
  BpeTrainer(const PieceCounter& counter, const Goal& goal);

  // Learns up to `count` more merges; fewer: there is nothing more to learn.
  size_t learn(size_t count);

  const std::vector<BpeMerge>& merges() const { return merges_; }

 private:
  using Pair = uint64_t;  // left << 32 | right
  struct Candidate {
    int64_t count;
    Pair pair;
    std::vector<uint32_t> words;  // ascending
  };
  struct Word {
    uint64_t offset;  // in symbols_
    uint32_t length;
    int64_t count;
  };

  static bool after(const Candidate& a, const Candidate& b) {
    return a.count != b.count ? a.count < b.count : a.pair > b.pair;
  }
  void push(Candidate candidate);
  Candidate pop();
  uint32_t token_of(Pair pair);
  void merge_in(uint32_t word, Pair pair, uint32_t token);
  void add_found();

  const Goal goal_;
  std::vector<uint32_t> symbols_;
  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t> counts_;
  std::vector<Candidate> heap_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<BpeMerge> merges_;
  // Pairs that a merge has made, with the words they are in.
  std::vector<std::pair<Pair, uint32_t>> found_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_TRAINER_H_
