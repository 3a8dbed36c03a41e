// The header of a safetensors file: 8 bytes of little-endian length, JSON, then the tensors' bytes.
#ifndef MILLRACE_TRAIN_SAFETENSORS_H_
#define MILLRACE_TRAIN_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace millrace {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // of the tensor's bytes, counted from the end of the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;
  size_t data_offset = 0;  // of the first tensor in the file; set by parsing

  const SafetensorsEntry* find(const std::string& name) const;
};

// Length and JSON, padded with spaces so that the data begins at a multiple of 64 bytes. Equal headers give equal
// bytes.
std::string format_safetensors_header(const SafetensorsHeader& header);

// Checks the header against the format and the size of the file: afterwards every entry lies inside the file and has
// the number of bytes that its shape and dtype say. MR_CORRUPT otherwise. Accepts F32, F64, BF16, F16, I32 and I64.
Status parse_safetensors_header(const char* bytes, size_t file_size, SafetensorsHeader* out);

const char* safetensors_dtype(DType dtype);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_SAFETENSORS_H_
