// The tokenizer's handle, for every file that makes one.
#ifndef MILLRACE_ADDON_TOKENIZER_H_
#define MILLRACE_ADDON_TOKENIZER_H_

#include <napi.h>

#include "millrace/tokenizer.h"

namespace millrace::addon {

// An object { vocabSize } that owns the tokenizer: it is freed with it, and when this throws.
Napi::Object tokenizer_object(Napi::Env env, mr_tokenizer* tokenizer);

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_TOKENIZER_H_
