#include "text/bpe_merge.h"

#include <algorithm>
#include <functional>

namespace millrace {

size_t BpeMerger::merge(const uint8_t* piece, size_t length, int32_t* out) {
  if (length <= kWordBytes) return merge_word_(table_, piece, length, out);
  return length <= kShortPiece ? merge_short(piece, length, out) : merge_long(piece, length, out);
}

size_t BpeMerger::merge_short(const uint8_t* piece, size_t length, int32_t* out) const {
  constexpr size_t kGroup = 16;
  uint32_t ids[kShortPiece];
  uint32_t ranks[kShortPiece];           // of the pair that begins at i
  uint32_t least[kShortPiece / kGroup];  // of each group of ranks
  uint8_t next[kShortPiece];
  uint8_t previous[kShortPiece + 1];
  const size_t num_groups = (length + kGroup - 1) / kGroup;
  const auto update = [&](size_t group) {
    uint32_t rank = MergeTable::kNoRank;
    for (size_t i = 0; i < kGroup; ++i) rank = std::min(rank, ranks[group * kGroup + i]);
    least[group] = rank;
  };
  for (size_t i = 0; i < length; ++i) {
    ids[i] = table_.byte_id(piece[i]);
    next[i] = static_cast<uint8_t>(i + 1);
    previous[i + 1] = static_cast<uint8_t>(i);
  }
  for (size_t i = 0; i + 1 < length; ++i) ranks[i] = table_.byte_rank(piece[i], piece[i + 1]);
  for (size_t i = length - 1; i < num_groups * kGroup; ++i) ranks[i] = MergeTable::kNoRank;
  for (size_t group = 0; group < num_groups; ++group) update(group);
  for (;;) {
    size_t group = 0;
    for (size_t other = 1; other < num_groups; ++other) group = least[other] < least[group] ? other : group;
    const uint32_t rank = least[group];
    if (rank == MergeTable::kNoRank) break;
    size_t at = group * kGroup;
    while (ranks[at] != rank) ++at;
    const size_t right = next[at];
    const size_t after = next[right];
    const uint32_t id = table_.merged(rank);
    ids[at] = id;
    next[at] = static_cast<uint8_t>(after);
    previous[after] = static_cast<uint8_t>(at);
    ranks[right] = MergeTable::kNoRank;
    ranks[at] = after < length ? table_.rank(id, ids[after]) : MergeTable::kNoRank;
    if (at > 0) {
      const size_t before = previous[at];
      ranks[before] = table_.rank(ids[before], id);
      if (before / kGroup != group) update(before / kGroup);
    }
    if (right / kGroup != group) update(right / kGroup);
    update(group);
  }
  size_t count = 0;
  for (size_t i = 0; i < length; i = next[i]) out[count++] = static_cast<int32_t>(ids[i]);
  return count;
}

void BpeMerger::push_rank(uint32_t rank) {
  heap_.push_back(rank);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void BpeMerger::set_rank(uint32_t position, uint32_t rank) {
  ranks_[position] = rank;
  if (rank == MergeTable::kNoRank) return;
  if (positions_[rank].empty()) push_rank(rank);
  positions_[rank].push_back(position);
}

void BpeMerger::start_long(const uint8_t* piece, uint32_t length) {
  positions_.resize(table_.num_merges());
  ids_.resize(length);
  next_.resize(length);
  previous_.resize(length);
  ranks_.resize(length);
  for (uint32_t i = 0; i < length; ++i) {
    ids_[i] = table_.byte_id(piece[i]);
    next_[i] = i + 1 < length ? i + 1 : kNone;
    previous_[i] = i > 0 ? i - 1 : kNone;
  }
  for (uint32_t i = 0; i + 1 < length; ++i) set_rank(i, table_.byte_rank(piece[i], piece[i + 1]));
  ranks_[length - 1] = MergeTable::kNoRank;
}

// Makes one symbol of the pair at `position`; `enter` takes the ranks of the two pairs that it has with its neighbours.
template <typename Enter>
void BpeMerger::merge_at(uint32_t position, const Enter& enter) {
  const uint32_t right = next_[position];
  const uint32_t after = next_[right];
  const uint32_t before = previous_[position];
  ids_[position] = table_.merged(ranks_[position]);
  next_[position] = after;
  ranks_[right] = MergeTable::kNoRank;
  if (after != kNone) previous_[after] = position;
  enter(position, after == kNone ? MergeTable::kNoRank : table_.rank(ids_[position], ids_[after]));
  if (before != kNone) enter(before, table_.rank(ids_[before], ids_[position]));
}

// All merges of one rank, from the left. A merge can uncover a pair of lower rank only when the vocabulary lists a
// merge before the one that makes its part: then it stops there and says false.
bool BpeMerger::merge_rank(uint32_t rank) {
  std::vector<uint32_t> work;
  work.swap(positions_[rank]);
  if (!std::is_sorted(work.begin(), work.end())) std::sort(work.begin(), work.end());
  for (size_t k = 0; k < work.size(); ++k) {
    if (ranks_[work[k]] != rank) continue;
    merge_at(work[k], [this](uint32_t position, uint32_t uncovered) { set_rank(position, uncovered); });
    if (!heap_.empty() && heap_.front() < rank && k + 1 < work.size()) return false;
  }
  constexpr size_t kKeptCapacity = 64;
  if (positions_[rank].empty() && work.capacity() <= kKeptCapacity) {
    work.clear();
    work.swap(positions_[rank]);
  }
  return true;
}

// The rest of a piece, one pair at a time by a heap of ranks and positions: slower, but n log n where the pairs of two
// ranks take turns, as they may in vocabularies that list a merge before the one that makes its part.
void BpeMerger::merge_singly() {
  for (const uint32_t rank : heap_) std::vector<uint32_t>().swap(positions_[rank]);
  heap_.clear();
  std::vector<uint64_t> pairs;
  const auto pair_of = [](uint32_t position, uint32_t rank) { return uint64_t{rank} << 32 | position; };
  for (uint32_t position = 0; position != kNone; position = next_[position]) {
    if (ranks_[position] != MergeTable::kNoRank) pairs.push_back(pair_of(position, ranks_[position]));
  }
  std::make_heap(pairs.begin(), pairs.end(), std::greater<>());
  const auto enter = [&](uint32_t position, uint32_t rank) {
    ranks_[position] = rank;
    if (rank == MergeTable::kNoRank) return;
    pairs.push_back(pair_of(position, rank));
    std::push_heap(pairs.begin(), pairs.end(), std::greater<>());
  };
  while (!pairs.empty()) {
    std::pop_heap(pairs.begin(), pairs.end(), std::greater<>());
    const uint64_t pair = pairs.back();
    pairs.pop_back();
    const uint32_t position = static_cast<uint32_t>(pair);
    if (ranks_[position] == pair >> 32) merge_at(position, enter);
  }
}

size_t BpeMerger::merge_long(const uint8_t* piece, size_t length, int32_t* out) {
  start_long(piece, static_cast<uint32_t>(length));
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint32_t rank = heap_.back();
    heap_.pop_back();
    if (!merge_rank(rank)) merge_singly();
  }
  size_t count = 0;
  for (uint32_t position = 0; position != kNone; position = next_[position]) {
    out[count++] = static_cast<int32_t>(ids_[position]);
  }
  release_scratch();
  return count;
}

// One giant piece must not hold its memory for the rest of the run.
void BpeMerger::release_scratch() {
  constexpr size_t kKeptLength = size_t{1} << 18;
  if (ids_.capacity() <= kKeptLength) return;
  for (std::vector<uint32_t>* scratch : {&ids_, &next_, &previous_, &ranks_}) std::vector<uint32_t>().swap(*scratch);
}

}  // namespace millrace
