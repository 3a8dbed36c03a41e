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
inline constexpr std::array<CheckpointKind, 3> kCheckpointKinds{{{"parameter.", &Parameter::value},
                                                                 {"first_moment.", &Parameter::first_moment},
                                                                 {"second_moment.", &Parameter::second_moment}}};

// Entry k * parameters + i holds kind k of parameter i. Checksums are blank, and of their final length.
SafetensorsHeader checkpoint_header(const TrainerConfig&, const ParameterSet&, const Progress&);

// Enters the tensors' checksums, in the order of the entries, and that of the header. The bytes of the header.
std::string seal_checkpoint_header(SafetensorsHeader& header, const std::vector<int64_t>& checksums);

// The checksum that a tensor should have, as eight hexadecimal digits; empty when the header has none.
std::string stated_checksum(const SafetensorsHeader&, const std::string& tensor);
std::string checksum_text(uint32_t checksum);

// Of a header that was parsed: format, version, its own checksum (MR_CORRUPT), every tensor of this model and no other,
// and the same architecture (MR_INVALID_ARGUMENT). *progress gets the counters.
Status check_checkpoint_header(const SafetensorsHeader&, const TrainerConfig&, const ParameterSet&, Progress* progress);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CHECKPOINT_HEADER_H_
