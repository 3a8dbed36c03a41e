// The handle of a scan: of mr_scan_jsonl, with texts, or of mr_dedup_sign_lines, with signatures.
#ifndef MILLRACE_API_SCAN_HANDLE_H_
#define MILLRACE_API_SCAN_HANDLE_H_

#include <string>
#include <variant>

#include "millrace/read.h"
#include "text/line_scan.h"
#include "text/sign_lines.h"

struct mr_scan {
  std::variant<millrace::ScannedBlock, millrace::SignedLines> found;

  const millrace::ScannedRows& rows() const {
    return std::visit([](const millrace::ScannedRows& rows) -> const millrace::ScannedRows& { return rows; }, found);
  }
};

namespace millrace {

inline std::string string_of(mr_text text) { return {reinterpret_cast<const char*>(text.data), text.size}; }

inline ScanOptions scan_options_of(const mr_scan_options& options) {
  return {string_of(options.text_field),
          string_of(options.id_field),
          string_of(options.source_field),
          string_of(options.score_field),
          string_of(options.source),
          options.base_offset,
          options.base_line,
          static_cast<size_t>(options.max_document_bytes),
          options.values != 0,
          string_of(options.records_field),
          options.value_begin,
          options.record_offsets,
          options.num_record_offsets};
}

}  // namespace millrace

#endif  // MILLRACE_API_SCAN_HANDLE_H_
