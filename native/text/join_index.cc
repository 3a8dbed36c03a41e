#include "text/join_index.h"

#include <algorithm>
#include <bit>

#include "text/words_hash.h"

namespace millrace {

void count_shingles(std::span<const uint64_t> hashes, uint32_t* counters, int bits) {
  for (const uint64_t hash : hashes) {
    uint32_t& counter = counters[hash >> (64 - bits)];
    if (counter != UINT32_MAX) ++counter;
  }
}

JoinIndex::JoinIndex(const uint32_t* counters, int bits, Ratio threshold)
    : counters_(counters), shift_(64 - bits), threshold_(threshold), slots_(1024, Slot{0, kNone}) {}

uint32_t JoinIndex::class_of(uint64_t size) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(size)) - (kClassBits + 1));
  return (static_cast<uint32_t>(shift) << kClassBits) + static_cast<uint32_t>(size >> shift);
}

uint64_t JoinIndex::class_floor(uint32_t size_class) {
  constexpr uint32_t kSteps = 1u << kClassBits;
  if (size_class < 2 * kSteps) return size_class;
  const uint32_t shift = size_class / kSteps - 1;
  return static_cast<uint64_t>(size_class - shift * kSteps) << shift;
}

uint64_t JoinIndex::key_of(uint64_t shingle, uint32_t size_class) {
  return mix64(shingle + (uint64_t{size_class} + 1) * kMixB);
}

void JoinIndex::order_prefix(std::span<const uint64_t> set, size_t length) {
  order_.clear();
  for (const uint64_t shingle : set) order_.emplace_back(counters_[shingle >> shift_], shingle);
  const auto middle = order_.begin() + static_cast<ptrdiff_t>(std::min(length, order_.size()));
  std::partial_sort(order_.begin(), middle, order_.end());
}

JoinIndex::Slot& JoinIndex::slot_of(uint64_t key) {
  const size_t mask = slots_.size() - 1;
  size_t at = key & mask;
  while (slots_[at].head != kNone && slots_[at].key != key) at = (at + 1) & mask;
  return slots_[at];
}

void JoinIndex::grow() {
  std::vector<Slot> old(slots_.size() * 2, Slot{0, kNone});
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.head != kNone) slot_of(slot.key) = slot;
  }
}

void JoinIndex::probe_class(uint32_t size_class, uint64_t size) {
  // The smallest set of this class that could be above the threshold: B > A * n / d.
  const uint64_t smallest = std::max(class_floor(size_class), least_overlap_with_any(size, threshold_));
  const uint64_t largest = class_floor(size_class + 1) - 1;
  if (largest < smallest || size < least_overlap_with_any(smallest, threshold_)) return;
  const uint64_t needed = least_overlap(size, smallest, threshold_);
  if (needed > size) return;
  const size_t length = std::min<size_t>(size - needed + 1, order_.size());
  for (size_t position = 0; position < length; ++position) {
    uint32_t at = slot_of(key_of(order_[position].second, size_class)).head;
    for (; at != kNone; at = postings_[at].next) {
      const Posting& posting = postings_[at];
      if (last_probe_[posting.entry] == probe_number_) continue;
      // If this is the first shingle that both share, they share no more than what follows it.
      const uint64_t other = entries_[posting.entry].size;
      const uint64_t at_most = std::min(size - position, other - posting.position);
      if (at_most < least_overlap(size, other, threshold_)) continue;
      last_probe_[posting.entry] = probe_number_;
      found_.push_back(posting.entry);
    }
  }
}

const std::vector<uint32_t>& JoinIndex::probe(std::span<const uint64_t> set) {
  found_.clear();
  if (entries_.empty()) return found_;
  const uint64_t size = set.size();
  order_prefix(set, size - std::min(size, least_overlap_with_any(size, threshold_)) + 1);
  ++probe_number_;
  for (const uint32_t size_class : classes_) probe_class(size_class, size);
  std::sort(found_.begin(), found_.end());
  for (uint32_t& entry : found_) entry = entries_[entry].number;
  return found_;
}

void JoinIndex::insert(uint32_t number, std::span<const uint64_t> set) {
  const uint64_t size = set.size();
  const size_t length = size - std::min(size, least_overlap_with_any(size, threshold_)) + 1;
  order_prefix(set, length);
  const uint32_t size_class = class_of(size);
  const auto place = std::lower_bound(classes_.begin(), classes_.end(), size_class);
  if (place == classes_.end() || *place != size_class) classes_.insert(place, size_class);
  const uint32_t entry = static_cast<uint32_t>(entries_.size());
  entries_.push_back({number, static_cast<uint32_t>(size)});
  last_probe_.push_back(0);
  for (size_t position = 0; position < std::min(length, order_.size()); ++position) {
    if ((used_slots_ + 1) * 2 > slots_.size()) grow();
    const uint64_t key = key_of(order_[position].second, size_class);
    Slot& slot = slot_of(key);
    if (slot.head == kNone) ++used_slots_;
    postings_.push_back({entry, static_cast<uint32_t>(position), slot.head});
    slot = {key, static_cast<uint32_t>(postings_.size() - 1)};
  }
}

}  // namespace millrace
