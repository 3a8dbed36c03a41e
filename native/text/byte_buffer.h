// ByteBuffer: bytes that grow without being zeroed first, for kernels that append far more than they look back.
#ifndef MILLRACE_TEXT_BYTE_BUFFER_H_
#define MILLRACE_TEXT_BYTE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace millrace {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ~ByteBuffer() { std::free(data_); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }
  void clear() { size_ = 0; }
  // Forgets everything from `size` on; at most what there is.
  void truncate(size_t size) { size_ = size; }

  // Pages that are never written cost address space only, so a generous upper bound is a good guess.
  void reserve(size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  void append(const void* bytes, size_t count) {
    if (count == 0) return;
    if (capacity_ - size_ < count) grow(size_ + count);
    std::memcpy(data_ + size_, bytes, count);
    size_ += count;
  }
  void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  void push_back(uint8_t byte) {
    if (size_ == capacity_) grow(size_ + 1);
    data_[size_++] = byte;
  }

 private:
  void grow(size_t needed) {
    size_t capacity = capacity_ + capacity_ / 2;
    if (capacity < needed) capacity = needed;
    void* moved = std::realloc(data_, capacity);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(moved);
    capacity_ = capacity;
  }

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BYTE_BUFFER_H_
