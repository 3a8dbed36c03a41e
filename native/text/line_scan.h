// The line scanner: JSON lines to documents. One thread, one pass over the records after one over the bytes for UTF-8.
// The line is the unit of rejection; positions count bytes and lines, never characters.
#ifndef MILLRACE_TEXT_LINE_SCAN_H_
#define MILLRACE_TEXT_LINE_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "text/byte_buffer.h"
#include "text/json_record.h"

namespace millrace {

struct ScanOptions {
  std::string text_field;
  std::string id_field;
  std::string source_field;
  std::string score_field;
  std::string source;             // of documents without one of their own; also the first half of a made-up id
  uint64_t base_offset = 0;       // bytes of the file before these
  uint64_t base_line = 0;         // lines of the file before these
  size_t max_document_bytes = 0;  // 0: no limit
  // Not lines but JSON values, several to a line perhaps: the value is the record, and the line that is counted.
  bool values = false;
  // Of values: the path that those without records have none at, and where the last of them that began before these
  // bytes did begin (json_marks.h).
  std::string records_field{};
  uint64_t value_begin = 0;
  // Of line i, where lines are made of something else: what counts as its place. Null: where it stands.
  const double* record_offsets = nullptr;
  size_t num_record_offsets = 0;
};

struct RejectedLine {
  double offset;
  double length;
  double line;
  const char* reason;
  std::string detail;
};

// What is known of each record besides its text and its other fields.
struct ScannedRows {
  ByteBuffer id;
  std::vector<uint32_t> id_offsets{0};
  std::vector<std::string> sources;
  std::vector<uint32_t> source_index;
  std::vector<double> record_offset;
  std::vector<uint32_t> record_length;
  std::vector<double> record_line;
  std::vector<RejectedLine> rejected;
  uint64_t num_lines = 0;    // with a last one that has no line end
  uint64_t value_begin = 0;  // as in the options, behind these bytes

  size_t num_documents() const { return source_index.size(); }
};

struct ScannedBlock : ScannedRows {
  ByteBuffer text, meta;
  std::vector<uint32_t> text_offsets{0}, meta_offsets{0};
};

// Sees each document of a scan, once its row has been added.
class RecordVisitor {
 public:
  virtual ~RecordVisitor() = default;
  virtual void visit(const Record& record) = 0;
};

// Whole lines; under 2^32 bytes. A line ends with LF or CRLF; one of white space alone is no record. A byte order mark
// at the beginning of a file is passed over. A record without an id gets `<options.source>#<its byte offset>`.
Status scan_lines(const uint8_t* bytes, size_t length, const ScanOptions& options, ScannedRows* rows,
                  RecordVisitor& visitor);

// The same, with texts and other fields kept.
Status scan_jsonl(const uint8_t* bytes, size_t length, const ScanOptions& options, ScannedBlock* out);

Status create_reader(const ScanOptions& options, RecordReader* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_LINE_SCAN_H_
