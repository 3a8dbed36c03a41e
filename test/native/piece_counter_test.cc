// Laws of counting and learning: counts are those of the pre-tokens, memory is bounded, ties follow the rule.
#include "text/piece_counter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "text/bpe_trainer.h"

namespace millrace {
namespace {

void add(PieceCounter& counter, const std::string& text) {
  counter.add(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::map<std::string, uint64_t> counts_of(const PieceCounter& counter) {
  std::map<std::string, uint64_t> counts;
  for (const auto& piece : counter.pieces()) {
    counts[std::string(reinterpret_cast<const char*>(counter.bytes()) + piece.offset, piece.length)] = piece.count;
  }
  return counts;
}

TEST(PieceCounter, CountsPiecesOfTwoBytesOrMore) {
  PieceCounter counter(PretokenPattern::kGpt2);
  add(counter, "the cat the dog a");
  add(counter, "the");
  EXPECT_EQ(counts_of(counter),
            (std::map<std::string, uint64_t>{{"the", 2}, {" cat", 1}, {" the", 1}, {" dog", 1}, {" a", 1}}));
}

TEST(PieceCounter, AFullTableForgetsTheRarestAndKeepsTheRest) {
  PieceCounter bounded(PretokenPattern::kGpt2, 1000);
  PieceCounter unbounded(PretokenPattern::kGpt2);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = " common w" + std::to_string(i);
    add(bounded, text + " frequent");
    add(unbounded, text + " frequent");
  }
  EXPECT_LE(bounded.pieces().size(), 1000u);
  EXPECT_GT(bounded.num_forgotten(), 0u);
  EXPECT_EQ(unbounded.num_forgotten(), 0u);
  EXPECT_EQ(counts_of(bounded)[" common"], 20000u);
  EXPECT_EQ(counts_of(bounded)[" frequent"], 20000u);
  EXPECT_GT(unbounded.pieces().size(), 5000u);
}

TEST(BpeTrainer, OfEquallyFrequentPairsTheOneWithLowerIdsIsFirst) {
  PieceCounter counter(PretokenPattern::kGpt2);
  add(counter, "cd ab");  // "cd" and " ab": every pair once
  BpeTrainer trainer(counter, {300, 1, 0});
  EXPECT_EQ(trainer.learn(1), 1u);
  const auto bytes = bytes_in_alphabet_order();
  const BpeMerge& first = trainer.merges()[0];
  EXPECT_EQ(std::string({static_cast<char>(bytes[first.left]), static_cast<char>(bytes[first.right])}), "ab");
  EXPECT_EQ(first.merged, 256u);
  EXPECT_EQ(trainer.learn(100), 2u);  // "cd", and the space before "ab"
}

}  // namespace
}  // namespace millrace
