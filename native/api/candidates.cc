// millrace/candidates.h over the text kernels.
#include "millrace/candidates.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "api/list.h"
#include "text/band_buckets.h"
#include "text/band_sort.h"
#include "text/jaccard.h"
#include "text/join.h"

struct mr_join {
  millrace::Join join;
};

namespace {

using millrace::guarded_task;
using millrace::invalid_argument;
using millrace::ok;
using millrace::Status;

std::span<const uint64_t> set_of(const uint64_t* hashes, const uint32_t* offsets, size_t set) {
  return {hashes + offsets[set], static_cast<size_t>(offsets[set + 1] - offsets[set])};
}

Status check_threshold(uint32_t numerator, uint32_t denominator) {
  if (numerator < denominator) return ok();
  return invalid_argument("expected a threshold below 1, got " + std::to_string(numerator) + "/" +
                          std::to_string(denominator));
}

Status check_bits(const char* name, int32_t bits, int32_t most) {
  if (bits >= 0 && bits <= most) return ok();
  return invalid_argument("expected 0 to " + std::to_string(most) + " for " + name + ", got " + std::to_string(bits));
}

}  // namespace

extern "C" {

mr_code mr_select_part(const uint64_t* hashes, int32_t words, size_t num_rows, uint32_t part, uint32_t parts,
                       uint32_t first_document, const uint8_t* excluded, uint64_t* out_hashes, uint32_t* out_documents,
                       size_t* selected) {
  return guarded_task([&]() -> Status {
    if (words != 1 && words != 2) return invalid_argument("expected 1 or 2 words, got " + std::to_string(words));
    *selected = millrace::select_part(hashes, static_cast<size_t>(words), num_rows, part, parts, first_document,
                                      excluded, out_hashes, out_documents);
    return ok();
  });
}

mr_code mr_equal_groups(const uint64_t* hashes, size_t num_rows, mr_list** members, mr_list** offsets) {
  return guarded_task([&]() -> Status {
    millrace::EqualGroups groups = millrace::equal_groups(hashes, num_rows);
    millrace::hand_out(std::move(groups.members), std::move(groups.offsets), members, offsets);
    return ok();
  });
}

mr_code mr_group_keys(uint64_t* keys, uint32_t* documents, size_t count, uint64_t* key_scratch,
                      uint32_t* document_scratch, size_t* grouped) {
  return guarded_task([&]() -> Status {
    *grouped = millrace::group_keys(keys, documents, count, key_scratch, document_scratch);
    return ok();
  });
}

mr_code mr_pair_groups(const uint64_t* keys, const uint32_t* documents, size_t count, size_t begin, uint32_t max_bucket,
                       uint64_t* pairs, size_t capacity, size_t* next, size_t* num_pairs, mr_list** crowded) {
  return guarded_task([&]() -> Status {
    millrace::PairedGroups paired = millrace::pair_groups(keys, documents, count, begin, max_bucket, pairs, capacity);
    if (paired.next == begin && begin < count) {
      return invalid_argument("expected room for the pairs of one group, got room for " + std::to_string(capacity));
    }
    *next = paired.next;
    *num_pairs = paired.num_pairs;
    *crowded = millrace::list_of(std::move(paired.crowded));
    return ok();
  });
}

mr_code mr_sort_unique(uint64_t* values, size_t count, size_t* unique) {
  return guarded_task([&]() -> Status {
    *unique = millrace::sort_unique(values, count);
    return ok();
  });
}

mr_code mr_order_documents(const uint64_t* order_keys, const uint64_t* content_hashes, size_t num_rows,
                           uint32_t* order) {
  return guarded_task([&]() -> Status {
    std::iota(order, order + num_rows, 0u);
    std::sort(order, order + num_rows, [&](uint32_t a, uint32_t b) {
      if (order_keys[a] != order_keys[b]) return order_keys[a] < order_keys[b];
      const uint64_t* hash_a = content_hashes + 2 * static_cast<size_t>(a);
      const uint64_t* hash_b = content_hashes + 2 * static_cast<size_t>(b);
      if (hash_a[0] != hash_b[0]) return hash_a[0] < hash_b[0];
      if (hash_a[1] != hash_b[1]) return hash_a[1] < hash_b[1];
      return a < b;
    });
    return ok();
  });
}

mr_code mr_intersections(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                         uint32_t* intersections) {
  for (size_t i = 0; i < num_pairs; ++i) {
    intersections[i] = static_cast<uint32_t>(
        millrace::intersection_size(set_of(hashes, offsets, pairs[2 * i]), set_of(hashes, offsets, pairs[2 * i + 1])));
  }
  return MR_OK;
}

mr_code mr_intersections_above(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                               uint32_t numerator, uint32_t denominator, uint32_t* intersections) {
  return guarded_task([&]() -> Status {
    MR_RETURN_IF_ERROR(check_threshold(numerator, denominator));
    for (size_t i = 0; i < num_pairs; ++i) {
      const auto a = set_of(hashes, offsets, pairs[2 * i]);
      const auto b = set_of(hashes, offsets, pairs[2 * i + 1]);
      const uint64_t least = millrace::least_overlap(a.size(), b.size(), {numerator, denominator});
      intersections[i] = static_cast<uint32_t>(millrace::intersection_at_least(a, b, least));
    }
    return ok();
  });
}

mr_code mr_join_create(const mr_join_config* config, mr_join** out) {
  return guarded_task([&]() -> Status {
    MR_RETURN_IF_ERROR(check_threshold(config->numerator, config->denominator));
    MR_RETURN_IF_ERROR(check_bits("seen_bits", config->seen_bits, 32));
    MR_RETURN_IF_ERROR(check_bits("counter_bits", config->counter_bits, 28));
    *out = new mr_join{millrace::Join(
        {{config->numerator, config->denominator}, config->seen_bits, config->counter_bits, config->capacity_bytes})};
    return ok();
  });
}

void mr_join_destroy(mr_join* join) { delete join; }

mr_code mr_join_count(mr_join* join, const uint64_t* hashes, size_t count) {
  return guarded_task([&]() -> Status {
    join->join.see({hashes, count});
    return ok();
  });
}

mr_code mr_join_select(mr_join* join, const uint64_t* hashes, const uint32_t* offsets, size_t num_sets,
                       uint8_t* selected) {
  return guarded_task([&]() -> Status {
    for (size_t i = 0; i < num_sets; ++i) selected[i] = join->join.select(set_of(hashes, offsets, i)) ? 1 : 0;
    return ok();
  });
}

mr_code mr_join_sets(mr_join* join, const uint32_t* numbers, const uint64_t* hashes, const uint32_t* offsets,
                     size_t num_sets, mr_join_put put, const uint8_t* barred, size_t* taken, mr_list** matches) {
  return guarded_task([&]() -> Status {
    std::vector<uint32_t> found;
    size_t row = 0;
    for (; row < num_sets; ++row) {
      const std::span<const uint64_t> set = set_of(hashes, offsets, row);
      const std::vector<millrace::JoinMatch>& partners = join->join.find(set);
      const bool stays = put == MR_JOIN_PUT_ALL ||
                         (put == MR_JOIN_PUT_KEPT && partners.empty() && (barred == nullptr || barred[row] == 0));
      if (stays && !join->join.put(numbers[row], set)) break;
      for (const millrace::JoinMatch& match : partners) {
        found.insert(found.end(),
                     {static_cast<uint32_t>(row), match.number, match.intersection_size, match.union_size});
      }
    }
    *taken = row;
    *matches = millrace::list_of(std::move(found));
    return ok();
  });
}

void mr_join_clear(mr_join* join) { join->join.clear(); }

}  // extern "C"
