#include "text/shingles.h"

#include <algorithm>
#include <bit>

#include "text/band_sort.h"

namespace millrace {

namespace {

// Keeps a wordless document's hashes apart from those of words.
constexpr uint64_t kWordless = 0x452821e638d01377ull;

const uint8_t* bytes_of(const std::vector<uint64_t>& words, size_t first) {
  return reinterpret_cast<const uint8_t*>(words.data() + first);
}

// Above this the scatter leaves the first-level cache.
constexpr size_t kMostScattered = 1u << 14;
constexpr size_t kMostBuckets = 1u << 12;
// Insertion sorts buckets of this size well.
constexpr size_t kSmallBucket = 16;

// Sorts hashes: spread evenly, they are nearly in place once they are in about as many buckets by their upper bits.
// What is not spread evenly, such as repeats, costs time only.
void scatter(std::vector<uint64_t>& hashes, std::vector<uint64_t>& scratch) {
  const size_t count = hashes.size();
  if (count < 2) return;
  const int bits = static_cast<int>(std::bit_width(std::min(count, kMostBuckets) - 1));
  const int shift = 64 - bits;
  uint32_t ends[kMostBuckets + 1];
  std::fill_n(ends, (size_t{1} << bits) + 1, 0u);
  for (const uint64_t hash : hashes) ++ends[(hash >> shift) + 1];
  bool small = true;
  for (size_t bucket = 1; bucket <= size_t{1} << bits; ++bucket) {
    small &= ends[bucket] <= kSmallBucket;
    ends[bucket] += ends[bucket - 1];
  }
  scratch.resize(std::max(scratch.size(), count));
  for (const uint64_t hash : hashes) scratch[ends[hash >> shift]++] = hash;
  std::copy_n(scratch.data(), count, hashes.data());
  if (!small) {
    std::sort(hashes.begin(), hashes.end());
    return;
  }
  for (size_t i = 1; i < count; ++i) {
    const uint64_t hash = hashes[i];
    size_t j = i;
    for (; j > 0 && hashes[j - 1] > hash; --j) hashes[j] = hashes[j - 1];
    hashes[j] = hash;
  }
}

}  // namespace

Shingler::Shingler(Shingling shingling, SimdLevel level) : shingling_(shingling), level_(level), words_(level) {}

void Shingler::reserve_units(size_t count) {
  if (lows_.size() < num_carried_ + count) lows_.resize(num_carried_ + count);
  if (highs_.size() < count) highs_.resize(count);
}

void Shingler::hash_words() {
  const std::span<const uint32_t> edges = words_.edges();
  const uint8_t* folded = words_.folded();
  const size_t count = edges.size() / 2;
  reserve_units(count);
  uint64_t* lows = lows_.data() + num_carried_;
  uint64_t* highs = highs_.data();
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t begin = edges[2 * i];
    const uint32_t length = edges[2 * i + 1] - begin;
    const Hash128 unit = hash_unit(folded + begin, length);
    lows[i] = unit.low;
    highs[i] = unit.high;
    bytes += length;
  }
  num_new_ = count;
  normalized_bytes_ += bytes + count;  // a space behind each word; finish() takes the last one off
}

void Shingler::hash_characters() {
  static constexpr uint8_t kSpace[16] = {' '};
  const std::span<const uint32_t> edges = words_.edges();
  const uint8_t* folded = words_.folded();
  const Hash128 space = hash_unit(kSpace, 1);
  num_new_ = 0;
  const auto add = [&](Hash128 unit) {
    lows_[num_carried_ + num_new_] = unit.low;
    highs_[num_new_] = unit.high;
    ++num_new_;
  };
  for (size_t i = 0; i < edges.size(); i += 2) {
    size_t begin = edges[i];
    const size_t end = edges[i + 1];
    if (highs_.size() < num_new_ + 1 + end - begin) reserve_units(2 * (num_new_ + 1 + end - begin));
    if (num_units_ + num_new_ != 0 && begin != last_end_) {
      add(space);
      normalized_bytes_ += 1;
    }
    last_end_ = end;
    normalized_bytes_ += end - begin;
    while (begin < end) {
      const size_t start = begin;
      decode_utf8(folded, begin);
      add(hash_unit(folded + start, begin - start));
    }
  }
}

void Shingler::add_units(ShingleSink& sink) {
  content_.low += mixed_sum(bytes_of(lows_, num_carried_), num_new_, num_units_, kMixA, level_);
  content_.high += mixed_sum(bytes_of(highs_, 0), num_new_, num_units_, kMixB, level_);
  num_units_ += num_new_;
  const auto size = static_cast<size_t>(shingling_.size);
  const size_t count = num_carried_ + num_new_;
  num_carried_ = count;
  if (count < size) return;
  const size_t runs = count - size + 1;
  if (shingles_.size() < runs) shingles_.resize(runs);
  hash_runs(lows_.data(), count, size, shingles_.data(), level_);
  sink.add_shingles(shingles_.data(), runs);
  num_carried_ = size - 1;
  std::copy_n(lows_.data() + count - num_carried_, num_carried_, lows_.data());
}

void Shingler::begin_document(ShingleSink& sink) {
  num_carried_ = 0;
  num_units_ = 0;
  last_end_ = 0;
  content_ = {0, 0};
  normalized_bytes_ = 0;
  sink.begin_document();
}

// False: the text has to be composed first.
bool Shingler::shingle_pieces(ShingleSink& sink) {
  begin_document(sink);
  for (;;) {
    const WordSplitter::Step step = words_.next();
    if (step == WordSplitter::Step::kNotComposed) return false;
    if (shingling_.unit == ShingleUnit::kWord) {
      hash_words();
    } else {
      hash_characters();
    }
    add_units(sink);
    if (step == WordSplitter::Step::kEnd) return true;
  }
}

void Shingler::finish(ShingleSink& sink) {
  if (num_units_ == 0) {
    normalized_bytes_ = words_.folded_bytes();
    content_ = hash_bytes(words_.folded(), words_.folded_bytes(), level_);
    content_.low ^= kWordless;
    const uint64_t shingle = mix64(content_.low);
    sink.add_shingles(&shingle, 1);
    return;
  }
  if (shingling_.unit == ShingleUnit::kWord) normalized_bytes_ -= 1;
  content_ = {mix64(num_units_ + content_.low), mix64(num_units_ + content_.high)};
  if (num_units_ < static_cast<uint64_t>(shingling_.size)) {
    uint64_t shingle;
    hash_runs(lows_.data(), num_carried_, num_carried_, &shingle, level_);
    sink.add_shingles(&shingle, 1);
  }
}

void Shingler::shingle(std::string_view text, ShingleSink& sink) {
  words_.start(text);
  if (!shingle_pieces(sink)) {
    words_.compose();
    shingle_pieces(sink);
  }
  finish(sink);
}

const std::vector<uint64_t>& ShingleSet::finish() {
  if (hashes_.size() > kMostScattered) {
    hashes_.resize(sort_unique(hashes_.data(), hashes_.size()));
    return hashes_;
  }
  scatter(hashes_, scratch_);
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  return hashes_;
}

}  // namespace millrace
