// What every kind of tokenizer is to the C API: text in, ids out, and back. Used by one thread at a time.
#ifndef MILLRACE_TEXT_TOKEN_ENCODER_H_
#define MILLRACE_TEXT_TOKEN_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/status.h"
#include "text/id_buffer.h"

namespace millrace {

class TokenEncoder {
 public:
  TokenEncoder() = default;
  TokenEncoder(const TokenEncoder&) = delete;
  TokenEncoder& operator=(const TokenEncoder&) = delete;
  virtual ~TokenEncoder() = default;

  // One more than the highest id.
  virtual size_t vocab_size() const = 0;

  // Appends the ids of one text, any bytes (under 4 GiB).
  virtual void encode(const uint8_t* text, size_t length, IdBuffer& out) = 0;

  // Appends the bytes of the ids; refuses an id without a token.
  virtual Status decode(const int32_t* ids, size_t count, std::string& out) const = 0;

 protected:
  // Of an id to decode, at its place among the others.
  Status check_id(int32_t id, size_t position) const {
    const size_t size = vocab_size();
    if (id >= 0 && static_cast<size_t>(id) < size) return ok();
    return invalid_argument("expected ids from 0 to " + std::to_string(size - 1) + " for decoding, got " +
                            std::to_string(id) + " at position " + std::to_string(position));
  }
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_TOKEN_ENCODER_H_
