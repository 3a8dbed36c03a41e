#include "text/normalize.h"

#include <cstring>
#include <limits>
#include <string_view>

#include "text/unicode.h"

namespace millrace {
namespace {

void append_with_newlines(std::string_view text, std::string& out) {
  for (;;) {
    const size_t carriage_return = text.find('\r');
    out.append(text.substr(0, carriage_return));
    if (carriage_return == std::string_view::npos) return;
    out.push_back('\n');
    const bool pair = carriage_return + 1 < text.size() && text[carriage_return + 1] == '\n';
    text.remove_prefix(carriage_return + (pair ? 2 : 1));
  }
}

}  // namespace

Status normalize_texts(const uint8_t* text, const uint32_t* offsets, size_t num_rows, NormalizeOptions options,
                       std::string* out, std::vector<uint32_t>* out_offsets) {
  std::string scratch;
  out->reserve(offsets[num_rows] - offsets[0]);
  out_offsets->reserve(num_rows + 1);
  out_offsets->push_back(0);
  for (size_t row = 0; row < num_rows; ++row) {
    std::string_view rest(reinterpret_cast<const char*>(text) + offsets[row], offsets[row + 1] - offsets[row]);
    if (options.newlines && rest.find('\r') != std::string_view::npos) {
      scratch.clear();
      append_with_newlines(rest, scratch);
      rest = scratch;
    }
    if (options.nfc) {
      append_nfc(rest, *out);
    } else {
      out->append(rest);
    }
    if (out->size() > std::numeric_limits<uint32_t>::max()) {
      return invalid_argument("expected under 4 GiB of normalised text in a block");
    }
    out_offsets->push_back(static_cast<uint32_t>(out->size()));
  }
  return ok();
}

}  // namespace millrace
