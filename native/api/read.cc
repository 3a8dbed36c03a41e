// millrace/read.h over the text kernels.
#include "millrace/read.h"

#include <memory>
#include <string>
#include <vector>

#include "api/guard.h"
#include "api/scan_handle.h"
#include "text/json_lines.h"
#include "text/line_scan.h"
#include "text/normalize.h"
#include "text/row_lines.h"
#include "text/unicode.h"

struct mr_texts {
  std::string text;
  std::vector<uint32_t> offsets;  // none where there is one text only
};

namespace {

using millrace::ok;
using millrace::Status;

mr_text text_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
mr_text text_of(const millrace::ByteBuffer& bytes) { return {bytes.data(), bytes.size()}; }

template <class Body>
mr_code guarded(Body body) {
  return millrace::guarded(body, "not enough memory for a block of documents");
}

Status index_check(size_t index, size_t count) {
  if (index < count) return ok();
  return millrace::invalid_argument("expected an index below " + std::to_string(count) + ", got " +
                                    std::to_string(index));
}

}  // namespace

extern "C" {

const char* mr_unicode_version(void) { return millrace::kUnicodeVersion; }

mr_code mr_scan_jsonl(const uint8_t* bytes, size_t size, const mr_scan_options* options, mr_scan** out) {
  return guarded([&]() -> Status {
    auto scan = std::make_unique<mr_scan>();
    auto& block = scan->found.emplace<millrace::ScannedBlock>();
    MR_RETURN_IF_ERROR(millrace::scan_jsonl(bytes, size, millrace::scan_options_of(*options), &block));
    *out = scan.release();
    return ok();
  });
}

void mr_scan_destroy(mr_scan* scan) { delete scan; }

mr_code mr_scan_get(const mr_scan* scan, mr_scan_view* out) {
  const millrace::ScannedRows& rows = scan->rows();
  *out = {};
  out->num_documents = rows.num_documents();
  out->id = text_of(rows.id);
  out->id_offsets = rows.id_offsets.data();
  out->source_index = rows.source_index.data();
  out->record_offset = rows.record_offset.data();
  out->record_length = rows.record_length.data();
  out->record_line = rows.record_line.data();
  out->num_sources = rows.sources.size();
  out->num_rejected = rows.rejected.size();
  out->num_lines = rows.num_lines;
  out->value_begin = rows.value_begin;
  if (const auto* block = std::get_if<millrace::ScannedBlock>(&scan->found)) {
    out->text = text_of(block->text);
    out->meta = text_of(block->meta);
    out->text_offsets = block->text_offsets.data();
    out->meta_offsets = block->meta_offsets.data();
  }
  return MR_OK;
}

mr_code mr_scan_source(const mr_scan* scan, size_t index, mr_text* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(index_check(index, scan->rows().sources.size()));
    *out = text_of(scan->rows().sources[index]);
    return ok();
  });
}

mr_code mr_scan_rejected(const mr_scan* scan, size_t index, mr_rejected_line* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(index_check(index, scan->rows().rejected.size()));
    const millrace::RejectedLine& line = scan->rows().rejected[index];
    *out = {line.offset, line.length, line.line, line.reason, text_of(line.detail)};
    return ok();
  });
}

void mr_texts_destroy(mr_texts* texts) { delete texts; }

mr_code mr_texts_get(const mr_texts* texts, mr_text* data, const uint32_t** offsets) {
  if (data != nullptr) *data = text_of(texts->text);
  if (offsets != nullptr) *offsets = texts->offsets.data();
  return MR_OK;
}

mr_code mr_normalize_texts(const uint8_t* text, const uint32_t* offsets, size_t num_rows, int nfc, int newlines,
                           mr_texts** out) {
  return guarded([&]() -> Status {
    auto texts = std::make_unique<mr_texts>();
    MR_RETURN_IF_ERROR(
        millrace::normalize_texts(text, offsets, num_rows, {nfc != 0, newlines != 0}, &texts->text, &texts->offsets));
    *out = texts.release();
    return ok();
  });
}

mr_code mr_format_jsonl(const mr_documents* documents, const uint8_t* keep, mr_texts** out) {
  return guarded([&]() -> Status {
    auto texts = std::make_unique<mr_texts>();
    const millrace::DocumentColumns columns{documents->num_documents,
                                            {documents->text, documents->text_offsets},
                                            {documents->id, documents->id_offsets},
                                            {documents->meta, documents->meta_offsets},
                                            {documents->sources, documents->source_offsets},
                                            documents->source_index};
    MR_RETURN_IF_ERROR(millrace::format_jsonl(columns, keep, texts->text));
    *out = texts.release();
    return ok();
  });
}

mr_code mr_join_rows(mr_text json, const uint32_t* runs, size_t num_runs, const mr_text* sources, size_t num_sources,
                     mr_texts** out) {
  return guarded([&]() -> Status {
    const auto view_of = [](mr_text text) {
      return std::string_view(reinterpret_cast<const char*>(text.data), text.size);
    };
    std::vector<std::string_view> views(num_sources);
    for (size_t i = 0; i < num_sources; ++i) views[i] = view_of(sources[i]);
    std::vector<millrace::TextRun> texts_of_rows(num_runs);
    size_t expected = json.size;
    for (size_t i = 0; i < num_runs; ++i) {
      const uint32_t* run = runs + 4 * i;
      texts_of_rows[i] = {run[0], run[1], run[2], run[3]};
      expected += run[3] >= run[2] ? run[3] - run[2] + 2 : 0;
    }
    auto texts = std::make_unique<mr_texts>();
    texts->text.reserve(expected + expected / 16);
    MR_RETURN_IF_ERROR(
        millrace::join_rows(view_of(json), texts_of_rows.data(), num_runs, views.data(), num_sources, texts->text));
    *out = texts.release();
    return ok();
  });
}

}  // extern "C"
