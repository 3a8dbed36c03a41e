// What JsonSplitter leaves in the place of values of a file in which a path to records may lead nowhere, for the line
// scan to count and reject: control characters, which stand in no JSON but escaped.
#ifndef MILLRACE_TEXT_JSON_MARKS_H_
#define MILLRACE_TEXT_JSON_MARKS_H_

#include <cstdint>

namespace millrace {

// The first byte of a number: no path leads into one. Where it ends only the byte behind it tells.
inline constexpr uint8_t kBarrenNumber = 0x01;
// The first byte of any other value of the file.
inline constexpr uint8_t kValueBegins = 0x02;
// The last byte of the value that has begun last, when the path led nowhere in it.
inline constexpr uint8_t kBarrenEnds = 0x03;

}  // namespace millrace

#endif  // MILLRACE_TEXT_JSON_MARKS_H_
