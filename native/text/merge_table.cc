#include "text/merge_table.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace millrace {

namespace {

constexpr size_t kPairsAGroup = 4;
constexpr uint32_t kMostDisplacements = 1u << 16;

}  // namespace

MergeTable::MergeTable(const BpeVocab& vocab) : byte_ranks_(65536, kNoRank), byte_ids_(vocab.byte_ids) {
  merged_.reserve(vocab.merges.size());
  if (!vocab.merges.empty()) first_merged_ = vocab.merges[0].merged;
  for (const BpeMerge& merge : vocab.merges) {
    consecutive_ = consecutive_ && merge.merged == first_merged_ + merged_.size();
    merged_.push_back(merge.merged);
  }
  // Filled to at most seven eighths; the wider, the easier a group finds its place.
  const size_t wanted = std::max<size_t>(16, vocab.merges.size() + vocab.merges.size() / 7);
  int slot_bits = std::countr_zero(std::bit_ceil(wanted));
  multiplier_ = 0x9E3779B97F4A7C15ull;
  for (int attempt = 1; !place_all(vocab.merges, slot_bits); ++attempt) {
    multiplier_ = multiplier_ * 0xD1342543DE82EF95ull;
    if (attempt % 4 == 0) ++slot_bits;
  }
  for (size_t left = 0; left < 256; ++left) {
    for (size_t right = 0; right < 256; ++right) {
      byte_ranks_[left << 8 | right] = rank(byte_ids_[left], byte_ids_[right]);
    }
  }
}

// Groups with many pairs first, each with the first displacement at which all its pairs find free slots.
bool MergeTable::place_all(const std::vector<BpeMerge>& merges, int slot_bits) {
  const size_t num_groups = std::bit_ceil(std::max<size_t>(2, merges.size() / kPairsAGroup));
  group_shift_ = 64 - std::countr_zero(num_groups);
  slot_mask_ = (uint64_t{1} << slot_bits) - 1;
  slots_ = HugeArray<uint64_t>(size_t{1} << slot_bits);
  std::fill_n(slots_.data(), size_t{1} << slot_bits, kEmpty);
  displacements_.assign(num_groups, 0);

  const auto hash_of = [&](size_t rank) {
    return (static_cast<uint64_t>(merges[rank].left) << 21 | merges[rank].right) * multiplier_;
  };
  std::vector<uint32_t> begins(num_groups + 1, 0);
  for (size_t rank = 0; rank < merges.size(); ++rank) ++begins[(hash_of(rank) >> group_shift_) + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> members(merges.size());
  std::vector<uint32_t> filled(begins.begin(), begins.end() - 1);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    members[filled[hash_of(rank) >> group_shift_]++] = static_cast<uint32_t>(rank);
  }
  std::vector<uint32_t> order(num_groups);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return begins[a + 1] - begins[a] > begins[b + 1] - begins[b]; });
  for (const uint32_t group : order) {
    const size_t size = begins[group + 1] - begins[group];
    const uint32_t* pairs = members.data() + begins[group];
    uint32_t displacement = 0;
    size_t placed = 0;
    for (; displacement < kMostDisplacements; ++displacement) {
      for (placed = 0; placed < size; ++placed) {
        const uint32_t rank = pairs[placed];
        uint64_t& slot = slots_[slot_of(hash_of(rank), displacement)];
        if (slot != kEmpty) break;
        slot = (static_cast<uint64_t>(merges[rank].left) << 21 | merges[rank].right) << 21 | rank;
      }
      if (placed == size) break;
      while (placed > 0) slots_[slot_of(hash_of(pairs[--placed]), displacement)] = kEmpty;
    }
    if (displacement == kMostDisplacements) return false;
    displacements_[group] = static_cast<uint16_t>(displacement);
  }
  return true;
}

}  // namespace millrace
