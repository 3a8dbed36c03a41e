// Arena: one allocation, handed out in order. A measuring arena (made without memory) runs the same code and only
// counts, so what is planned is what is used.
#ifndef MILLRACE_CORE_ARENA_H_
#define MILLRACE_CORE_ARENA_H_

#include <cstddef>
#include <memory>

#include "core/status.h"
#include "core/tensor.h"

namespace millrace {

class Device;

class Arena {
 public:
  static constexpr size_t kAlignment = 64;

  // A measuring arena: allocations return tensors without data; peak_bytes() is what a real one needs.
  Arena() = default;
  // A real arena of `bytes`, zero-filled, in the memory of `device`, which outlives it; or in page-locked memory of
  // this machine.
  static Status create(Device& device, size_t bytes, std::unique_ptr<Arena>* out);
  static Status create_on_host(Device& device, size_t bytes, std::unique_ptr<Arena>* out);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `out` gets a tensor aligned to 64 bytes; fails with MR_OUT_OF_MEMORY when a real arena is full.
  Status alloc(DType dtype, Shape shape, Tensor* out);

  // Everything allocated after mark() is handed back by release(mark).
  size_t mark() const { return used_; }
  void release(size_t mark) { used_ = mark; }

  bool measuring() const { return base_ == nullptr; }
  size_t used_bytes() const { return used_; }
  size_t peak_bytes() const { return peak_; }
  size_t capacity_bytes() const { return capacity_; }

 private:
  static Status create_at(Device& device, bool on_host, size_t bytes, std::unique_ptr<Arena>* out);

  Device* device_ = nullptr;
  bool on_host_ = false;
  char* base_ = nullptr;
  size_t capacity_ = 0;
  size_t used_ = 0;
  size_t peak_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_CORE_ARENA_H_
