// An array of plain values, zero at first, on huge pages where it is large and the system has them to give: tables that
// are read at random cost a miss of the page table an access on small ones, results that are written once a fault a
// page.
#ifndef MILLRACE_TEXT_HUGE_ARRAY_H_
#define MILLRACE_TEXT_HUGE_ARRAY_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace millrace {

template <typename T>
class HugeArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  HugeArray() = default;
  explicit HugeArray(size_t size) : size_(size) {
    constexpr size_t kHugePage = size_t{2} << 20;
    const size_t bytes = size * sizeof(T);
    // Room to begin on a huge page; what is never touched costs nothing.
    const size_t slack = bytes >= kHugePage / 4 ? kHugePage : 0;
    mapped_ = bytes + slack;
    if (mapped_ == 0) return;
    memory_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto address = reinterpret_cast<uintptr_t>(memory_);
    if (slack > 0) address = (address + kHugePage - 1) / kHugePage * kHugePage;
    data_ = reinterpret_cast<T*>(address);
#if defined(MADV_HUGEPAGE)
    if (slack > 0) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
  }
  HugeArray(HugeArray&& other) noexcept { swap(other); }
  HugeArray& operator=(HugeArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HugeArray() {
    if (mapped_ > 0) munmap(memory_, mapped_);
  }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  void swap(HugeArray& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  void* memory_ = nullptr;
  size_t mapped_ = 0;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_HUGE_ARRAY_H_
