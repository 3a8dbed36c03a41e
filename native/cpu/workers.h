// Items of work of which each needs more space than a stack holds: every thread has a workspace of its own and takes
// the next item when it is done with one.
#ifndef MILLRACE_CPU_WORKERS_H_
#define MILLRACE_CPU_WORKERS_H_

#include <atomic>

#include "core/op_checks.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// body(workspace, item) for each item in [0, num_items), on all threads; `width` floats of scratch a thread. Which
// thread does an item is not fixed, so an item alone decides what it writes.
template <class Body>
Status for_items(Context& context, int64_t num_items, int64_t width, const Body& body) {
  const int64_t num_workers = num_threads(context);
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  Tensor workspace;
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(num_workers, width), &workspace));
  context.scratch->release(mark);  // nothing else is allocated before the end
  if (planning(context)) return ok();
  std::atomic<int64_t> next{0};
  for_ranges(context, num_workers, 1, [&](int64_t begin, int64_t) {
    float* own = workspace.as<float>() + begin * width;
    for (int64_t item = next.fetch_add(1); item < num_items; item = next.fetch_add(1)) {
      body(own, item);
      tick(context);
    }
  });
  return ok();
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_WORKERS_H_
