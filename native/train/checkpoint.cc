#include "train/checkpoint.h"

#include <cstring>

#include "model/transfer.h"
#include "train/checkpoint_header.h"
#include "train/crc32.h"
#include "train/mapped_file.h"

namespace millrace {

namespace {

// All ranks learn whether all succeeded, without poisoning the group: `mine` if it is an error, else that a peer has
// one.
Status agree(RankEnv& env, const Place& place, const Messages& messages, const Status& mine, const char* name) {
  int64_t code = mine.code();
  MR_RETURN_IF_ERROR(messages.largest(env, place, &code, name));
  if (!mine.ok() || code == MR_OK) return mine;
  return Status(MR_COMM, "a peer reported the error");
}

// Copies this rank's slices of one tensor from the file.
Status read_slices(RankEnv& env, const Parameter& parameter, Tensor tensor, const char* file) {
  const size_t width = dtype_bytes(tensor.dtype);
  return upload(env, parameter.spec, tensor, [&](const ShardRun& run, void* to) {
    std::memcpy(to, file + static_cast<size_t>(run.logical) * width, static_cast<size_t>(run.count) * width);
  });
}

// Tensors are dealt to all ranks for checking, whoever holds them.
bool checks(const Place& place, size_t entry) {
  return static_cast<int>(entry % static_cast<size_t>(place.world())) == place.rank;
}

uint32_t checksum(const MappedFile& file, const SafetensorsHeader& header, const SafetensorsEntry& entry) {
  return crc32(file.data() + header.data_offset + entry.begin, static_cast<size_t>(entry.end - entry.begin));
}

// This rank's share of the checksums.
Status check_sums(const Place& place, const MappedFile& file, const SafetensorsHeader& header, Heartbeat* heartbeat) {
  for (size_t i = 0; i < header.entries.size(); ++i) {
    if (!checks(place, i)) continue;
    if (heartbeat != nullptr) heartbeat->tick();
    const SafetensorsEntry& entry = header.entries[i];
    const std::string stated = stated_checksum(header, entry.name);
    const std::string found = checksum_text(checksum(file, header, entry));
    if (stated != found) {
      return Status(MR_CORRUPT, "expected checksum " + stated + " for " + entry.name + ", got " + found);
    }
  }
  return ok();
}

Status check_file(const Place& place, const TrainerConfig& config, const ParameterSet& parameters,
                  const std::string& path, Heartbeat* heartbeat, std::unique_ptr<MappedFile>* file,
                  SafetensorsHeader* header, Progress* progress) {
  MR_RETURN_IF_ERROR(MappedFile::open(path, file));
  MR_RETURN_IF_ERROR(parse_safetensors_header((*file)->data(), (*file)->size(), header));
  MR_RETURN_IF_ERROR(check_checkpoint_header(*header, config, parameters, progress));
  return check_sums(place, **file, *header, heartbeat);
}

}  // namespace

Status load_checkpoint(RankEnv& env, const Place& place, const Messages& messages, const TrainerConfig& config,
                       const ParameterSet& parameters, const std::string& path, Progress* progress) {
  env.enter("checkpoint check");
  std::unique_ptr<MappedFile> file;
  SafetensorsHeader header;
  Progress loaded;
  Status status = check_file(place, config, parameters, path, env.context->heartbeat, &file, &header, &loaded);
  if (!status.ok()) status = Status(status.code(), "checkpoint " + path + ": " + status.message());
  MR_RETURN_IF_ERROR(agree(env, place, messages, status, "checkpoint checked"));

  env.enter("checkpoint read");
  MR_RETURN_IF_ERROR(
      for_each_entry(parameters, [&](const CheckpointKind& kind, const Parameter& parameter, Tensor tensor) {
        const SafetensorsEntry* entry = header.find(kind.prefix + parameter.spec.name);
        return read_slices(env, parameter, tensor, file->data() + header.data_offset + entry->begin);
      }));
  *progress = loaded;
  return ok();
}

}  // namespace millrace
