#include "text/line_scan.h"

#include <cstring>
#include <limits>
#include <unordered_map>

#include "text/json_marks.h"
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

const uint8_t* skip_blanks(const uint8_t* begin, const uint8_t* end) {
  while (begin != end && (*begin == ' ' || *begin == '\t' || *begin == '\r' || *begin == '\n')) ++begin;
  return begin;
}

// The end of the value at `begin`, or of the line where that is no value.
const uint8_t* end_of_value(const uint8_t* begin, const uint8_t* line_end) {
  JsonCursor cursor(begin, line_end);
  return cursor.skip_value(0) ? cursor.position() : line_end;
}

// Takes the mark at `at`, if it is one.
bool take_mark(uint8_t mark, uint64_t at, const ScanOptions& options, ScannedRows* rows) {
  if (mark == 0 || mark > kBarrenEnds) return false;
  if (mark != kBarrenEnds) rows->value_begin = at;
  if (mark == kValueBegins) return true;
  ++rows->num_lines;
  const auto begin = static_cast<double>(rows->value_begin);
  rows->rejected.push_back({begin, static_cast<double>(at + 1) - begin,
                            static_cast<double>(options.base_line + rows->num_lines), "missing-records",
                            "no \"" + options.records_field + "\" in the value"});
  return true;
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

void add_row(const Record& record, const ScanOptions& options, uint64_t offset, size_t length, uint64_t line,
             SourceTable& sources, ScannedRows* rows) {
  if (record.has_id) {
    rows->id.append(record.id);
  } else {
    rows->id.append(options.source);
    rows->id.push_back('#');
    rows->id.append(std::to_string(offset));
  }
  rows->id_offsets.push_back(static_cast<uint32_t>(rows->id.size()));
  rows->source_index.push_back(sources.index_of(record.has_source ? record.source : options.source));
  rows->record_offset.push_back(static_cast<double>(offset));
  rows->record_length.push_back(static_cast<uint32_t>(length));
  rows->record_line.push_back(static_cast<double>(line));
}

void reserve(size_t num_rows, ScannedRows* rows) {
  rows->id_offsets.reserve(num_rows + 1);
  rows->source_index.reserve(num_rows);
  rows->record_offset.reserve(num_rows);
  rows->record_length.reserve(num_rows);
  rows->record_line.reserve(num_rows);
}

class TextKeeper : public RecordVisitor {
 public:
  TextKeeper(size_t length, ScannedBlock* block) : block_(block) {
    block->text.reserve(length);
    block->text_offsets.reserve(length / kBytesPerRecord + 17);
    block->meta_offsets.reserve(length / kBytesPerRecord + 17);
  }
  void visit(const Record& record) override {
    block_->text.append(record.text);
    block_->meta.append(record.meta);
    block_->text_offsets.push_back(static_cast<uint32_t>(block_->text.size()));
    block_->meta_offsets.push_back(static_cast<uint32_t>(block_->meta.size()));
  }

 private:
  ScannedBlock* block_;
};

}  // namespace

Status create_reader(const ScanOptions& options, RecordReader* out) {
  return RecordReader::create({options.text_field, options.id_field, options.source_field, options.score_field},
                              options.max_document_bytes, out);
}

Status scan_lines(const uint8_t* bytes, size_t length, const ScanOptions& options, ScannedRows* rows,
                  RecordVisitor& visitor) {
  constexpr size_t kLimit = std::numeric_limits<uint32_t>::max();
  if (length >= kLimit)
    return invalid_argument("expected a block under 4 GiB, got " + std::to_string(length) + " bytes");
  RecordReader reader;
  MR_RETURN_IF_ERROR(create_reader(options, &reader));
  reserve(length / kBytesPerRecord + 16, rows);
  SourceTable sources(&rows->sources);

  const uint8_t* const end = bytes + length;
  const uint8_t* line = bytes;
  if (options.base_offset == 0 && length >= sizeof kByteOrderMark &&
      std::memcmp(bytes, kByteOrderMark, sizeof kByteOrderMark) == 0) {
    line += sizeof kByteOrderMark;
  }
  // Everything before `valid` is well-formed; lines never cut a sequence, because LF is never part of one.
  const uint8_t* valid = line + valid_utf8_prefix(line, static_cast<size_t>(end - line));
  rows->value_begin = options.value_begin;
  const uint8_t* line_feed = nullptr;  // at or behind `line`, once it has been looked for
  for (;;) {
    if (options.values) line = skip_blanks(line, end);
    if (line == end) break;
    if (options.values && take_mark(*line, options.base_offset + static_cast<uint64_t>(line - bytes), options, rows)) {
      ++line;
      continue;
    }
    // Values that share a line look for its end once.
    if (line_feed < line) {
      line_feed = static_cast<const uint8_t*>(std::memchr(line, '\n', static_cast<size_t>(end - line)));
      if (line_feed == nullptr) line_feed = end;
    }
    const uint8_t* line_end = line_feed;
    const uint8_t* next = line_feed == end ? end : line_feed + 1;
    if (options.values) {
      line_end = end_of_value(line, line_end);
      next = line_end;
    } else if (line_end != line && line_end[-1] == '\r') {
      --line_end;
    }
    ++rows->num_lines;

    if (options.record_offsets != nullptr && rows->num_lines > options.num_record_offsets) {
      return invalid_argument("expected an offset for every line, got " + std::to_string(options.num_record_offsets));
    }
    const uint64_t offset = options.record_offsets != nullptr
                                ? static_cast<uint64_t>(options.record_offsets[rows->num_lines - 1])
                                : options.base_offset + static_cast<uint64_t>(line - bytes);
    const uint64_t number = options.base_line + rows->num_lines;
    const auto record_length = static_cast<size_t>(line_end - line);
    const auto reject = [&](const char* reason, std::string detail) {
      rows->rejected.push_back({static_cast<double>(offset), static_cast<double>(record_length),
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
        add_row(record, options, offset, record_length, number, sources, rows);
        visitor.visit(record);
        if (rows->id.size() >= kLimit) return invalid_argument("expected under 4 GiB of ids in a block");
      }
    }
    line = next;
  }
  return ok();
}

Status scan_jsonl(const uint8_t* bytes, size_t length, const ScanOptions& options, ScannedBlock* out) {
  TextKeeper keeper(length, out);
  return scan_lines(bytes, length, options, out, keeper);
}

}  // namespace millrace
