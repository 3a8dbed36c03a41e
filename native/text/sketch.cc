#include "text/sketch.h"

#include <algorithm>

namespace millrace {

namespace {

// Of n evenly spread values about this many lie below the first guess at the 16th least. Fewer than 16 do in one
// document of 150, which is then looked through again.
constexpr uint64_t kGuessed = 28;

// Few values, so insertion is the fastest of the plain sorts.
void sort(uint32_t* values, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    const uint32_t value = values[i];
    size_t j = i;
    for (; j > 0 && values[j - 1] > value; --j) values[j] = values[j - 1];
    values[j] = value;
  }
}

}  // namespace

// Makes least_[0 .. num_values) the least of them.
void Sketch::settle(size_t num_values) {
#if defined(__x86_64__)
  if (level_ == SimdLevel::kAvx512 && num_values <= 32) {
    sort_sketch_avx512(least_, num_values);
  } else {
    sort(least_, num_values);
  }
#else
  sort(least_, num_values);
#endif
  const size_t num_distinct = static_cast<size_t>(std::unique(least_, least_ + num_values) - least_);
  num_least_ = std::min(num_distinct, kSize);
}

// Values above `limit` are known not to matter.
void Sketch::add_up_to(uint32_t limit, const uint64_t* shingles, size_t count) {
  SketchSearch search{0, num_least_, least_};
  while (search.next < count) {
    const size_t enough = num_least_ + kWaiting;
#if defined(__x86_64__)
    if (level_ == SimdLevel::kAvx512) search_sketch_avx512(shingles, count, limit, enough, search);
#endif
    for (; search.next < count && search.num_found < enough; ++search.next) {
      const auto value = static_cast<uint32_t>(shingles[search.next] >> 32);
      least_[search.num_found] = value;
      search.num_found += value <= limit ? 1 : 0;
    }
    if (search.num_found == num_least_) continue;
    settle(search.num_found);
    search.num_found = num_least_;
    if (num_least_ == kSize) limit = std::min(limit, least_[kSize - 1]);
  }
}

void Sketch::add(const uint64_t* shingles, size_t count) {
  if (num_least_ == kSize) {
    add_up_to(least_[kSize - 1], shingles, count);
  } else if (num_least_ == 0 && count > kGuessed) {
    add_up_to(static_cast<uint32_t>((kGuessed << 32) / count), shingles, count);
    if (num_least_ == kSize) return;
    num_least_ = 0;
    add_up_to(UINT32_MAX, shingles, count);
  } else {
    add_up_to(UINT32_MAX, shingles, count);
  }
}

void Sketch::values(uint32_t* out) const {
  std::copy_n(least_, num_least_, out);
  std::fill(out + num_least_, out + kSize, UINT32_MAX);
}

}  // namespace millrace
