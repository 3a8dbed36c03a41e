// The ranks of all pairs of a word in one register; called only where has_simd_level(kAvx512).
#include "text/merge_word.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MR_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2,lzcnt")))

namespace millrace {
namespace {

// _mm512_reduce_min_epu32, without the warning that GCC 12 gives for it.
MR_AVX512 inline uint32_t least_of(__m512i lanes) {
  const __m256i half = _mm256_min_epu32(_mm512_maskz_extracti64x4_epi64(__mmask8{0xF}, lanes, 0),
                                        _mm512_maskz_extracti64x4_epi64(__mmask8{0xF}, lanes, 1));
  __m128i least = _mm_min_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, _MM_SHUFFLE(1, 0, 3, 2)));
  least = _mm_min_epu32(least, _mm_shuffle_epi32(least, _MM_SHUFFLE(2, 3, 0, 1)));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(least));
}

}  // namespace

MR_AVX512 size_t merge_word_avx512(const MergeTable& table, const uint8_t* bytes, size_t length, int32_t* out) {
  WordTokens word(table, bytes, length);
  alignas(64) uint32_t first[kWordBytes];
  for (size_t i = 0; i + 1 < length; ++i) first[i] = table.byte_rank(bytes[i], bytes[i + 1]);
  const auto num_pairs = static_cast<__mmask16>((1u << (length - 1)) - 1);
  __m512i ranks = _mm512_mask_load_epi32(_mm512_set1_epi32(-1), num_pairs, first);  // lane: the pair's left byte
  for (;;) {
    const uint32_t rank = least_of(ranks);
    if (rank == MergeTable::kNoRank) return word.copy_to(length, out);
    const auto lanes = _mm512_cmpeq_epi32_mask(ranks, _mm512_set1_epi32(static_cast<int>(rank)));
    const uint32_t at = 1 + static_cast<uint32_t>(std::countr_zero(static_cast<uint32_t>(lanes)));
    const auto [before, right, after] = word.around(at);
    const uint32_t id = table.merged(rank);
    word.ids[at] = id;
    word.places &= ~(1u << right);
    const auto put = [&ranks](uint32_t place, uint32_t value) MR_AVX512 {
      // Place 0 has no lane: the shift leaves no bit.
      const auto lane = static_cast<__mmask16>(1u << place >> 1);
      ranks = _mm512_mask_set1_epi32(ranks, lane, static_cast<int>(value));
    };
    put(right, MergeTable::kNoRank);
    put(at, table.rank(id, word.ids[after]));
    put(before, table.rank(word.ids[before], id));
  }
}

}  // namespace millrace

#endif
