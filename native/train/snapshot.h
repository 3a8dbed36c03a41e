// Snapshot: what a run must keep to go on from a step, outside its ranks: copies of their shares of values and moments,
// made by the ranks themselves, and what a checkpoint says of the run. Training stops for the copy alone: once taken it
// is no rank's memory, and it may be written while they go on, or after they have ended.
#ifndef MILLRACE_TRAIN_SNAPSHOT_H_
#define MILLRACE_TRAIN_SNAPSHOT_H_

#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "model/parameters.h"
#include "train/config.h"
#include "train/place.h"
#include "train/progress.h"

namespace millrace {

class Snapshot {
 public:
  Snapshot(const TrainerConfig& config, std::vector<ParameterSpec> specs);

  // By every rank, on its own thread: memory for its share, every page of it touched, so that no copy waits for memory.
  // Groups of data-parallel ranks hold the same, so the first alone takes part. Where ranks are processes, rank 0 keeps
  // the shares of all, which the others send it in take(); only its snapshot can be written.
  Status allocate(const Place&, const ParameterSet&, const std::shared_ptr<Device>&, Context&);
  // By every rank, on its own thread, after allocate(): the copy.
  Status take(const Place&, const ParameterSet&, const Progress&, Context&);

  // The checkpoint of what was last taken (docs/formats/checkpoint.md), on any thread, while no rank takes another.
  // The file appears under `path` whole and durable, or not at all. MR_IO: a full disk, a missing folder.
  Status write(const std::string& path) const;

  // What allocate() takes on this rank; of parameters that are only planned, too.
  static size_t bytes_of(const Place&, const ParameterSet&);
  // Of all ranks together.
  size_t bytes() const;

 private:
  // The copies of one tensor-parallel rank, in the order of the checkpoint's entries.
  struct Share {
    std::shared_ptr<Device> device;  // of the rank, which may end before; its page-locked memory holds the arena
    std::unique_ptr<Arena> arena;
    std::vector<Tensor> tensors;
  };

  Status allocate_share(const Place&, const ParameterSet&, const std::shared_ptr<Device>&, Context&);
  // Rank 0 gets the shares of the others.
  Status gather(const Place&, Context&);

  TrainerConfig config_;
  std::vector<ParameterSpec> specs_;
  std::vector<Share> shares_;  // by tensor-parallel rank, who alone touches its own while it is taken
  Progress progress_;          // the same on all ranks; the first one's is kept
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_SNAPSHOT_H_
