// Scans as JavaScript sees them: their options, and what the results with and without texts have in common.
#ifndef MILLRACE_ADDON_SCAN_VALUES_H_
#define MILLRACE_ADDON_SCAN_VALUES_H_

#include <napi.h>

#include <memory>
#include <string>

#include "millrace/read.h"

namespace millrace::addon {

struct DestroyScan {
  void operator()(mr_scan* scan) const { mr_scan_destroy(scan); }
};
using Scan = std::unique_ptr<mr_scan, DestroyScan>;

// ScanOptions of src/native/read.ts, with the strings that options() points into; recordOffsets stays JavaScript's.
class ScanChoices {
 public:
  explicit ScanChoices(const Napi::Object& object);
  ScanChoices(const ScanChoices&) = delete;
  ScanChoices& operator=(const ScanChoices&) = delete;

  const mr_scan_options& options() const { return options_; }

 private:
  std::string text_field_, id_field_, source_field_, score_field_, source_, records_field_;
  mr_scan_options options_;
};

// The columns of ScanResult besides texts and other fields.
Napi::Object object_of_scan(Napi::Env env, const mr_scan* scan, const mr_scan_view& view);

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_SCAN_VALUES_H_
