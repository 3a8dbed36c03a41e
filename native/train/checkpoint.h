// Checkpoints: the logical tensors of the model and both moments, counters and configuration in one safetensors file
// (docs/formats/checkpoint.md). Each rank copies its slices between its arena and a mapping of the file, so a file says
// nothing of how many ranks wrote it and any number may load it.
#ifndef MILLRACE_TRAIN_CHECKPOINT_H_
#define MILLRACE_TRAIN_CHECKPOINT_H_

#include <string>

#include "model/parameters.h"
#include "model/rank_env.h"
#include "train/config.h"
#include "train/place.h"
#include "train/progress.h"

namespace millrace {

// Called by all ranks. The file appears under `path` whole and durable, or not at all; a failure (a full disk, a
// missing folder) leaves the run as it was.
Status save_checkpoint(RankEnv&, const Place&, const TrainerConfig&, const ParameterSet&, const Progress&,
                       const std::string& path);

// Called by all ranks. Every tensor is checked, against the model's table and its checksum, before any value changes.
// MR_CORRUPT: the bytes are not what was written; MR_INVALID_ARGUMENT: another model's, naming the tensor.
Status load_checkpoint(RankEnv&, const Place&, const TrainerConfig&, const ParameterSet&, const std::string& path,
                       Progress*);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CHECKPOINT_H_
