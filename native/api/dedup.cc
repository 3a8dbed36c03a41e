// millrace/dedup.h over the text kernels.
#include "millrace/dedup.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "api/list.h"
#include "api/scan_handle.h"
#include "text/shingles.h"
#include "text/sign_lines.h"
#include "text/signer.h"
#include "text/unicode.h"

namespace {

using millrace::guarded_task;
using millrace::hand_out;
using millrace::Hash128;
using millrace::invalid_argument;
using millrace::ok;
using millrace::Status;

std::string_view row_of(const mr_text_rows& rows, size_t row) {
  return {reinterpret_cast<const char*>(rows.text) + rows.offsets[row], rows.offsets[row + 1] - rows.offsets[row]};
}

Status shingling_of(const mr_shingling& from, millrace::Shingling* out) {
  if (from.unit != MR_SHINGLE_WORD && from.unit != MR_SHINGLE_CHARACTER) {
    return invalid_argument("expected words or characters for the unit of shingles, got " + std::to_string(from.unit));
  }
  if (from.size < 1) {
    return invalid_argument("expected at least 1 for the size of shingles, got " + std::to_string(from.size));
  }
  out->unit = from.unit == MR_SHINGLE_WORD ? millrace::ShingleUnit::kWord : millrace::ShingleUnit::kCharacter;
  out->size = from.size;
  return ok();
}

Status simd_level_of(mr_simd from, millrace::SimdLevel* out) {
  switch (from) {
    case MR_SIMD_AUTO:
      *out = millrace::best_simd_level();
      return ok();
    case MR_SIMD_SCALAR:
      *out = millrace::SimdLevel::kScalar;
      break;
    case MR_SIMD_AVX2:
      *out = millrace::SimdLevel::kAvx2;
      break;
    case MR_SIMD_AVX512:
      *out = millrace::SimdLevel::kAvx512;
      break;
  }
  if (!millrace::has_simd_level(*out)) {
    return invalid_argument("expected a SIMD level of this processor, got one that it lacks");
  }
  return ok();
}

Status signature_config_of(const mr_signature_config& from, millrace::SignatureConfig* out) {
  MR_RETURN_IF_ERROR(shingling_of(from.shingling, &out->shingling));
  if (from.num_bands < 1 || from.num_rows < 1 || from.num_bands > 4096 || from.num_rows > 4096) {
    return invalid_argument("expected 1 to 4096 bands and rows, got " + std::to_string(from.num_bands) + " and " +
                            std::to_string(from.num_rows));
  }
  out->bands = {from.num_bands, from.num_rows, from.seed};
  return simd_level_of(from.simd, &out->level);
}

static_assert(MR_SKETCH_SIZE == millrace::Sketch::kSize);

}  // namespace

extern "C" {

mr_code mr_dedup_sign(const mr_text_rows* rows, const mr_signature_config* from, const mr_signatures* out) {
  return guarded_task([&]() -> Status {
    millrace::SignatureConfig config{};
    MR_RETURN_IF_ERROR(signature_config_of(*from, &config));
    millrace::Signer signer(config);
    for (size_t i = 0; i < rows->num_rows; ++i) {
      signer.sign(row_of(*rows, i));
      const Hash128 content = signer.content_hash();
      out->content_hashes[2 * i] = content.low;
      out->content_hashes[2 * i + 1] = content.high;
      out->text_hashes[i] = signer.text_hash();
      out->normalized_bytes[i] = static_cast<uint32_t>(signer.normalized_bytes());
      signer.band_keys(out->band_keys + i, rows->num_rows);
      signer.sketch(out->sketches + MR_SKETCH_SIZE * i);
    }
    return ok();
  });
}

mr_code mr_dedup_sign_lines(const uint8_t* bytes, size_t size, const mr_scan_options* options,
                            const mr_signature_config* from, mr_scan** out) {
  return guarded_task([&]() -> Status {
    millrace::SignatureConfig config{};
    MR_RETURN_IF_ERROR(signature_config_of(*from, &config));
    auto scan = std::make_unique<mr_scan>();
    auto& lines = scan->found.emplace<millrace::SignedLines>();
    MR_RETURN_IF_ERROR(millrace::sign_lines(bytes, size, millrace::scan_options_of(*options), config, &lines));
    *out = scan.release();
    return ok();
  });
}

mr_code mr_dedup_copy_signatures(const mr_scan* scan, const mr_signatures* out, uint64_t* id_hashes, double* scores) {
  return guarded_task([&]() -> Status {
    const auto* lines = std::get_if<millrace::SignedLines>(&scan->found);
    if (lines == nullptr) return invalid_argument("expected a scan with signatures, got one without");
    const millrace::SignedRows& rows = lines->rows;
    std::copy(rows.content_hashes.begin(), rows.content_hashes.end(), out->content_hashes);
    std::copy(rows.text_hashes.begin(), rows.text_hashes.end(), out->text_hashes);
    std::copy(rows.normalized_bytes.begin(), rows.normalized_bytes.end(), out->normalized_bytes);
    std::copy(rows.sketches.begin(), rows.sketches.end(), out->sketches);
    std::copy(lines->id_hashes.begin(), lines->id_hashes.end(), id_hashes);
    std::copy(lines->scores.begin(), lines->scores.end(), scores);
    const size_t num_rows = lines->num_documents();
    const size_t num_bands = num_rows == 0 ? 0 : rows.band_keys.size() / num_rows;
    for (size_t row = 0; row < num_rows; ++row) {
      for (size_t band = 0; band < num_bands; ++band) {
        out->band_keys[band * num_rows + row] = rows.band_keys[row * num_bands + band];
      }
    }
    return ok();
  });
}

mr_code mr_dedup_hash_rows(const mr_text_rows* rows, uint64_t* hashes) {
  return guarded_task([&]() -> Status {
    const millrace::SimdLevel level = millrace::best_simd_level();
    for (size_t i = 0; i < rows->num_rows; ++i) {
      const std::string_view row = row_of(*rows, i);
      const Hash128 hash = millrace::hash_bytes(reinterpret_cast<const uint8_t*>(row.data()), row.size(), level);
      hashes[2 * i] = hash.low;
      hashes[2 * i + 1] = hash.high;
    }
    return ok();
  });
}

mr_code mr_dedup_shingle_sets(const mr_text_rows* rows, const uint32_t* selected, size_t num_selected,
                              const mr_shingling* from, mr_list** hashes, mr_list** offsets) {
  return guarded_task([&]() -> Status {
    millrace::Shingling shingling;
    MR_RETURN_IF_ERROR(shingling_of(*from, &shingling));
    millrace::Shingler shingler(shingling);
    millrace::ShingleSet set;
    millrace::ShingleSets sets;
    for (size_t i = 0; i < num_selected; ++i) {
      if (selected[i] >= rows->num_rows) {
        return invalid_argument("expected rows below " + std::to_string(rows->num_rows) + ", got " +
                                std::to_string(selected[i]));
      }
      shingler.shingle(row_of(*rows, selected[i]), set);
      MR_RETURN_IF_ERROR(sets.add(set.finish()));
    }
    hand_out(std::move(sets.hashes), std::move(sets.offsets), hashes, offsets);
    return ok();
  });
}

mr_code mr_dedup_shingle_lines(const uint8_t* bytes, size_t size, const uint32_t* begins, const uint32_t* lengths,
                               size_t num_records, const mr_scan_options* options, const mr_shingling* from,
                               mr_list** hashes, mr_list** offsets) {
  return guarded_task([&]() -> Status {
    millrace::Shingling shingling;
    MR_RETURN_IF_ERROR(shingling_of(*from, &shingling));
    for (size_t i = 0; i < num_records; ++i) {
      if (begins[i] > size || lengths[i] > size - begins[i]) {
        return invalid_argument("expected record " + std::to_string(i) + " inside the bytes");
      }
      if (millrace::valid_utf8_prefix(bytes + begins[i], lengths[i]) != lengths[i]) {
        return invalid_argument("expected UTF-8 as record " + std::to_string(i));
      }
    }
    millrace::ShingleSets sets;
    MR_RETURN_IF_ERROR(millrace::shingle_lines(bytes, begins, lengths, num_records, millrace::scan_options_of(*options),
                                               shingling, &sets));
    hand_out(std::move(sets.hashes), std::move(sets.offsets), hashes, offsets);
    return ok();
  });
}

}  // extern "C"
