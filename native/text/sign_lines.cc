#include "text/sign_lines.h"

#include <limits>
#include <string>

namespace millrace {

namespace {

class LineSigner : public RecordVisitor {
 public:
  LineSigner(const SignatureConfig& config, SignedLines* out)
      : signer_(config), num_bands_(static_cast<size_t>(config.bands.num_bands)), level_(config.level), out_(out) {}

  void visit(const Record& record) override {
    signer_.sign(record.text);
    out_->rows.add(signer_, num_bands_);
    out_->scores.push_back(record.score);
    // The row's id, which may be made up, and not the record's.
    const uint32_t begin = *(out_->id_offsets.end() - 2);
    const Hash128 id = hash_bytes(out_->id.data() + begin, out_->id.size() - begin, level_);
    out_->id_hashes.push_back(id.low);
    out_->id_hashes.push_back(id.high);
  }

 private:
  Signer signer_;
  size_t num_bands_;
  SimdLevel level_;
  SignedLines* out_;
};

}  // namespace

void SignedRows::add(const Signer& signer, size_t num_bands) {
  const Hash128 content = signer.content_hash();
  content_hashes.push_back(content.low);
  content_hashes.push_back(content.high);
  text_hashes.push_back(signer.text_hash());
  normalized_bytes.push_back(static_cast<uint32_t>(signer.normalized_bytes()));
  band_keys.resize(band_keys.size() + num_bands);
  signer.band_keys(band_keys.data() + band_keys.size() - num_bands, 1);
  sketches.resize(sketches.size() + Sketch::kSize);
  signer.sketch(sketches.data() + sketches.size() - Sketch::kSize);
}

Status ShingleSets::add(const std::vector<uint64_t>& set) {
  hashes.insert(hashes.end(), set.begin(), set.end());
  if (hashes.size() > std::numeric_limits<uint32_t>::max()) {
    return invalid_argument("expected at most 2^32 shingles in one call");
  }
  offsets.push_back(static_cast<uint32_t>(hashes.size()));
  return ok();
}

Status sign_lines(const uint8_t* bytes, size_t length, const ScanOptions& options, const SignatureConfig& config,
                  SignedLines* out) {
  LineSigner signer(config, out);
  return scan_lines(bytes, length, options, out, signer);
}

Status shingle_lines(const uint8_t* bytes, const uint32_t* begins, const uint32_t* lengths, size_t num_records,
                     const ScanOptions& options, Shingling shingling, ShingleSets* out) {
  RecordReader reader;
  MR_RETURN_IF_ERROR(create_reader(options, &reader));
  Shingler shingler(shingling);
  ShingleSet set;
  for (size_t i = 0; i < num_records; ++i) {
    const uint8_t* record_begin = bytes + begins[i];
    Record record;
    const RecordFault fault = reader.read(record_begin, record_begin + lengths[i], &record);
    if (fault.reason != nullptr) {
      return invalid_argument("expected a document as record " + std::to_string(i) + ", got one that is " +
                              fault.reason);
    }
    shingler.shingle(record.text, set);
    MR_RETURN_IF_ERROR(out->add(set.finish()));
  }
  return ok();
}

}  // namespace millrace
