// millrace/dedup.h over the text kernels.
#include "millrace/dedup.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <vector>

#include "api/last_error.h"
#include "text/band_buckets.h"
#include "text/band_sort.h"
#include "text/jaccard.h"
#include "text/join_index.h"
#include "text/minhash.h"
#include "text/shingles.h"
#include "text/words_hash.h"

struct mr_list {
  std::vector<uint64_t> words;
  std::vector<uint32_t> halves;  // one of the two is empty
};

struct mr_join_index {
  std::vector<uint32_t> counters;
  millrace::JoinIndex index;
};

namespace {

using millrace::Hash128;
using millrace::invalid_argument;
using millrace::ok;
using millrace::report;
using millrace::Status;

// Runs `body`, which returns a Status, and keeps exceptions on this side of the border.
template <class Body>
mr_code guarded(Body body) {
  try {
    return report(body());
  } catch (const std::bad_alloc&) {
    return report(Status(MR_OUT_OF_MEMORY, "not enough memory for the documents of one dedup task"));
  } catch (const std::exception& error) {
    return report(millrace::internal_error(error.what()));
  }
}

mr_list* list_of(std::vector<uint64_t> words) { return new mr_list{std::move(words), {}}; }
mr_list* list_of(std::vector<uint32_t> halves) { return new mr_list{{}, std::move(halves)}; }

// Both or neither: a failure of the second allocation must not leak the first list.
template <class First, class Second>
void hand_out(First first, Second second, mr_list** first_out, mr_list** second_out) {
  std::unique_ptr<mr_list> first_list(list_of(std::move(first)));
  *second_out = list_of(std::move(second));
  *first_out = first_list.release();
}

std::string_view row_of(const mr_text_rows& rows, size_t row) {
  return {reinterpret_cast<const char*>(rows.text) + rows.offsets[row], rows.offsets[row + 1] - rows.offsets[row]};
}

Status shingling_of(const mr_shingling& from, millrace::Shingling* out) {
  if (from.unit != MR_SHINGLE_WORD && from.unit != MR_SHINGLE_CHARACTER) {
    return invalid_argument("expected words or characters for the unit of shingles, got " + std::to_string(from.unit));
  }
  if (from.size < 1) {
    return invalid_argument("expected at least 1 for the size of shingles, got " + std::to_string(from.size));
  }
  out->unit = from.unit == MR_SHINGLE_WORD ? millrace::ShingleUnit::kWord : millrace::ShingleUnit::kCharacter;
  out->size = from.size;
  return ok();
}

Status simd_level_of(mr_simd from, millrace::SimdLevel* out) {
  switch (from) {
    case MR_SIMD_AUTO:
      *out = millrace::best_simd_level();
      return ok();
    case MR_SIMD_SCALAR:
      *out = millrace::SimdLevel::kScalar;
      break;
    case MR_SIMD_AVX2:
      *out = millrace::SimdLevel::kAvx2;
      break;
    case MR_SIMD_AVX512:
      *out = millrace::SimdLevel::kAvx512;
      break;
  }
  if (!millrace::has_simd_level(*out)) {
    return invalid_argument("expected a SIMD level of this processor, got one that it lacks");
  }
  return ok();
}

Status check_bits(int32_t bits) {
  if (bits >= 1 && bits <= 30) return ok();
  return invalid_argument("expected 1 to 30 bits for shingle counters, got " + std::to_string(bits));
}

}  // namespace

extern "C" {

const void* mr_list_data(const mr_list* list) {
  return list->words.empty() ? static_cast<const void*>(list->halves.data()) : list->words.data();
}

size_t mr_list_bytes(const mr_list* list) {
  return list->words.size() * sizeof(uint64_t) + list->halves.size() * sizeof(uint32_t);
}

void mr_list_destroy(mr_list* list) { delete list; }

mr_code mr_dedup_sign(const mr_text_rows* rows, const mr_signature_config* config, uint64_t* content_hashes,
                      uint64_t* text_hashes, uint32_t* normalized_bytes, uint64_t* band_keys) {
  return guarded([&]() -> Status {
    millrace::Shingling shingling;
    MR_RETURN_IF_ERROR(shingling_of(config->shingling, &shingling));
    if (config->num_bands < 1 || config->num_rows < 1 || config->num_bands > 4096 || config->num_rows > 4096) {
      return invalid_argument("expected 1 to 4096 bands and rows, got " + std::to_string(config->num_bands) + " and " +
                              std::to_string(config->num_rows));
    }
    millrace::SimdLevel level = millrace::SimdLevel::kScalar;
    MR_RETURN_IF_ERROR(simd_level_of(config->simd, &level));
    millrace::Shingler shingler(shingling);
    millrace::MinHasher hasher({config->num_bands, config->num_rows, config->seed}, level);
    for (size_t i = 0; i < rows->num_rows; ++i) {
      const std::string_view text = row_of(*rows, i);
      hasher.band_keys(shingler.shingle(text), band_keys + i, rows->num_rows);
      const Hash128 content = shingler.content_hash();
      content_hashes[2 * i] = content.low;
      content_hashes[2 * i + 1] = content.high;
      text_hashes[i] = millrace::hash_bytes<false>(reinterpret_cast<const uint8_t*>(text.data()), text.size()).low;
      normalized_bytes[i] = shingler.normalized_bytes();
    }
    return ok();
  });
}

mr_code mr_dedup_hash_rows(const mr_text_rows* rows, uint64_t* hashes) {
  return guarded([&]() -> Status {
    for (size_t i = 0; i < rows->num_rows; ++i) {
      const std::string_view row = row_of(*rows, i);
      const Hash128 hash = millrace::hash_bytes<false>(reinterpret_cast<const uint8_t*>(row.data()), row.size());
      hashes[2 * i] = hash.low;
      hashes[2 * i + 1] = hash.high;
    }
    return ok();
  });
}

mr_code mr_dedup_shingle_sets(const mr_text_rows* rows, const uint32_t* selected, size_t num_selected,
                              const mr_shingling* from, mr_list** hashes, mr_list** offsets) {
  return guarded([&]() -> Status {
    millrace::Shingling shingling;
    MR_RETURN_IF_ERROR(shingling_of(*from, &shingling));
    millrace::Shingler shingler(shingling);
    std::vector<uint64_t> all;
    std::vector<uint32_t> ends{0};
    std::vector<uint64_t> set;
    for (size_t i = 0; i < num_selected; ++i) {
      if (selected[i] >= rows->num_rows) {
        return invalid_argument("expected rows below " + std::to_string(rows->num_rows) + ", got " +
                                std::to_string(selected[i]));
      }
      set = shingler.shingle(row_of(*rows, selected[i]));
      millrace::make_set(set);
      all.insert(all.end(), set.begin(), set.end());
      ends.push_back(static_cast<uint32_t>(all.size()));
    }
    hand_out(std::move(all), std::move(ends), hashes, offsets);
    return ok();
  });
}

mr_code mr_dedup_equal_groups(const uint64_t* hashes, size_t num_rows, mr_list** members, mr_list** offsets) {
  return guarded([&]() -> Status {
    millrace::EqualGroups groups = millrace::equal_groups(hashes, num_rows);
    hand_out(std::move(groups.members), std::move(groups.offsets), members, offsets);
    return ok();
  });
}

mr_code mr_dedup_bucket_pairs(uint64_t* keys, uint32_t* documents, size_t count, uint32_t max_bucket, mr_list** pairs,
                              mr_list** crowded) {
  return guarded([&]() -> Status {
    millrace::BucketPairs found = millrace::bucket_pairs(keys, documents, count, max_bucket);
    hand_out(std::move(found.pairs), std::move(found.crowded), pairs, crowded);
    return ok();
  });
}

mr_code mr_dedup_sort_unique(uint64_t* values, size_t count, size_t* unique) {
  return guarded([&]() -> Status {
    *unique = millrace::sort_unique(values, count);
    return ok();
  });
}

mr_code mr_dedup_intersections(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                               uint32_t* intersections) {
  const auto set_of = [&](uint32_t set) {
    return std::span(hashes + offsets[set], static_cast<size_t>(offsets[set + 1] - offsets[set]));
  };
  for (size_t i = 0; i < num_pairs; ++i) {
    intersections[i] =
        static_cast<uint32_t>(millrace::intersection_size(set_of(pairs[2 * i]), set_of(pairs[2 * i + 1])));
  }
  return MR_OK;
}

mr_code mr_dedup_order_longest(const uint32_t* normalized_bytes, const uint64_t* content_hashes, size_t num_rows,
                               uint32_t* order) {
  return guarded([&]() -> Status {
    std::iota(order, order + num_rows, 0u);
    std::sort(order, order + num_rows, [&](uint32_t a, uint32_t b) {
      if (normalized_bytes[a] != normalized_bytes[b]) return normalized_bytes[a] > normalized_bytes[b];
      const uint64_t* hash_a = content_hashes + 2 * static_cast<size_t>(a);
      const uint64_t* hash_b = content_hashes + 2 * static_cast<size_t>(b);
      if (hash_a[0] != hash_b[0]) return hash_a[0] < hash_b[0];
      if (hash_a[1] != hash_b[1]) return hash_a[1] < hash_b[1];
      return a < b;
    });
    return ok();
  });
}

mr_code mr_dedup_count_shingles(const uint64_t* hashes, size_t count, uint32_t* counters, int32_t bits) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(check_bits(bits));
    millrace::count_shingles({hashes, count}, counters, bits);
    return ok();
  });
}

mr_code mr_join_index_create(const uint32_t* counters, int32_t bits, uint32_t numerator, uint32_t denominator,
                             mr_join_index** out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(check_bits(bits));
    if (numerator >= denominator) {
      return invalid_argument("expected a threshold below 1, got " + std::to_string(numerator) + "/" +
                              std::to_string(denominator));
    }
    std::vector<uint32_t> copy(counters, counters + (size_t{1} << bits));
    const uint32_t* data = copy.data();  // stays where it is when the vector is moved
    *out = new mr_join_index{std::move(copy), millrace::JoinIndex(data, bits, {numerator, denominator})};
    return ok();
  });
}

void mr_join_index_destroy(mr_join_index* index) { delete index; }

mr_code mr_join_index_insert(mr_join_index* index, uint32_t number, const uint64_t* set, size_t size) {
  return guarded([&]() -> Status {
    index->index.insert(number, {set, size});
    return ok();
  });
}

mr_code mr_join_index_probe(mr_join_index* index, const uint64_t* set, size_t size, const uint32_t** numbers,
                            size_t* count) {
  return guarded([&]() -> Status {
    const std::vector<uint32_t>& found = index->index.probe({set, size});
    *numbers = found.data();
    *count = found.size();
    return ok();
  });
}

}  // extern "C"
