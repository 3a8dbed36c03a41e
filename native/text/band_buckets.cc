#include "text/band_buckets.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace millrace {

namespace {

// Rows a bucket, about, and how many buckets at most: a bucket's rows and its table stay in the first-level cache, and
// the streams that rows are dealt to stay few enough for the second-level TLB.
constexpr size_t kRowsABucket = 1024;
constexpr int kMaxBucketBits = 11;

struct Row {
  uint64_t key;
  uint32_t document;
  friend bool operator<(const Row& a, const Row& b) { return a.key != b.key ? a.key < b.key : a.document < b.document; }
};

// Finds the rows of one bucket whose key occurs twice or more, by a hash table of the bucket's size.
class RepeatedKeys {
 public:
  const std::vector<Row>& find(const uint64_t* keys, const uint32_t* documents, size_t count) {
    const size_t slots = std::bit_ceil(2 * count);
    first_.assign(slots, kNone);
    is_repeated_.assign(count, 0);
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      size_t at = (keys[i] * kSpread) >> 32 & (slots - 1);
      while (first_[at] != kNone && keys[first_[at]] != keys[i]) at = (at + 1) & (slots - 1);
      if (first_[at] == kNone) {
        first_[at] = static_cast<uint32_t>(i);
      } else {
        is_repeated_[i] = is_repeated_[first_[at]] = 1;
        any = true;
      }
    }
    rows_.clear();
    if (!any) return rows_;
    for (size_t i = 0; i < count; ++i) {
      if (is_repeated_[i] != 0) rows_.push_back({keys[i], documents[i]});
    }
    std::sort(rows_.begin(), rows_.end());
    return rows_;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint64_t kSpread = 0x9e3779b97f4a7c15ull;  // the golden ratio: the keys' own low bits may be few

  std::vector<uint32_t> first_;
  std::vector<uint8_t> is_repeated_;
  std::vector<Row> rows_;
};

}  // namespace

size_t select_part(const uint64_t* hashes, size_t words, size_t num_rows, uint32_t part, uint32_t parts,
                   uint32_t first_document, const uint8_t* excluded, uint64_t* out_hashes, uint32_t* out_documents) {
  size_t selected = 0;
  for (size_t row = 0; row < num_rows; ++row) {
    const uint32_t document = first_document + static_cast<uint32_t>(row);
    const uint64_t* hash = hashes + row * words;
    const uint64_t upper = hash[words - 1] >> 32;
    const bool is_excluded = excluded != nullptr && (excluded[document >> 3] >> (document & 7) & 1) != 0;
    // Written at any rate: whether the row stays is no branch to predict.
    out_hashes[selected * words] = hash[0];
    out_hashes[selected * words + words - 1] = hash[words - 1];
    out_documents[selected] = document;
    selected += static_cast<size_t>(upper * parts >> 32 == part && !is_excluded);
  }
  return selected;
}

size_t group_keys(uint64_t* keys, uint32_t* documents, size_t count, uint64_t* key_scratch,
                  uint32_t* document_scratch) {
  const int bits = std::min(static_cast<int>(std::bit_width(count / kRowsABucket)), kMaxBucketBits);
  const auto bucket_of = [bits](uint64_t key) { return bits == 0 ? 0 : key >> (64 - bits); };
  std::vector<size_t> ends(size_t{1} << bits);
  for (size_t i = 0; i < count; ++i) ++ends[bucket_of(keys[i])];
  size_t sum = 0;
  for (size_t& end : ends) sum += std::exchange(end, sum);
  for (size_t i = 0; i < count; ++i) {
    const size_t target = ends[bucket_of(keys[i])]++;
    key_scratch[target] = keys[i];
    document_scratch[target] = documents[i];
  }
  RepeatedKeys repeated;
  size_t grouped = 0;
  size_t begin = 0;
  for (const size_t end : ends) {
    for (const Row& row : repeated.find(key_scratch + begin, document_scratch + begin, end - begin)) {
      keys[grouped] = row.key;
      documents[grouped] = row.document;
      ++grouped;
    }
    begin = end;
  }
  return grouped;
}

PairedGroups pair_groups(const uint64_t* keys, const uint32_t* documents, size_t count, size_t begin, size_t max_bucket,
                         uint64_t* pairs, size_t capacity) {
  PairedGroups out;
  for (out.next = begin; out.next < count;) {
    size_t end = out.next + 1;
    while (end < count && keys[end] == keys[out.next]) ++end;
    const size_t size = end - out.next;
    if (size > max_bucket) {
      out.crowded.insert(out.crowded.end(), documents + out.next, documents + end);
    } else {
      if (size * (size - 1) / 2 > capacity - out.num_pairs) return out;
      for (size_t i = out.next; i < end; ++i) {
        for (size_t j = i + 1; j < end; ++j) pairs[out.num_pairs++] = uint64_t{documents[i]} << 32 | documents[j];
      }
    }
    out.next = end;
  }
  return out;
}

EqualGroups equal_groups(const uint64_t* hashes, size_t count) {
  std::vector<uint64_t> keys(count);
  std::vector<uint32_t> rows(count);
  std::vector<uint64_t> key_scratch(count);
  std::vector<uint32_t> row_scratch(count);
  for (size_t i = 0; i < count; ++i) keys[i] = hashes[2 * i];
  std::iota(rows.begin(), rows.end(), 0u);
  const size_t grouped = group_keys(keys.data(), rows.data(), count, key_scratch.data(), row_scratch.data());

  struct Group {
    uint32_t begin;
    uint32_t end;
  };
  std::vector<Group> groups;
  const auto high = [&](uint32_t row) { return hashes[2 * static_cast<size_t>(row) + 1]; };
  for (size_t begin = 0; begin < grouped;) {
    size_t end = begin + 1;
    while (end < grouped && keys[end] == keys[begin]) ++end;
    std::stable_sort(rows.begin() + static_cast<ptrdiff_t>(begin), rows.begin() + static_cast<ptrdiff_t>(end),
                     [&](uint32_t a, uint32_t b) { return high(a) < high(b); });
    for (size_t first = begin; first < end;) {
      size_t last = first + 1;
      while (last < end && high(rows[last]) == high(rows[first])) ++last;
      if (last - first > 1) groups.push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(last)});
      first = last;
    }
    begin = end;
  }
  std::sort(groups.begin(), groups.end(), [&](Group a, Group b) { return rows[a.begin] < rows[b.begin]; });

  EqualGroups out;
  out.offsets.push_back(0);
  for (const Group group : groups) {
    out.members.insert(out.members.end(), rows.begin() + group.begin, rows.begin() + group.end);
    out.offsets.push_back(static_cast<uint32_t>(out.members.size()));
  }
  return out;
}

}  // namespace millrace
