// JsonSplitter: finds the records of a JSON file as its bytes stream by, whatever the file's size. A strict RFC 8259
// reader whose whole state is a few words and one byte a level of nesting, so a chunk may end anywhere.
//
// Every byte that is no part of a record becomes LF and every line end inside a record a space: what comes out has the
// same length, each record on a line of its own (or right behind another, where nothing stood between them), so readers
// of lines go on from there with the offsets of the file. Where there is a path, the values that it begins from leave
// marks (json_marks.h) besides.
#ifndef MILLRACE_TEXT_JSON_SPLITTER_H_
#define MILLRACE_TEXT_JSON_SPLITTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class JsonSplitter {
 public:
  // `path`: names to walk from each top-level value, outermost first. Where it leads, an array stands for its elements
  // and any other value for itself.
  explicit JsonSplitter(std::vector<std::string> path) : path_(std::move(path)) {}

  // Rewrites the next bytes of the file. Returns how many precede a fault, `length` when there is none.
  size_t push(uint8_t* bytes, size_t length);
  // The file ends here.
  void finish();

  // "expected ..."; null while all is well. Nothing may be pushed after a fault.
  const char* fault() const { return fault_; }
  // Where the unfinished record or barren number begins, else where the next byte stands: all before is complete.
  uint64_t complete_until() const {
    if (in_record_) return record_begin_;
    return in_barren_number() ? number_begin_ : offset_;
  }

 private:
  enum class State : uint8_t {
    kValue,
    kValueOrClose,
    kName,
    kNameOrClose,
    kColon,
    kAfterValue,
    kString,
    kEscape,
    kHexDigits,
    kLiteral,
    // From here on in numbers.
    kMinus,
    kZero,
    kInteger,
    kPoint,
    kFraction,
    kExponent,
    kExponentSign,
    kExponentDigits,
  };
  enum class Taken : uint8_t { kYes, kNo, kFault };

  Taken step(uint8_t byte, uint64_t at);
  Taken begin_value(uint8_t byte, uint64_t at);
  Taken after_value(uint8_t byte, uint64_t at);
  Taken begin_name();
  Taken in_string(uint8_t byte);
  Taken in_number(uint8_t byte, uint64_t at);
  void place_value(uint8_t byte, uint64_t at);
  bool open(char kind);
  void close();
  void end_value();
  void end_name();
  bool is_on_path() const;
  bool in_number() const { return state_ >= State::kMinus; }
  bool in_barren_number() const { return in_number() && open_.empty() && !in_record_; }
  void keep_name(const uint8_t* bytes, size_t length);
  Taken go(State next) {
    state_ = next;
    return Taken::kYes;
  }
  Taken fail(const char* sentence) {
    fault_ = sentence;
    return Taken::kFault;
  }

  const std::vector<std::string> path_;
  State state_ = State::kAfterValue;
  uint64_t offset_ = 0;
  const char* fault_ = nullptr;
  std::vector<char> open_;  // '{' or '[' of each level, outermost first

  bool in_record_ = false;
  uint64_t record_begin_ = 0;
  size_t record_depth_ = 0;  // levels outside the record
  size_t array_depth_ = 0;   // levels down to the array whose elements are records; 0: in none

  size_t path_depth_ = 0;  // outermost levels that are objects the path walks through
  bool name_leads_on_ = false;
  bool is_name_ = false;     // of the string being read: a colon follows
  bool keeps_name_ = false;  // it may lead on
  std::string name_;         // as written, in quotes, while it may matter

  uint64_t number_begin_ = 0;  // of a barren one
  uint64_t scalar_end_ = 0;    // of a number or literal, which the next may not touch
  bool has_value_ = false;
  bool is_fruitful_ = false;  // the path has led somewhere in the top-level value
  uint8_t mark_ = 0;          // of the byte that is being taken, outside of records

  uint8_t mark_bytes_ = 0;  // of a byte order mark
  uint8_t hex_left_ = 0;
  const char* literal_ = nullptr;  // what is left of it
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JSON_SPLITTER_H_
