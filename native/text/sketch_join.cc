#include "text/sketch_join.h"

#include <algorithm>
#include <bit>
#include <span>

namespace millrace {
namespace {

constexpr uint32_t kMultiplier = 0x9e3779b1;  // golden ratio: least values are dense at the low end of their range
constexpr size_t kFilterBitsAValue = 16;
constexpr size_t kSlotsAValue = 2;
constexpr int kMinFilterBits = 6;  // one word

int bits_for(size_t count) { return std::bit_width(std::max<size_t>(count, 1)); }

uint32_t hash_of(uint32_t value, int shift) { return (value * kMultiplier) >> shift; }

// Of the least kSketchSize values of two sketches with at least as many together, how many are in both.
uint32_t common_among_least(const uint32_t* a, const uint32_t* b) {
  uint32_t common = 0;
  for (size_t least = 0; least < kSketchSize; ++least) {
    const uint32_t value = std::min(*a, *b);
    common += *a == *b;
    a += *a == value;
    b += *b == value;
  }
  return common;
}

size_t size_of(const uint32_t* sketch) {
  size_t size = kSketchSize;
  while (size != 0 && sketch[size - 1] == kSketchEnd) --size;
  return size;
}

}  // namespace

SketchIndex::SketchIndex(const uint32_t* sketches, size_t num_sampled)
    : sampled_(sketches, sketches + num_sampled * kSketchSize),
      sizes_(num_sampled),
      common_(num_sampled),
      touched_(num_sampled + 1) {
  std::vector<uint64_t> entries;  // value << 32 | place
  entries.reserve(num_sampled * kSketchSize);
  for (size_t place = 0; place < num_sampled; ++place) {
    const uint32_t* sketch = sketches + place * kSketchSize;
    sizes_[place] = static_cast<uint8_t>(size_of(sketch));
    for (const uint32_t value : std::span(sketch, sizes_[place])) entries.push_back(uint64_t{value} << 32 | place);
  }
  std::sort(entries.begin(), entries.end());
  size_t num_values = 0;
  for (size_t i = 0; i < entries.size(); ++i) num_values += i == 0 || entries[i - 1] >> 32 != entries[i] >> 32;
  const int filter_bits = std::max(bits_for(num_values * kFilterBitsAValue), kMinFilterBits);
  const int slot_bits = bits_for(num_values * kSlotsAValue);
  filter_.resize(size_t{1} << (filter_bits - 6));
  filter_shift_ = 32 - filter_bits;
  slots_.resize(size_t{1} << slot_bits);
  slot_shift_ = 32 - slot_bits;
  holders_.reserve(entries.size());
  for (const uint64_t entry : entries) {
    const auto value = static_cast<uint32_t>(entry >> 32);
    const uint32_t bit = hash_of(value, filter_shift_);
    filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
    Slot& slot = slot_of(value);
    if (slot.length == 0) slot = {value, static_cast<uint32_t>(holders_.size()), 0};
    ++slot.length;
    holders_.push_back(static_cast<uint32_t>(entry));
  }
}

SketchIndex::Slot& SketchIndex::slot_of(uint32_t value) {
  size_t at = hash_of(value, slot_shift_);
  while (slots_[at].length != 0 && slots_[at].value != value) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

const std::vector<SketchIndex::Match>& SketchIndex::match(const uint32_t* sketches, const uint8_t* taken,
                                                          size_t num_rows, uint32_t min_level) {
  matches_.clear();
  for (size_t row = 0; row < num_rows; ++row) {
    if (taken[row] == 0) continue;
    const uint32_t* sketch = sketches + row * kSketchSize;
    count_common(sketch);
    if (num_touched_ == 0) continue;
    const size_t size = size_of(sketch);
    for (const uint32_t place : std::span(touched_).first(num_touched_)) {
      const size_t common = common_[place];
      common_[place] = 0;
      const size_t together = sizes_[place] + size - common;
      uint32_t level = 0;
      if (together < kSketchSize) {
        level = static_cast<uint32_t>(kSketchSize * common / together);
      } else if (common >= min_level) {
        level = common_among_least(sampled_.data() + place * kSketchSize, sketch);
      }
      if (level >= std::max(min_level, 1u)) {
        matches_.push_back({place, static_cast<uint32_t>(row), level});
      }
    }
  }
  return matches_;
}

void SketchIndex::count_common(const uint32_t* sketch) {
  // First which values may be known, without a branch on each; then their slots, asked for ahead of use.
  uint32_t known[kSketchSize];
  size_t num_known = 0;
  for (size_t i = 0; i < kSketchSize; ++i) {
    const uint32_t bit = hash_of(sketch[i], filter_shift_);
    known[num_known] = sketch[i];
    num_known += (filter_[bit >> 6] >> (bit & 63)) & 1;
  }
  for (size_t i = 0; i < num_known; ++i) __builtin_prefetch(&slots_[hash_of(known[i], slot_shift_)]);
  num_touched_ = 0;
  for (const uint32_t value : std::span(known, num_known)) {
    const Slot& slot = slot_of(value);
    for (const uint32_t place : std::span(holders_).subspan(slot.begin, slot.length)) {
      touched_[num_touched_] = place;
      num_touched_ += common_[place] == 0;
      ++common_[place];
    }
  }
}

}  // namespace millrace
