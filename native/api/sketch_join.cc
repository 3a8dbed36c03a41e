// millrace/sketch_join.h over the text kernel.
#include "millrace/sketch_join.h"

#include <string>

#include "api/guard.h"
#include "text/sketch_join.h"

struct mr_sketch_index {
  millrace::SketchIndex index;
};

namespace {

using millrace::report;

constexpr size_t kMaxSampled = size_t{1} << 20;

static_assert(MR_SKETCH_SIZE == millrace::kSketchSize);
static_assert(sizeof(millrace::SketchIndex::Match) == 3 * sizeof(uint32_t));

template <class Body>
mr_code guarded(Body body) {
  return millrace::guarded(body, "not enough memory for the join of a sample");
}

}  // namespace

extern "C" {

mr_code mr_sketch_index_create(const uint32_t* sketches, size_t num_sampled, mr_sketch_index** out) {
  if (num_sampled > kMaxSampled) {
    return report(millrace::invalid_argument("expected at most " + std::to_string(kMaxSampled) +
                                             " sampled documents, got " + std::to_string(num_sampled)));
  }
  return guarded([&] {
    *out = new mr_sketch_index{millrace::SketchIndex(sketches, num_sampled)};
    return millrace::ok();
  });
}

void mr_sketch_index_destroy(mr_sketch_index* index) { delete index; }

mr_code mr_sketch_index_match(mr_sketch_index* index, const uint32_t* sketches, const uint8_t* taken, size_t num_rows,
                              uint32_t min_level, const uint32_t** matches, size_t* num_matches) {
  return guarded([&] {
    const auto& found = index->index.match(sketches, taken, num_rows, min_level);
    *matches = reinterpret_cast<const uint32_t*>(found.data());
    *num_matches = found.size();
    return millrace::ok();
  });
}

}  // extern "C"
