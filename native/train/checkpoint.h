// Loading a checkpoint: the logical tensors of the model and both moments, counters and configuration in one
// safetensors file (docs/formats/checkpoint.md). Each rank copies its slices from a mapping of the file, which says
// nothing of how many ranks wrote it. Writing: train/snapshot.h.
#ifndef MILLRACE_TRAIN_CHECKPOINT_H_
#define MILLRACE_TRAIN_CHECKPOINT_H_

#include <string>

#include "model/parameters.h"
#include "model/rank_env.h"
#include "train/config.h"
#include "train/messages.h"
#include "train/place.h"
#include "train/progress.h"

namespace millrace {

// Called by all ranks. Every tensor is checked, against the model's table and its checksum, before any value changes.
// MR_CORRUPT: the bytes are not what was written; MR_INVALID_ARGUMENT: another model's, naming the tensor.
Status load_checkpoint(RankEnv&, const Place&, const Messages&, const TrainerConfig&, const ParameterSet&,
                       const std::string& path, Progress*);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CHECKPOINT_H_
