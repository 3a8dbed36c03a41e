// Tables of one value a code point, as two_stage_tables.py cuts them: blocks of equal values are stored once, so that a
// look-up is two loads.
#ifndef MILLRACE_TEXT_TWO_STAGE_TABLE_H_
#define MILLRACE_TEXT_TWO_STAGE_TABLE_H_

#include <cstdint>

namespace millrace {

// index[b] says which block of `leaves` holds the code points from b * kBlock on.
template <uint32_t kBlock, typename Value>
inline Value two_stage_value(const uint8_t* index, const Value* leaves, uint32_t code_point) {
  return leaves[index[code_point / kBlock] * kBlock + code_point % kBlock];
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_TWO_STAGE_TABLE_H_
