#include "text/bpe_trainer.h"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

constexpr uint64_t pair_of(uint32_t left, uint32_t right) { return static_cast<uint64_t>(left) << 32 | right; }

}  // namespace

BpeTrainer::BpeTrainer(const PieceCounter& counter, const Goal& goal) : goal_(goal) {
  uint32_t byte_ids[256];
  tokens_.resize(goal.num_first_tokens);
  for (const uint8_t byte : bytes_in_alphabet_order()) {
    byte_ids[byte] = static_cast<uint32_t>(tokens_.size());
    tokens_.emplace_back(1, static_cast<char>(byte));
    ids_.emplace(tokens_.back(), byte_ids[byte]);
  }
  for (const PieceCounter::Piece& piece : counter.pieces()) {
    const uint32_t word = static_cast<uint32_t>(words_.size());
    words_.push_back({symbols_.size(), piece.length, static_cast<int64_t>(piece.count)});
    for (uint32_t i = 0; i < piece.length; ++i) {
      symbols_.push_back(byte_ids[counter.bytes()[piece.offset + i]]);
      if (i == 0) continue;
      const Pair pair = pair_of(symbols_.end()[-2], symbols_.back());
      counts_[pair] += static_cast<int64_t>(piece.count);
      found_.emplace_back(pair, word);
    }
  }
  add_found();
}

void BpeTrainer::push(Candidate candidate) {
  heap_.push_back(std::move(candidate));
  std::push_heap(heap_.begin(), heap_.end(), after);
}

BpeTrainer::Candidate BpeTrainer::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), after);
  Candidate top = std::move(heap_.back());
  heap_.pop_back();
  return top;
}

size_t BpeTrainer::learn(size_t count) {
  size_t learned = 0;
  while (learned < count && tokens_.size() < goal_.vocab_size && !heap_.empty()) {
    Candidate top = pop();
    const int64_t now = counts_[top.pair];
    if (top.count != now) {
      top.count = now;
      push(std::move(top));
      continue;
    }
    if (top.count < 1 || static_cast<uint64_t>(top.count) < goal_.min_frequency) {
      heap_.clear();
      break;
    }
    const size_t before = tokens_.size();
    const uint32_t token = token_of(top.pair);
    // Where two ways lead to one token, a pair with it can come up again with words found later.
    const bool known = token < before && std::any_of(merges_.begin(), merges_.end(), [&](const BpeMerge& merge) {
                         return pair_of(merge.left, merge.right) == top.pair;
                       });
    if (!known) {
      merges_.push_back({static_cast<uint32_t>(top.pair >> 32), static_cast<uint32_t>(top.pair), token});
      ++learned;
    }
    found_.clear();
    for (const uint32_t word : top.words) merge_in(word, top.pair, token);
    add_found();
  }
  return learned;
}

uint32_t BpeTrainer::token_of(Pair pair) {
  std::string token = tokens_[pair >> 32] + tokens_[static_cast<uint32_t>(pair)];
  const auto [found, added] = ids_.try_emplace(token, static_cast<uint32_t>(tokens_.size()));
  if (added) tokens_.push_back(std::move(token));
  return found->second;
}

void BpeTrainer::merge_in(uint32_t word_number, Pair pair, uint32_t token) {
  Word& word = words_[word_number];
  const uint32_t left = static_cast<uint32_t>(pair >> 32), right = static_cast<uint32_t>(pair);
  uint32_t* const symbols = symbols_.data() + word.offset;
  const auto gained = [&](uint32_t a, uint32_t b) {
    counts_[pair_of(a, b)] += word.count;
    found_.emplace_back(pair_of(a, b), word_number);
  };
  uint32_t end = 0;
  for (uint32_t i = 0; i < word.length; ++i) {
    if (symbols[i] != left || i + 1 == word.length || symbols[i + 1] != right) {
      symbols[end++] = symbols[i];
      continue;
    }
    if (end > 0) {
      counts_[pair_of(symbols[end - 1], left)] -= word.count;
      gained(symbols[end - 1], token);
    }
    symbols[end++] = token;
    ++i;
    if (i + 1 < word.length) {
      counts_[pair_of(right, symbols[i + 1])] -= word.count;
      gained(token, symbols[i + 1]);
    }
  }
  word.length = end;
}

void BpeTrainer::add_found() {
  std::sort(found_.begin(), found_.end());
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  for (size_t begin = 0; begin < found_.size();) {
    const Pair pair = found_[begin].first;
    size_t end = begin;
    while (end < found_.size() && found_[end].first == pair) ++end;
    const int64_t count = counts_[pair];
    if (count > 0) {
      Candidate candidate{count, pair, {}};
      candidate.words.reserve(end - begin);
      for (size_t i = begin; i < end; ++i) candidate.words.push_back(found_[i].second);
      push(std::move(candidate));
    }
    begin = end;
  }
}

}  // namespace millrace
