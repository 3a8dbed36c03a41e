#include "train/safetensors.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "train/header_cursor.h"

namespace millrace {

namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kDataAlignment = 64;
constexpr uint64_t kMaxHeaderBytes = uint64_t{100} << 20;  // the format's own limit

constexpr struct {
  DType dtype;
  const char* name;
} kDTypes[] = {{DType::kF32, "F32"}, {DType::kF64, "F64"}, {DType::kBF16, "BF16"},
               {DType::kF16, "F16"}, {DType::kI32, "I32"}, {DType::kI64, "I64"}};

bool dtype_of(const std::string& name, DType* out) {
  for (const auto& known : kDTypes) {
    if (name == known.name) {
      *out = known.dtype;
      return true;
    }
  }
  return false;
}

bool parse_integers(HeaderCursor& json, std::vector<int64_t>* out) {
  return json.array([&] {
    int64_t value = 0;
    if (!json.integer(&value)) return false;
    out->push_back(value);
    return true;
  });
}

bool parse_metadata(HeaderCursor& json, std::map<std::string, std::string>* out) {
  return json.object([&](const std::string& key) { return json.string(&(*out)[key]); });
}

bool parse_entry(HeaderCursor& json, SafetensorsEntry* entry) {
  std::string dtype;
  std::vector<int64_t> offsets;
  const bool parsed = json.object([&](const std::string& key) {
    if (key == "dtype") return json.string(&dtype);
    if (key == "shape") return parse_integers(json, &entry->shape);
    if (key == "data_offsets") return parse_integers(json, &offsets);
    return false;
  });
  if (!parsed || offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) return false;
  entry->begin = static_cast<uint64_t>(offsets[0]);
  entry->end = static_cast<uint64_t>(offsets[1]);
  return dtype_of(dtype, &entry->dtype);
}

// The number of bytes that shape and dtype ask for; false when that is no sensible number.
bool bytes_of(const SafetensorsEntry& entry, uint64_t limit, uint64_t* out) {
  uint64_t bytes = dtype_bytes(entry.dtype);
  for (const int64_t dim : entry.shape) {
    if (dim < 0) return false;
    if (dim != 0 && bytes > limit / static_cast<uint64_t>(dim)) return false;
    bytes *= static_cast<uint64_t>(dim);
  }
  *out = bytes;
  return true;
}

Status corrupt(const std::string& what) { return Status(MR_CORRUPT, "expected a safetensors file, got " + what); }

void append_json_string(std::string* out, const std::string& text) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out->push_back('\\');
    out->push_back(c);
  }
  out->push_back('"');
}

void append_integers(std::string* out, const std::vector<int64_t>& values) {
  out->push_back('[');
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out->push_back(',');
    *out += std::to_string(values[i]);
  }
  out->push_back(']');
}

}  // namespace

const char* safetensors_dtype(DType dtype) {
  for (const auto& known : kDTypes) {
    if (known.dtype == dtype) return known.name;
  }
  return "?";
}

const SafetensorsEntry* SafetensorsHeader::find(const std::string& name) const {
  const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return at == entries.end() ? nullptr : &*at;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  std::string json = "{\"__metadata__\":{";
  bool first = true;
  for (const auto& [key, value] : header.metadata) {
    if (!first) json.push_back(',');
    first = false;
    append_json_string(&json, key);
    json.push_back(':');
    append_json_string(&json, value);
  }
  json.push_back('}');
  for (const SafetensorsEntry& entry : header.entries) {
    json.push_back(',');
    append_json_string(&json, entry.name);
    json += std::string(":{\"dtype\":\"") + safetensors_dtype(entry.dtype) + "\",\"shape\":";
    append_integers(&json, entry.shape);
    json += ",\"data_offsets\":";
    append_integers(&json, {static_cast<int64_t>(entry.begin), static_cast<int64_t>(entry.end)});
    json.push_back('}');
  }
  json.push_back('}');
  while ((json.size() + kLengthBytes) % kDataAlignment != 0) json.push_back(' ');
  const uint64_t length = json.size();
  std::string bytes(kLengthBytes, '\0');
  std::memcpy(bytes.data(), &length, kLengthBytes);  // the build refuses big-endian machines, see crc32.cc
  return bytes + json;
}

Status parse_safetensors_header(const char* bytes, size_t file_size, SafetensorsHeader* out) {
  if (file_size < kLengthBytes) return corrupt("a file of " + std::to_string(file_size) + " bytes");
  uint64_t length = 0;
  std::memcpy(&length, bytes, kLengthBytes);
  if (length > kMaxHeaderBytes || length > file_size - kLengthBytes) {
    return corrupt("a header of " + std::to_string(length) + " bytes in a file of " + std::to_string(file_size));
  }
  SafetensorsHeader header;
  header.data_offset = kLengthBytes + static_cast<size_t>(length);
  HeaderCursor json(bytes + kLengthBytes, static_cast<size_t>(length));
  const bool parsed = json.object([&](const std::string& key) {
    if (key == "__metadata__") return parse_metadata(json, &header.metadata);
    header.entries.emplace_back();
    header.entries.back().name = key;
    return parse_entry(json, &header.entries.back());
  });
  if (!parsed || !json.at_end()) return corrupt("a header that is not its JSON");

  const uint64_t data_bytes = file_size - header.data_offset;
  for (const SafetensorsEntry& entry : header.entries) {
    uint64_t wanted = 0;
    if (entry.end > data_bytes) return corrupt("a truncated file: " + entry.name + " ends past it");
    if (!bytes_of(entry, data_bytes, &wanted) || entry.end - entry.begin != wanted) {
      return corrupt("a size of " + entry.name + " that is not its shape's");
    }
  }
  *out = std::move(header);
  return ok();
}

}  // namespace millrace
