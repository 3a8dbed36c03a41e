// Checkpoints behind the C API: snapshots of a trainer's ranks, saving and loading.
#include "millrace/checkpoint.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/guard.h"
#include "api/trainer_handle.h"
#include "train/crc32.h"
#include "train/snapshot.h"

using millrace::guarded;
using millrace::invalid_argument;
using millrace::not_null;
using millrace::Parameter;
using millrace::ParameterSpec;
using millrace::Rank;
using millrace::Snapshot;
using millrace::Status;

struct mr_snapshot {
  mr_snapshot(const mr_trainer* of, Snapshot empty) : trainer(of), snapshot(std::move(empty)) {}

  const mr_trainer* trainer;  // only compared: it may have ended
  bool written_here = true;   // else another process has it all
  Snapshot snapshot;
  bool taken = false;
};

namespace {

Status create(mr_trainer& trainer, std::unique_ptr<mr_snapshot>* out) {
  std::vector<ParameterSpec> specs;
  for (const Parameter& parameter : trainer.parameters()) specs.push_back(parameter.spec);
  auto snapshot = std::make_unique<mr_snapshot>(&trainer, Snapshot(trainer.config(), std::move(specs)));
  snapshot->written_here = trainer.keeps_snapshots();
  MR_RETURN_IF_ERROR(trainer.run_apart([&](Rank& rank) { return rank.allocate_snapshot(snapshot->snapshot); }));
  *out = std::move(snapshot);
  return millrace::ok();
}

Status take(mr_snapshot& snapshot, mr_trainer& trainer) {
  MR_RETURN_IF_ERROR(trainer.settled("a checkpoint"));
  if (snapshot.trainer != &trainer) return invalid_argument("expected a snapshot of this trainer, got another's");
  // Half of it may be copied when a rank fails.
  snapshot.taken = false;
  MR_RETURN_IF_ERROR(trainer.run_apart([&](Rank& rank) { return rank.take_snapshot(snapshot.snapshot); }));
  snapshot.taken = true;
  return millrace::ok();
}

}  // namespace

extern "C" {

mr_code mr_snapshot_create(mr_trainer* trainer, mr_snapshot** out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    std::unique_ptr<mr_snapshot> snapshot;
    MR_RETURN_IF_ERROR(create(*trainer, &snapshot));
    *out = snapshot.release();
    return millrace::ok();
  });
}

void mr_snapshot_destroy(mr_snapshot* snapshot) { delete snapshot; }

mr_code mr_snapshot_take(mr_snapshot* snapshot, mr_trainer* trainer) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(snapshot, "snapshot"));
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    return take(*snapshot, *trainer);
  });
}

mr_code mr_snapshot_write(const mr_snapshot* snapshot, const char* path) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(snapshot, "snapshot"));
    MR_RETURN_IF_ERROR(not_null(path, "path"));
    if (!snapshot->written_here) return invalid_argument("expected a write in the process of rank 0, got another's");
    if (!snapshot->taken) return invalid_argument("expected a snapshot that was taken, got an empty one");
    return snapshot->snapshot.write(path);
  });
}

mr_code mr_snapshot_bytes(const mr_snapshot* snapshot, uint64_t* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(snapshot, "snapshot"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    *out = snapshot->snapshot.bytes();
    return millrace::ok();
  });
}

mr_code mr_trainer_save(mr_trainer* trainer, const char* path) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(path, "path"));
    std::unique_ptr<mr_snapshot> snapshot;
    MR_RETURN_IF_ERROR(create(*trainer, &snapshot));
    MR_RETURN_IF_ERROR(take(*snapshot, *trainer));
    return trainer->keeps_snapshots() ? snapshot->snapshot.write(path) : millrace::ok();
  });
}

mr_code mr_trainer_load(mr_trainer* trainer, const char* path) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(path, "path"));
    MR_RETURN_IF_ERROR(trainer->settled("load"));
    return trainer->run_apart([&](Rank& rank) { return rank.load(path); });
  });
}

uint32_t mr_crc32(const void* data, size_t num_bytes, uint32_t before) {
  return data == nullptr ? before : millrace::crc32(data, num_bytes, before);
}

}  // extern "C"
