// vocab.json: one flat JSON object from tokens to ids.
#ifndef MILLRACE_TEXT_TOKEN_IDS_H_
#define MILLRACE_TEXT_TOKEN_IDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/status.h"

namespace millrace {

// Ids are below this, so that two of them and a rank share one 64-bit word (merge_table.h).
constexpr uint32_t kMaxTokens = 1u << 21;

using TokenIds = std::unordered_map<std::string, uint32_t>;

// Refuses what is not UTF-8, no such object, or names a token twice; the message says line and byte.
Status parse_token_ids(std::string_view json, TokenIds* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_TOKEN_IDS_H_
