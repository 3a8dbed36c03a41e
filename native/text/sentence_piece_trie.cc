#include "text/sentence_piece_trie.h"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

constexpr size_t kBlock = 256;
constexpr size_t kMostUnits = size_t{1} << 23;
// Free units are looked for in as many blocks as this, the newest: it bounds the time to build.
constexpr size_t kOpenBlocks = 16;

// Units in growth: which are free, as a list in the order of their numbers, and which bases are taken.
class Units {
 public:
  Units() { grow(); }

  size_t size() const { return units_.size(); }
  const uint64_t* data() const { return units_.data(); }
  uint64_t& operator[](size_t i) { return units_[i]; }

  // A base under which the children by `bytes` are free; they are taken.
  uint32_t place(const std::vector<uint8_t>& bytes) {
    for (;;) {
      for (uint32_t at = next_[kHead]; at != kHead; at = next_[at]) {
        const uint32_t base = (at - 1) ^ bytes[0];
        if (fits(base, bytes)) return take(base, bytes);
      }
      grow();
    }
  }

 private:
  // The list's head is number 0, unit i number i + 1.
  static constexpr uint32_t kHead = 0;

  bool fits(uint32_t base, const std::vector<uint8_t>& bytes) const {
    if (base == 0 || is_base_[base]) return false;
    return std::all_of(bytes.begin(), bytes.end(), [&](uint8_t byte) { return is_free_[base ^ byte]; });
  }

  uint32_t take(uint32_t base, const std::vector<uint8_t>& bytes) {
    is_base_[base] = true;
    for (const uint8_t byte : bytes) {
      unlink((base ^ byte) + 1);
      is_free_[base ^ byte] = false;
      units_[base ^ byte] = 0x100u | byte;
    }
    return base;
  }

  void unlink(uint32_t number) {
    if (next_[number] == number) return;
    next_[previous_[number]] = next_[number];
    previous_[next_[number]] = previous_[number];
    next_[number] = number;
  }

  void grow() {
    const size_t begin = units_.size();
    units_.resize(begin + kBlock, 0);
    is_free_.resize(begin + kBlock, true);
    is_base_.resize(begin + kBlock, false);
    next_.resize(begin + kBlock + 1, 0);
    previous_.resize(begin + kBlock + 1, 0);
    for (size_t i = begin; i < begin + kBlock; ++i) {
      const uint32_t number = static_cast<uint32_t>(i) + 1;
      if (i == 0) {  // the root
        is_free_[0] = false;
        next_[number] = number;
        continue;
      }
      const uint32_t last = previous_[kHead];
      next_[last] = number;
      previous_[number] = last;
      next_[number] = kHead;
      previous_[kHead] = number;
    }
    if (begin < kOpenBlocks * kBlock) return;
    const size_t closed = begin - kOpenBlocks * kBlock;
    for (size_t i = closed; i < closed + kBlock; ++i) unlink(static_cast<uint32_t>(i) + 1);
  }

  std::vector<uint64_t> units_;
  std::vector<bool> is_free_, is_base_;
  std::vector<uint32_t> next_, previous_;
};

// Keys [begin, end) begin alike in `depth` bytes and go on from `unit`.
struct Range {
  size_t begin, end, depth;
  uint32_t unit;
};

}  // namespace

Status PieceTrie::build(std::vector<Key> keys) {
  units_ = HugeArray<uint64_t>();
  if (keys.empty()) return ok();
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.text < b.text; });
  Units units;
  std::vector<Range> ranges = {{0, keys.size(), 0, 0}};
  std::vector<uint8_t> bytes;
  while (!ranges.empty()) {
    Range range = ranges.back();
    ranges.pop_back();
    if (keys[range.begin].text.size() == range.depth) {
      units[range.unit] |= static_cast<uint64_t>(static_cast<uint32_t>(keys[range.begin].value) + 1) << 32;
      if (++range.begin == range.end) continue;
    }
    const auto byte_at = [&](size_t key) { return static_cast<uint8_t>(keys[key].text[range.depth]); };
    bytes.clear();
    for (size_t key = range.begin; key < range.end; ++key) {
      if (bytes.empty() || bytes.back() != byte_at(key)) bytes.push_back(byte_at(key));
    }
    const uint32_t base = units.place(bytes);
    if (units.size() > kMostUnits) return invalid_argument("expected fewer or shorter pieces, got too many for a trie");
    units[range.unit] |= static_cast<uint64_t>(base) << 9;
    for (size_t key = range.begin; key < range.end;) {
      const uint8_t byte = byte_at(key);
      const size_t first = key;
      while (key < range.end && byte_at(key) == byte) ++key;
      ranges.push_back({first, key, range.depth + 1, base ^ byte});
    }
  }
  units_ = HugeArray<uint64_t>(units.size());
  std::memcpy(units_.data(), units.data(), units.size() * sizeof(uint64_t));
  return ok();
}

size_t PieceTrie::longest_prefix(const uint8_t* text, size_t length, size_t most) const {
  if (empty()) return 0;
  size_t longest = 0;
  uint64_t unit = root();
  for (size_t i = 0; i < length && step(unit, text[i]); ++i) {
    if (value(unit) < 0) continue;
    longest = i + 1;
    if (--most == 0) break;
  }
  return longest;
}

}  // namespace millrace
