// Merges of a pre-token of one word: up to 16 bytes, all ranks in registers or in the first-level cache. On each SIMD
// level, with the same results.
#ifndef MILLRACE_TEXT_MERGE_WORD_H_
#define MILLRACE_TEXT_MERGE_WORD_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "text/merge_table.h"
#include "text/simd_level.h"

namespace millrace {

constexpr size_t kWordBytes = 16;

// Writes the ids of 1 to kWordBytes bytes to `out`, which has room for as many, and returns how many.
using MergeWord = size_t (*)(const MergeTable& table, const uint8_t* bytes, size_t length, int32_t* out);

size_t merge_word_portable(const MergeTable& table, const uint8_t* bytes, size_t length, int32_t* out);
size_t merge_word_avx512(const MergeTable& table, const uint8_t* bytes, size_t length, int32_t* out);

MergeWord merge_word_for(SimdLevel level);

// The tokens of a word while it is merged: the one that begins at byte i is at place i + 1, with no token before the
// first and behind the last, so that every token has two neighbours.
struct WordTokens {
  struct Neighbours {
    uint32_t before, right, after;
  };

  WordTokens(const MergeTable& table, const uint8_t* bytes, size_t length) : places((4u << length) - 1) {
    ids[0] = ids[length + 1] = MergeTable::kNoToken;
    for (size_t i = 0; i < length; ++i) ids[i + 1] = table.byte_id(bytes[i]);
  }

  // The places around the pair whose left token is at `at`: before it, its right token, and behind it.
  Neighbours around(uint32_t at) const {
    const uint32_t behind = places & (~1u << at);
    return {31u - static_cast<uint32_t>(std::countl_zero(places & ((1u << at) - 1))),
            static_cast<uint32_t>(std::countr_zero(behind)),
            static_cast<uint32_t>(std::countr_zero(behind & (behind - 1)))};
  }

  size_t copy_to(size_t length, int32_t* out) const {
    size_t count = 0;
    for (uint32_t left = places & ((2u << length) - 2); left != 0; left &= left - 1) {
      out[count++] = static_cast<int32_t>(ids[std::countr_zero(left)]);
    }
    return count;
  }

  uint32_t places;  // bit i: a token is at place i
  uint32_t ids[kWordBytes + 2];
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_MERGE_WORD_H_
