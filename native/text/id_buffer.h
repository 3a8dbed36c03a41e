// The ids of texts, as encoders append them.
#ifndef MILLRACE_TEXT_ID_BUFFER_H_
#define MILLRACE_TEXT_ID_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "text/huge_array.h"

namespace millrace {

// A growing array of ids. Unlike std::vector it leaves new room uninitialised and lets the encoder write past the end
// of what is counted, within what was reserved.
class IdBuffer {
 public:
  void clear() { size_ = 0; }
  void reserve(size_t wanted) {
    if (wanted <= capacity()) return;
    HugeArray<int32_t> data(std::max(wanted, capacity() + capacity() / 2));
    if (size_ > 0) std::memcpy(data.data(), data_.data(), size_ * sizeof(int32_t));
    data_ = std::move(data);
  }
  int32_t* end() { return data_.data() + size_; }
  // What was written from end() up to here counts.
  void set_end(const int32_t* end) { size_ = static_cast<size_t>(end - data_.data()); }
  const int32_t* data() const { return data_.data(); }
  size_t size() const { return size_; }
  size_t capacity() const { return data_.size(); }

 private:
  HugeArray<int32_t> data_;
  size_t size_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_ID_BUFFER_H_
