// Radix sorts of 64-bit keys, the order under everything that dedup does on disk.
#ifndef MILLRACE_TEXT_BAND_SORT_H_
#define MILLRACE_TEXT_BAND_SORT_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

// Sorts by key, stable, moving `values` along when it is not null. Takes scratch of the same size; may throw
// std::bad_alloc.
void radix_sort(uint64_t* keys, uint32_t* values, size_t count);

// Sorts in place and moves one of each value to the front; returns how many.
size_t sort_unique(uint64_t* values, size_t count);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BAND_SORT_H_
