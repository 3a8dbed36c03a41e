// Everything that dedup keeps of a text, in one pass over it: content hash, hash of the text as it is, length, band
// keys and sketch.
#ifndef MILLRACE_TEXT_SIGNER_H_
#define MILLRACE_TEXT_SIGNER_H_

#include <cstdint>
#include <string_view>

#include "text/minhash.h"
#include "text/shingles.h"
#include "text/sketch.h"

namespace millrace {

struct SignatureConfig {
  Shingling shingling;
  BandConfig bands;
  SimdLevel level;
};

class Signer : private ShingleSink {
 public:
  explicit Signer(const SignatureConfig& config)
      : shingler_(config.shingling, config.level),
        hasher_(config.bands, config.level),
        sketch_(config.level),
        level_(config.level) {}

  // Valid UTF-8.
  void sign(std::string_view text) {
    shingler_.shingle(text, *this);
    text_hash_ = hash_bytes_low(reinterpret_cast<const uint8_t*>(text.data()), text.size(), level_);
  }

  // Of the text last signed.
  Hash128 content_hash() const { return shingler_.content_hash(); }
  uint64_t text_hash() const { return text_hash_; }
  uint64_t normalized_bytes() const { return shingler_.normalized_bytes(); }
  void band_keys(uint64_t* keys, size_t stride) const { hasher_.band_keys(keys, stride); }
  void sketch(uint32_t* out) const { sketch_.values(out); }

 private:
  void begin_document() override {
    hasher_.begin();
    sketch_.begin();
  }
  void add_shingles(const uint64_t* hashes, size_t count) override {
    hasher_.add(hashes, count);
    sketch_.add(hashes, count);
  }

  Shingler shingler_;
  MinHasher hasher_;
  Sketch sketch_;
  SimdLevel level_;
  uint64_t text_hash_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SIGNER_H_
