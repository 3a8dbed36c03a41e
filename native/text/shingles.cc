#include "text/shingles.h"

#include <algorithm>

#include "text/band_sort.h"

namespace millrace {

namespace {

// A run of units u[0..k) hashes to mix64(sum of u[j] * kBase^(k-1-j) + k * kMixB) modulo 2^64: order counts, and the
// sum rolls along the document.
constexpr uint64_t kBase = kMixA;

inline uint64_t finish_run(uint64_t sum, size_t count) { return mix64(sum + count * kMixB); }

// Keeps a wordless document's hashes apart from those of words.
constexpr uint64_t kWordless = 0x452821e638d01377ull;

}  // namespace

Shingler::Shingler(Shingling shingling) : shingling_(shingling), top_power_(1) {
  for (int i = 1; i < shingling_.size; ++i) top_power_ *= kBase;
}

void Shingler::add_unit(const uint8_t* bytes, size_t length) {
  const Hash128 unit = hash_bytes<true>(bytes, length);
  units_.push_back(unit.low);
  content_.low = multiply_fold(content_.low ^ unit.low, kMixA);
  content_.high = multiply_fold(content_.high ^ unit.high, kMixB);
}

void Shingler::split_words() {
  size_t bytes = 0;
  for_each_word(folded_, [&](size_t begin, size_t end) {
    add_unit(folded_.data() + begin, end - begin);
    bytes += end - begin + 1;
  });
  normalized_bytes_ = static_cast<uint32_t>(bytes == 0 ? 0 : bytes - 1);
}

void Shingler::split_characters() {
  static constexpr uint8_t kSpace[8] = {' '};
  size_t bytes = 0;
  size_t last_end = 0;
  for_each_word(folded_, [&](size_t begin, size_t end) {
    if (!units_.empty() && begin != last_end) {
      add_unit(kSpace, 1);
      bytes += 1;
    }
    last_end = end;
    bytes += end - begin;
    while (begin < end) {
      const size_t start = begin;
      decode_utf8(folded_.data(), begin);
      add_unit(folded_.data() + start, begin - start);
    }
  });
  normalized_bytes_ = static_cast<uint32_t>(bytes);
}

void Shingler::hash_runs() {
  const size_t size = static_cast<size_t>(shingling_.size);
  const size_t count = units_.size();
  const size_t first = std::min(size, count);
  uint64_t sum = 0;
  for (size_t i = 0; i < first; ++i) sum = sum * kBase + units_[i];
  shingles_.resize(count - first + 1);
  shingles_[0] = finish_run(sum, first);
  for (size_t i = size; i < count; ++i) {
    sum = (sum - units_[i - size] * top_power_) * kBase + units_[i];
    shingles_[i - size + 1] = finish_run(sum, size);
  }
}

const std::vector<uint64_t>& Shingler::shingle(std::string_view text) {
  folded_.assign(text);
  units_.clear();
  content_ = {kMixC, kMixD};
  if (shingling_.unit == ShingleUnit::kWord) {
    split_words();
  } else {
    split_characters();
  }
  if (!units_.empty()) {
    hash_runs();
  } else {
    content_ = hash_bytes<true>(folded_.data(), folded_.size());
    content_.low ^= kWordless;
    normalized_bytes_ = static_cast<uint32_t>(folded_.size());
    shingles_.assign(1, mix64(content_.low));
  }
  return shingles_;
}

void make_set(std::vector<uint64_t>& hashes) { hashes.resize(sort_unique(hashes.data(), hashes.size())); }

}  // namespace millrace
