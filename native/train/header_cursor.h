// The JSON of a safetensors header: objects, arrays, strings, integers; nothing else is accepted. A cursor over bytes
// that fails by returning false, so that a damaged file costs nothing but its refusal.
#ifndef MILLRACE_TRAIN_HEADER_CURSOR_H_
#define MILLRACE_TRAIN_HEADER_CURSOR_H_

#include <charconv>
#include <cstdint>
#include <string>

namespace millrace {

class HeaderCursor {
 public:
  HeaderCursor(const char* bytes, size_t size) : at_(bytes), end_(bytes + size) {}

  // Calls value(key) for each member, which consumes the member's value.
  template <class Value>
  bool object(Value value) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(&key) || !take(':') || !value(key)) return false;
    } while (take(','));
    return take('}');
  }

  // Calls element() for each element, which consumes it.
  template <class Element>
  bool array(Element element) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!element()) return false;
    } while (take(','));
    return take(']');
  }

  // Escapes of control characters and \u are refused: no name or number of ours has them.
  bool string(std::string* out) {
    if (!take('"')) return false;
    out->clear();
    for (; at_ < end_ && *at_ != '"'; ++at_) {
      if (*at_ == '\\') {
        if (++at_ == end_ || (*at_ != '"' && *at_ != '\\' && *at_ != '/')) return false;
      }
      out->push_back(*at_);
    }
    return take('"');
  }

  bool integer(int64_t* out) {
    skip_space();
    const auto [end, error] = std::from_chars(at_, end_, *out);
    if (error != std::errc{}) return false;
    at_ = end;
    return true;
  }

  bool at_end() {
    skip_space();
    return at_ == end_;
  }

 private:
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_HEADER_CURSOR_H_
