#include "core/arena.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/device.h"

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

Status Arena::create_at(Device& device, bool on_host, size_t bytes, std::unique_ptr<Arena>* out) {
  const size_t capacity = std::max<size_t>(bytes, 1);  // an arena of nothing still is a real one
  auto arena = std::make_unique<Arena>();
  void* base = nullptr;
  MR_RETURN_IF_ERROR(on_host ? device.allocate_host(capacity, &base) : device.allocate(capacity, &base));
  arena->device_ = &device;
  arena->on_host_ = on_host;
  arena->base_ = static_cast<char*>(base);
  arena->capacity_ = capacity;
  *out = std::move(arena);
  return ok();
}

Status Arena::create(Device& device, size_t bytes, std::unique_ptr<Arena>* out) {
  return create_at(device, false, bytes, out);
}

Status Arena::create_on_host(Device& device, size_t bytes, std::unique_ptr<Arena>* out) {
  return create_at(device, true, bytes, out);
}

Arena::~Arena() {
  if (base_ == nullptr) return;
  if (on_host_) {
    device_->release_host(base_, capacity_);
  } else {
    device_->release(base_, capacity_);
  }
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
