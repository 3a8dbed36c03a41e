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
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_TOKEN_ENCODER_H_
