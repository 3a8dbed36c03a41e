#include "text/line_scan.h"

#include <cstring>
#include <limits>
#include <unordered_map>

#include "text/json_record.h"
#include "text/unicode.h"

namespace millrace {
namespace {

constexpr uint8_t kByteOrderMark[] = {0xEF, 0xBB, 0xBF};

// Typical documents are at least this long, so the tables rarely grow.
constexpr size_t kBytesPerRecord = 512;

bool is_blank(const uint8_t* begin, const uint8_t* end) {
  while (begin != end && (*begin == ' ' || *begin == '\t' || *begin == '\r')) ++begin;
  return begin == end;
}

class SourceTable {
 public:
  explicit SourceTable(std::vector<std::string>* names) : names_(names) {}

  uint32_t index_of(std::string_view name) {
    if (!names_->empty() && (*names_)[last_] == name) return last_;
    const auto [entry, is_new] = index_.try_emplace(std::string(name), static_cast<uint32_t>(names_->size()));
    if (is_new) names_->emplace_back(name);
    last_ = entry->second;
    return last_;
  }

 private:
  std::vector<std::string>* names_;
  std::unordered_map<std::string, uint32_t> index_;
  uint32_t last_ = 0;
};

void append_document(const Record& record, const ScanOptions& options, uint64_t offset, size_t length, uint64_t line,
                     SourceTable& sources, ScannedBlock* out) {
  out->text.append(record.text);
  out->meta.append(record.meta);
  if (record.has_id) {
    out->id.append(record.id);
  } else {
    out->id.append(options.source);
    out->id.push_back('#');
    out->id.append(std::to_string(offset));
  }
  out->text_offsets.push_back(static_cast<uint32_t>(out->text.size()));
  out->id_offsets.push_back(static_cast<uint32_t>(out->id.size()));
  out->meta_offsets.push_back(static_cast<uint32_t>(out->meta.size()));
  out->source_index.push_back(sources.index_of(record.has_source ? record.source : options.source));
  out->record_offset.push_back(static_cast<double>(offset));
  out->record_length.push_back(static_cast<uint32_t>(length));
  out->record_line.push_back(static_cast<double>(line));
}

void reserve(size_t length, ScannedBlock* out) {
  const size_t rows = length / kBytesPerRecord + 16;
  out->text.reserve(length);
  for (auto* offsets : {&out->text_offsets, &out->id_offsets, &out->meta_offsets}) offsets->reserve(rows + 1);
  out->source_index.reserve(rows);
  out->record_offset.reserve(rows);
  out->record_length.reserve(rows);
  out->record_line.reserve(rows);
}

}  // namespace

Status scan_jsonl(const uint8_t* bytes, size_t length, const ScanOptions& options, ScannedBlock* out) {
  constexpr size_t kLimit = std::numeric_limits<uint32_t>::max();
  if (length >= kLimit)
    return invalid_argument("expected a block under 4 GiB, got " + std::to_string(length) + " bytes");
  RecordReader reader;
  MR_RETURN_IF_ERROR(RecordReader::create(options.text_field, options.id_field, options.source_field,
                                          options.max_document_bytes, &reader));
  reserve(length, out);
  SourceTable sources(&out->sources);

  const uint8_t* const end = bytes + length;
  const uint8_t* line = bytes;
  if (options.base_offset == 0 && length >= sizeof kByteOrderMark &&
      std::memcmp(bytes, kByteOrderMark, sizeof kByteOrderMark) == 0) {
    line += sizeof kByteOrderMark;
  }
  // Everything before `valid` is well-formed; lines never cut a sequence, because LF is never part of one.
  const uint8_t* valid = line + valid_utf8_prefix(line, static_cast<size_t>(end - line));
  while (line != end) {
    const auto* line_end = static_cast<const uint8_t*>(std::memchr(line, '\n', static_cast<size_t>(end - line)));
    const uint8_t* next = line_end == nullptr ? end : line_end + 1;
    if (line_end == nullptr) line_end = end;
    if (line_end != line && line_end[-1] == '\r') --line_end;
    ++out->num_lines;

    const uint64_t offset = options.base_offset + static_cast<uint64_t>(line - bytes);
    const uint64_t number = options.base_line + out->num_lines;
    const auto record_length = static_cast<size_t>(line_end - line);
    const auto reject = [&](const char* reason, std::string detail) {
      out->rejected.push_back({static_cast<double>(offset), static_cast<double>(record_length),
                               static_cast<double>(number), reason, std::move(detail)});
    };
    if (valid < line_end) {
      reject("invalid-utf8", "the record's byte " + std::to_string(valid - line) + " is not UTF-8");
      valid = next + valid_utf8_prefix(next, static_cast<size_t>(end - next));
    } else if (!is_blank(line, line_end)) {
      Record record;
      RecordFault fault = reader.read(line, line_end, &record);
      if (fault.reason != nullptr) {
        reject(fault.reason, std::move(fault.detail));
      } else {
        append_document(record, options, offset, record_length, number, sources, out);
        if (out->id.size() >= kLimit) return invalid_argument("expected under 4 GiB of ids in a block");
      }
    }
    line = next;
  }
  return ok();
}

}  // namespace millrace
