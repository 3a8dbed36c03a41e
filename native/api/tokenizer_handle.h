// The tokenizer behind the C API's handle, whatever its kind.
#ifndef MILLRACE_API_TOKENIZER_HANDLE_H_
#define MILLRACE_API_TOKENIZER_HANDLE_H_

#include <memory>
#include <string>
#include <utility>

#include "millrace/tokenizer.h"
#include "text/token_encoder.h"

struct mr_tokenizer {
  explicit mr_tokenizer(std::unique_ptr<millrace::TokenEncoder> chosen) : encoder(std::move(chosen)) {}

  std::unique_ptr<millrace::TokenEncoder> encoder;
  // What the last call handed out.
  millrace::IdBuffer ids;
  std::string bytes;
};

#endif  // MILLRACE_API_TOKENIZER_HANDLE_H_
