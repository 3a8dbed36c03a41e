#include "core/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <limits>

namespace millrace {

namespace {

// False when the shape is negative somewhere or its bytes do not fit in a size_t.
bool bytes_of(DType dtype, const Shape& shape, size_t* out) {
  size_t bytes = dtype_bytes(dtype);
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i] < 0) return false;
    const size_t dim = static_cast<size_t>(shape[i]);
    if (dim != 0 && bytes > (std::numeric_limits<size_t>::max() - Arena::kAlignment) / dim) return false;
    bytes *= dim;
  }
  *out = bytes;
  return true;
}

}  // namespace

Status Arena::create(size_t bytes, std::unique_ptr<Arena>* out) {
  auto arena = std::make_unique<Arena>();
  arena->capacity_ = std::max<size_t>(bytes, 1);  // an arena of nothing still is a real one
  // Fresh pages come zeroed and become resident when first touched, by the thread that touches them.
  void* base = mmap(nullptr, arena->capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return Status(MR_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " bytes for an arena, got none");
  }
#if defined(MADV_HUGEPAGE)
  // Large pages save matrix products many misses of the address cache. Only advice: a refusal changes nothing.
  (void)madvise(base, arena->capacity_, MADV_HUGEPAGE);
#endif
  arena->base_ = static_cast<char*>(base);
  *out = std::move(arena);
  return ok();
}

Arena::~Arena() {
  if (base_ != nullptr) munmap(base_, capacity_);
}

Status Arena::alloc(DType dtype, Shape shape, Tensor* out) {
  size_t bytes = 0;
  if (!bytes_of(dtype, shape, &bytes) || bytes > std::numeric_limits<size_t>::max() - kAlignment - used_) {
    return invalid_argument("expected a tensor that fits in memory, got one with a negative or overflowing dimension");
  }
  const size_t begin = (used_ + kAlignment - 1) / kAlignment * kAlignment;
  if (!measuring() && (begin > capacity_ || bytes > capacity_ - begin)) {
    return Status(MR_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " bytes in an arena of " +
                                        std::to_string(capacity_) + ", got " +
                                        std::to_string(capacity_ - std::min(capacity_, begin)) + " free");
  }
  used_ = begin + bytes;
  peak_ = std::max(peak_, used_);
  out->data = measuring() ? nullptr : base_ + begin;
  out->dtype = dtype;
  out->shape = shape;
  return ok();
}

}  // namespace millrace
