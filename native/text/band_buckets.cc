#include "text/band_buckets.h"

#include <algorithm>
#include <numeric>

#include "text/band_sort.h"

namespace millrace {

namespace {

// Calls visit(begin, end) for each run of equal keys.
template <typename Visit>
void for_each_run(const uint64_t* keys, size_t count, Visit&& visit) {
  for (size_t begin = 0; begin < count;) {
    size_t end = begin + 1;
    while (end < count && keys[end] == keys[begin]) ++end;
    visit(begin, end);
    begin = end;
  }
}

}  // namespace

BucketPairs bucket_pairs(uint64_t* keys, uint32_t* documents, size_t count, size_t max_bucket) {
  BucketPairs out;
  radix_sort(keys, documents, count);
  for_each_run(keys, count, [&](size_t begin, size_t end) {
    if (end - begin > max_bucket) {
      out.crowded.insert(out.crowded.end(), documents + begin, documents + end);
      return;
    }
    for (size_t i = begin; i < end; ++i) {
      for (size_t j = i + 1; j < end; ++j) out.pairs.push_back(uint64_t{documents[i]} << 32 | documents[j]);
    }
  });
  radix_sort(out.pairs.data(), nullptr, out.pairs.size());
  std::sort(out.crowded.begin(), out.crowded.end());
  return out;
}

EqualGroups equal_groups(const uint64_t* hashes, size_t count) {
  std::vector<uint64_t> keys(count);
  std::vector<uint32_t> rows(count);
  for (size_t i = 0; i < count; ++i) keys[i] = hashes[2 * i];
  std::iota(rows.begin(), rows.end(), 0u);
  radix_sort(keys.data(), rows.data(), count);

  struct Group {
    uint32_t begin;
    uint32_t end;
  };
  std::vector<Group> groups;
  for_each_run(keys.data(), count, [&](size_t begin, size_t end) {
    if (end - begin < 2) return;
    const auto high = [&](uint32_t row) { return hashes[2 * static_cast<size_t>(row) + 1]; };
    std::stable_sort(rows.begin() + static_cast<ptrdiff_t>(begin), rows.begin() + static_cast<ptrdiff_t>(end),
                     [&](uint32_t a, uint32_t b) { return high(a) < high(b); });
    for (size_t first = begin; first < end;) {
      size_t last = first + 1;
      while (last < end && high(rows[last]) == high(rows[first])) ++last;
      if (last - first > 1) groups.push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(last)});
      first = last;
    }
  });
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
