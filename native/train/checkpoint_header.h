// What a checkpoint says of itself: the table of its tensors, counters, the model and checksums
// (docs/formats/checkpoint.md).
#ifndef MILLRACE_TRAIN_CHECKPOINT_HEADER_H_
#define MILLRACE_TRAIN_CHECKPOINT_HEADER_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/parameters.h"
#include "train/config.h"
#include "train/progress.h"
#include "train/safetensors.h"

namespace millrace {

// The three tensors kept of each parameter, in the order of the file.
struct CheckpointKind {
  const char* prefix;
  Tensor Parameter::*tensor;
};
inline constexpr std::array<CheckpointKind, 3> kCheckpointKinds{{{"parameter.", &Parameter::master},
                                                                 {"first_moment.", &Parameter::first_moment},
                                                                 {"second_moment.", &Parameter::second_moment}}};

// Calls visit(kind, parameter, tensor), which returns a Status, for every tensor that is kept, in the order of the
// file's entries: number k * parameters + i is kind k of parameter i.
template <class Visit>
Status for_each_entry(const ParameterSet& parameters, Visit visit) {
  for (const CheckpointKind& kind : kCheckpointKinds) {
    for (const Parameter& parameter : parameters.all()) {
      MR_RETURN_IF_ERROR(visit(kind, parameter, parameter.*kind.tensor));
    }
  }
  return ok();
}

// Of a run whose parameters are `specs`, with for_each_entry's entries. Checksums are blank, and of their final length.
SafetensorsHeader checkpoint_header(const TrainerConfig&, const std::vector<ParameterSpec>& specs, const Progress&);

// Enters the tensors' checksums, in the order of the entries, and that of the header. The bytes of the header.
std::string seal_checkpoint_header(SafetensorsHeader& header, const std::vector<uint32_t>& checksums);

// The checksum that a tensor should have, as eight hexadecimal digits; empty when the header has none.
std::string stated_checksum(const SafetensorsHeader&, const std::string& tensor);
std::string checksum_text(uint32_t checksum);

// Of a header that was parsed: format, version, its own checksum (MR_CORRUPT), every tensor of this model and no other,
// and the same architecture (MR_INVALID_ARGUMENT). *progress gets the counters and the loss scale; a file of another
// precision leaves the scale that a run begins with.
Status check_checkpoint_header(const SafetensorsHeader&, const TrainerConfig&, const ParameterSet&, Progress* progress);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CHECKPOINT_HEADER_H_
