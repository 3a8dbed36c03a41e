#include "text/bpe_merge.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

namespace millrace {

MergeTable::MergeTable(const BpeVocab& vocab) : byte_ranks_(65536, kNoRank), byte_ids_(vocab.byte_ids) {
  // At most half full: nearly all probes end at the first slot, and most are of pairs that do not exist.
  const size_t size = std::bit_ceil(std::max<size_t>(16, 2 * vocab.merges.size()));
  slots_.assign(size, kEmpty);
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  merged_.reserve(vocab.merges.size());
  for (const BpeMerge& merge : vocab.merges) {
    const uint64_t key = static_cast<uint64_t>(merge.left) << 21 | merge.right;
    size_t slot = slot_of(key);
    while (slots_[slot] != kEmpty) slot = (slot + 1) & mask_;
    slots_[slot] = key << 21 | merged_.size();
    merged_.push_back(merge.merged);
  }
  for (size_t left = 0; left < 256; ++left) {
    for (size_t right = 0; right < 256; ++right) {
      byte_ranks_[left << 8 | right] = rank(byte_ids_[left], byte_ids_[right]);
    }
  }
}

size_t BpeMerger::merge(const uint8_t* piece, size_t length, int32_t* out) {
  if (length == 1) {
    out[0] = static_cast<int32_t>(table_.byte_id(piece[0]));
    return 1;
  }
  return length <= kShortPiece ? merge_short(piece, length, out) : merge_long(piece, length, out);
}

size_t BpeMerger::merge_short(const uint8_t* piece, size_t length, int32_t* out) const {
  uint32_t ranks[kShortPiece];  // of the pair (i, i + 1)
  for (size_t i = 0; i < length; ++i) out[i] = static_cast<int32_t>(table_.byte_id(piece[i]));
  for (size_t i = 0; i + 1 < length; ++i) ranks[i] = table_.byte_rank(piece[i], piece[i + 1]);
  size_t count = length;
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == MergeTable::kNoRank) break;
    out[best] = static_cast<int32_t>(table_.merged(ranks[best]));
    --count;
    std::memmove(out + best + 1, out + best + 2, (count - best - 1) * sizeof(out[0]));
    if (best + 1 < count) {
      std::memmove(ranks + best + 1, ranks + best + 2, (count - best - 2) * sizeof(ranks[0]));
      ranks[best] = table_.rank(static_cast<uint32_t>(out[best]), static_cast<uint32_t>(out[best + 1]));
    }
    if (best > 0) ranks[best - 1] = table_.rank(static_cast<uint32_t>(out[best - 1]), static_cast<uint32_t>(out[best]));
  }
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

// All merges of one rank, from the left. A merge can uncover a pair of lower rank only when the vocabulary lists a
// merge before the one that makes its part; then the rest of the positions wait, so that the order holds for any
// vocabulary.
void BpeMerger::merge_rank(uint32_t rank) {
  std::vector<uint32_t> work;
  work.swap(positions_[rank]);
  if (!std::is_sorted(work.begin(), work.end())) std::sort(work.begin(), work.end());
  for (size_t k = 0; k < work.size(); ++k) {
    const uint32_t position = work[k];
    if (ranks_[position] != rank) continue;
    const uint32_t right = next_[position];
    const uint32_t after = next_[right];
    const uint32_t before = previous_[position];
    ids_[position] = table_.merged(rank);
    next_[position] = after;
    ranks_[right] = MergeTable::kNoRank;
    if (after != kNone) previous_[after] = position;
    set_rank(position, after == kNone ? MergeTable::kNoRank : table_.rank(ids_[position], ids_[after]));
    if (before != kNone) set_rank(before, table_.rank(ids_[before], ids_[position]));
    if (!heap_.empty() && heap_.front() < rank && k + 1 < work.size()) {
      if (positions_[rank].empty()) push_rank(rank);
      positions_[rank].insert(positions_[rank].end(), work.begin() + static_cast<ptrdiff_t>(k) + 1, work.end());
      return;
    }
  }
  constexpr size_t kKeptCapacity = 64;
  if (positions_[rank].empty() && work.capacity() <= kKeptCapacity) {
    work.clear();
    work.swap(positions_[rank]);
  }
}

size_t BpeMerger::merge_long(const uint8_t* piece, size_t length, int32_t* out) {
  start_long(piece, static_cast<uint32_t>(length));
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint32_t rank = heap_.back();
    heap_.pop_back();
    merge_rank(rank);
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
