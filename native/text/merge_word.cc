// The portable merge of a word, and the choice among levels.
#include "text/merge_word.h"

#include <algorithm>

namespace millrace {

size_t merge_word_portable(const MergeTable& table, const uint8_t* bytes, size_t length, int32_t* out) {
  WordTokens word(table, bytes, length);
  // Rank and place of each pair in one number: the least is the leftmost of the lowest rank.
  const auto ranked = [](uint32_t rank, size_t place) { return static_cast<uint64_t>(rank) << 8 | place; };
  const size_t num_pairs = length - 1;
  uint64_t pairs[kWordBytes + 1];  // by the place of the left token
  for (size_t i = 1; i <= num_pairs; ++i) pairs[i] = ranked(table.byte_rank(bytes[i - 1], bytes[i]), i);
  for (;;) {
    uint64_t least = ranked(MergeTable::kNoRank, 0);
    for (size_t i = 1; i <= num_pairs; ++i) least = std::min(least, pairs[i]);
    const uint32_t rank = static_cast<uint32_t>(least >> 8);
    if (rank == MergeTable::kNoRank) return word.copy_to(length, out);
    const uint32_t at = least & 0xFF;
    const auto [before, right, after] = word.around(at);
    const uint32_t id = table.merged(rank);
    word.ids[at] = id;
    word.places &= ~(1u << right);
    pairs[right] = ranked(MergeTable::kNoRank, right);
    pairs[at] = ranked(table.rank(id, word.ids[after]), at);
    pairs[before] = ranked(table.rank(word.ids[before], id), before);
  }
}

MergeWord merge_word_for(SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return merge_word_avx512;
#endif
  static_cast<void>(level);
  return merge_word_portable;
}

}  // namespace millrace
