// CRC-32 (the polynomial of zlib and gzip), so that any language's standard library can check a checkpoint.
#ifndef MILLRACE_TRAIN_CRC32_H_
#define MILLRACE_TRAIN_CRC32_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

// Of `size` bytes that follow those of which `before` is the checksum: crc32(b, crc32(a)) is that of a and b together.
uint32_t crc32(const void* data, size_t size, uint32_t before = 0);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CRC32_H_
