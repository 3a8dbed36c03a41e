// The two normalisations that change no word of a text: line ends to LF, characters to NFC.
#ifndef MILLRACE_TEXT_NORMALIZE_H_
#define MILLRACE_TEXT_NORMALIZE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"

namespace millrace {

struct NormalizeOptions {
  bool nfc = false;
  bool newlines = false;  // CRLF and lone CR become LF
};

// Rows i of valid UTF-8 at text[offsets[i] .. offsets[i + 1]) to the same number of rows. A row never reaches over its
// own border: the first mark of one does not join the last letter of the one before. Fails beyond 4 GiB.
Status normalize_texts(const uint8_t* text, const uint32_t* offsets, size_t num_rows, NormalizeOptions options,
                       std::string* out, std::vector<uint32_t>* out_offsets);

}  // namespace millrace

#endif  // MILLRACE_TEXT_NORMALIZE_H_
