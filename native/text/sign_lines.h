// Reading and signing in one pass: JSON lines to rows of signatures. A record's text is unescaped into a reused buffer,
// or used where it stands, and signed at once, so that texts never leave the cache. And the same for shingle sets.
#ifndef MILLRACE_TEXT_SIGN_LINES_H_
#define MILLRACE_TEXT_SIGN_LINES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "text/line_scan.h"
#include "text/signer.h"

namespace millrace {

// One row a document. Two words of a 128-bit hash stand low before high.
struct SignedRows {
  std::vector<uint64_t> content_hashes;
  std::vector<uint64_t> text_hashes;
  std::vector<uint32_t> normalized_bytes;
  std::vector<uint64_t> band_keys;  // num_bands a row
  std::vector<uint32_t> sketches;   // Sketch::kSize a row

  // Of the text last signed.
  void add(const Signer& signer, size_t num_bands);
};

struct SignedLines : ScannedRows {
  SignedRows rows;
  std::vector<uint64_t> id_hashes;  // 128 bits
  std::vector<double> scores;       // NaN: none
};

Status sign_lines(const uint8_t* bytes, size_t length, const ScanOptions& options, const SignatureConfig& config,
                  SignedLines* out);

struct ShingleSets {
  std::vector<uint64_t> hashes;
  std::vector<uint32_t> offsets{0};  // in elements

  // Fails beyond 2^32 hashes.
  Status add(const std::vector<uint64_t>& set);
};

// Sets of the records bytes[begins[i]] .. + lengths[i], which a scan with these options found to be documents.
Status shingle_lines(const uint8_t* bytes, const uint32_t* begins, const uint32_t* lengths, size_t num_records,
                     const ScanOptions& options, Shingling shingling, ShingleSets* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SIGN_LINES_H_
