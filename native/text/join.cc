#include "text/join.h"

#include <algorithm>
#include <bit>

namespace millrace {

Join::Join(const JoinConfig& config)
    : threshold_(config.threshold), capacity_(config.capacity_bytes), census_(config.seen_bits, config.counter_bits) {}

uint32_t Join::class_of(uint64_t size) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(size)) - (kClassBits + 1));
  return (static_cast<uint32_t>(shift) << kClassBits) + static_cast<uint32_t>(size >> shift);
}

uint64_t Join::class_floor(uint32_t size_class) {
  constexpr uint32_t kSteps = 1u << kClassBits;
  if (size_class < 2 * kSteps) return size_class;
  const uint32_t shift = size_class / kSteps - 1;
  return static_cast<uint64_t>(size_class - shift * kSteps) << shift;
}

uint64_t Join::prefix_length(uint64_t size) const {
  return size - std::min(size, least_overlap_with_any(size, threshold_)) + 1;
}

bool Join::select(std::span<const uint64_t> set) {
  if (census_.shared_of(set, &shared_) >= prefix_length(set.size())) return false;
  census_.count(shared_);
  return true;
}

void Join::order_prefix(std::span<const uint64_t> set) {
  first_ = census_.shared_of(set, &shared_);
  const uint64_t whole = prefix_length(set.size());
  const size_t length = std::min<size_t>(whole - std::min(whole, first_), shared_.size());
  prefix_.clear();
  if (!census_.orders()) {
    prefix_.assign(shared_.begin(), shared_.begin() + static_cast<ptrdiff_t>(length));
    return;
  }
  // By frequency, then by shingle, which is how a set stands.
  order_.clear();
  for (size_t i = 0; i < shared_.size(); ++i) order_.push_back(uint64_t{census_.frequency(shared_[i])} << 32 | i);
  const auto middle = order_.begin() + static_cast<ptrdiff_t>(length);
  if (middle != order_.end()) std::nth_element(order_.begin(), middle, order_.end());
  std::sort(order_.begin(), middle);
  for (size_t i = 0; i < length; ++i) prefix_.push_back(shared_[order_[i] & UINT32_MAX]);
}

uint64_t Join::bound_classes(uint64_t size) {
  uint64_t mask = 0;
  lowest_class_ = UINT32_MAX;
  highest_class_ = 0;
  for (const uint32_t size_class : classes_) {
    // The smallest set of this class that could be above the threshold: B > A * n / d.
    const uint64_t smallest = std::max(class_floor(size_class), least_overlap_with_any(size, threshold_));
    const uint64_t largest = class_floor(size_class + 1) - 1;
    const uint64_t needed = least_overlap(size, smallest, threshold_);
    const bool is_possible = largest >= smallest && size >= least_overlap_with_any(smallest, threshold_);
    const uint64_t length = is_possible && needed <= size ? size - needed + 1 : 0;
    class_lengths_[size_class] = static_cast<uint32_t>(length);
    if (length <= first_) continue;
    mask |= uint64_t{1} << (size_class & 63);
    lowest_class_ = std::min(lowest_class_, size_class);
    highest_class_ = size_class;
  }
  return mask;
}

void Join::collect(uint64_t size) {
  found_.clear();
  const uint64_t possible = bound_classes(size);
  if (possible == 0) return;
  constexpr size_t kAhead = 12;
  for (size_t i = 0; i < prefix_.size(); ++i) {
    if (i + kAhead < prefix_.size()) postings_.prefetch_list(prefix_[i + kAhead]);
    if (i + kAhead / 2 < prefix_.size()) postings_.prefetch_postings(prefix_[i + kAhead / 2]);
    const uint64_t shingle = prefix_[i];
    const uint64_t position = first_ + i;
    const auto scan = [&](const PostingTable::List& list) {
      for (const PostingTable::Posting& posting : postings_.postings(list)) {
        Seen& seen = seen_[posting.entry];
        if (seen.probe == probe_number_) continue;
        // If this is the first shingle that both share, they share no more than what follows it.
        const uint64_t at_most = std::min<uint64_t>(size - position, seen.size - posting.position);
        if (at_most < least_overlap(size, seen.size, threshold_)) continue;
        seen.probe = probe_number_;
        found_.push_back(posting.entry);
      }
    };
    const PostingTable::List& list = postings_[shingle];
    if (list.used == 0) continue;
    scan(list);
    for (uint64_t mask = list.classes & possible; mask != 0; mask &= mask - 1) {
      // All classes with this bit; within a factor of four of sizes there is one.
      uint32_t size_class = lowest_class_ + ((static_cast<uint32_t>(std::countr_zero(mask)) - lowest_class_) & 63);
      for (; size_class <= highest_class_; size_class += 64) {
        if (position < class_lengths_[size_class]) scan(postings_.of_class(shingle, size_class));
      }
    }
  }
}

const std::vector<JoinMatch>& Join::find(std::span<const uint64_t> set) {
  matches_.clear();
  order_prefix(set);
  if (entries_.empty()) return matches_;
  if (++probe_number_ == 0) {
    for (Seen& seen : seen_) seen.probe = 0;
    probe_number_ = 1;
  }
  collect(set.size());
  if (found_.empty()) return matches_;
  std::sort(found_.begin(), found_.end());
  const ParitySketch sketch(set);
  for (const uint32_t entry : found_) {
    const Entry& other = entries_[entry];
    const uint64_t least = least_overlap(set.size(), other.size, threshold_);
    if (sketch.most_in_common(sketches_[entry], set.size() + other.size) < least) continue;
    const size_t common = intersection_at_least(set, {other.set, other.size}, least);
    if (common == 0) continue;
    matches_.push_back(
        {other.number, static_cast<uint32_t>(common), static_cast<uint32_t>(set.size() + other.size - common)});
  }
  return matches_;
}

bool Join::has_room(uint64_t size) const {
  constexpr uint64_t kEntryBytes = sizeof(Entry) + sizeof(ParitySketch) + sizeof(Seen);
  uint64_t bytes = pool_.bytes() + pool_.bytes_to_add(size) + postings_.bytes() +
                   postings_.bytes_to_add(prefix_.size()) + entries_.capacity() * kEntryBytes;
  if (entries_.size() == entries_.capacity()) bytes += 2 * entries_.capacity() * kEntryBytes;
  return bytes <= capacity_;
}

bool Join::put(uint32_t number, std::span<const uint64_t> set) {
  if (prefix_.empty()) return true;  // no later set can share a shingle of it
  if (!entries_.empty() && !has_room(set.size())) return false;
  const uint32_t size_class = class_of(set.size());
  const auto place = std::lower_bound(classes_.begin(), classes_.end(), size_class);
  if (place == classes_.end() || *place != size_class) classes_.insert(place, size_class);
  if (size_class >= class_lengths_.size()) class_lengths_.resize(size_class + 1);
  const uint32_t entry = static_cast<uint32_t>(entries_.size());
  for (size_t i = 0; i < prefix_.size(); ++i) {
    postings_.add(prefix_[i], size_class, entry, static_cast<uint32_t>(first_ + i));
  }
  entries_.push_back({pool_.add(set), number, static_cast<uint32_t>(set.size())});
  sketches_.emplace_back(set);
  seen_.push_back({0, static_cast<uint32_t>(set.size())});
  return true;
}

void Join::clear() {
  pool_ = SetPool();
  postings_ = PostingTable();
  entries_ = {};
  sketches_ = {};
  seen_ = {};
  classes_ = {};
}

}  // namespace millrace
