#include "train/checkpoint.h"

#include <unistd.h>

#include <cstring>

#include "train/checkpoint_header.h"
#include "train/crc32.h"
#include "train/mapped_file.h"

namespace millrace {

namespace {

// All ranks learn whether all succeeded, without poisoning the group: `mine` if it is an error, else that a peer has
// one.
Status agree(RankEnv& env, const Place& place, const Status& mine, const char* name) {
  int32_t code = mine.code();
  const Tensor buffer{&code, DType::kI32, Shape(1)};
  MR_RETURN_IF_ERROR(env.all_reduce(place.world_group, place.world(), buffer, ReduceOp::kMax, name));
  if (!mine.ok() || code == MR_OK) return mine;
  return Status(MR_COMM, "a peer reported the error");
}

// Copies this rank's slices of one tensor between the file and the arena.
enum class Direction : uint8_t { kToFile, kFromFile };

void copy_slices(const Place& place, const Parameter& parameter, Tensor tensor, char* file, Direction direction) {
  const size_t width = dtype_bytes(tensor.dtype);
  char* memory = tensor.as<char>();
  for_each_run(parameter.spec, place.tensor_rank, place.tensor_size, [&](const ShardRun& run) {
    char* in_file = file + static_cast<size_t>(run.logical) * width;
    char* in_memory = memory + static_cast<size_t>(run.local) * width;
    const size_t bytes = static_cast<size_t>(run.count) * width;
    if (direction == Direction::kToFile) {
      std::memcpy(in_file, in_memory, bytes);
    } else {
      std::memcpy(in_memory, in_file, bytes);
    }
  });
}

template <class Visit>
void for_each_tensor(const ParameterSet& parameters, Visit visit) {
  size_t entry = 0;
  for (const CheckpointKind& kind : kCheckpointKinds) {
    for (const Parameter& parameter : parameters.all()) visit(entry++, parameter, parameter.*kind.tensor);
  }
}

// Tensors are dealt to all ranks for checking, whoever holds them.
bool checks(const Place& place, size_t entry) {
  return static_cast<int>(entry % static_cast<size_t>(place.world())) == place.rank;
}

uint32_t checksum(const MappedFile& file, const SafetensorsHeader& header, const SafetensorsEntry& entry) {
  return crc32(file.data() + header.data_offset + entry.begin, static_cast<size_t>(entry.end - entry.begin));
}

Status write_slices(const Place& place, const ParameterSet& parameters, const SafetensorsHeader& header,
                    const std::string& path, Heartbeat* heartbeat) {
  std::unique_ptr<MappedFile> file;
  MR_RETURN_IF_ERROR(MappedFile::open_write(path, &file));
  for_each_tensor(parameters, [&](size_t index, const Parameter& parameter, Tensor tensor) {
    if (heartbeat != nullptr) heartbeat->tick();
    if (parameter.spec.split == Split::kReplicated && place.tensor_rank != 0) return;
    copy_slices(place, parameter, tensor, file->data() + header.data_offset + header.entries[index].begin,
                Direction::kToFile);
  });
  return ok();
}

// Writes the header over the mapping and makes the file durable under its name.
Status publish(const std::string& header, const std::string& temporary, const std::string& path, Heartbeat* heartbeat) {
  std::unique_ptr<MappedFile> file;
  MR_RETURN_IF_ERROR(MappedFile::open_write(temporary, &file));
  std::memcpy(file->data(), header.data(), header.size());
  MR_RETURN_IF_ERROR(file->sync(heartbeat));
  return rename_durably(temporary, path);
}

Status save_into(RankEnv& env, const Place& place, const ParameterSet& parameters, SafetensorsHeader& header,
                 const std::string& temporary, const std::string& path) {
  const bool first = place.rank == 0;
  Status status;
  if (first) {
    status = reserve_file(temporary, header.data_offset + header.entries.back().end, env.context->heartbeat);
  }
  MR_RETURN_IF_ERROR(agree(env, place, status, "checkpoint create"));

  env.enter("checkpoint copy");
  if (place.data_rank == 0) status = write_slices(place, parameters, header, temporary, env.context->heartbeat);
  MR_RETURN_IF_ERROR(agree(env, place, status, "checkpoint copied"));

  env.enter("checkpoint checksums");
  std::vector<int64_t> checksums(header.entries.size(), 0);
  std::unique_ptr<MappedFile> file;
  status = MappedFile::open_read(temporary, &file);
  for (size_t i = 0; status.ok() && i < header.entries.size(); ++i) {
    if (checks(place, i)) checksums[i] = checksum(*file, header, header.entries[i]);
    if (env.context->heartbeat != nullptr) env.context->heartbeat->tick();
  }
  MR_RETURN_IF_ERROR(agree(env, place, status, "checkpoint checked"));
  const Tensor sums{checksums.data(), DType::kI64, Shape(static_cast<int64_t>(checksums.size()))};
  MR_RETURN_IF_ERROR(env.all_reduce(place.world_group, place.world(), sums, ReduceOp::kSum, "checkpoint checksums"));

  env.enter("checkpoint write");
  if (first) status = publish(seal_checkpoint_header(header, checksums), temporary, path, env.context->heartbeat);
  return agree(env, place, status, "checkpoint written");
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
  MR_RETURN_IF_ERROR(MappedFile::open_read(path, file));
  MR_RETURN_IF_ERROR(parse_safetensors_header((*file)->data(), (*file)->size(), header));
  MR_RETURN_IF_ERROR(check_checkpoint_header(*header, config, parameters, progress));
  return check_sums(place, **file, *header, heartbeat);
}

}  // namespace

Status save_checkpoint(RankEnv& env, const Place& place, const TrainerConfig& config, const ParameterSet& parameters,
                       const Progress& progress, const std::string& path) {
  SafetensorsHeader header = checkpoint_header(config, parameters, progress);
  const std::string temporary = path + ".partial";
  Status status = save_into(env, place, parameters, header, temporary, path);
  if (!status.ok() && place.rank == 0) ::unlink(temporary.c_str());
  return status;
}

Status load_checkpoint(RankEnv& env, const Place& place, const TrainerConfig& config, const ParameterSet& parameters,
                       const std::string& path, Progress* progress) {
  env.enter("checkpoint check");
  std::unique_ptr<MappedFile> file;
  SafetensorsHeader header;
  Progress loaded;
  Status status = check_file(place, config, parameters, path, env.context->heartbeat, &file, &header, &loaded);
  if (!status.ok()) status = Status(status.code(), "checkpoint " + path + ": " + status.message());
  MR_RETURN_IF_ERROR(agree(env, place, status, "checkpoint checked"));

  env.enter("checkpoint read");
  for (const CheckpointKind& kind : kCheckpointKinds) {
    for (const Parameter& parameter : parameters.all()) {
      if (env.context->heartbeat != nullptr) env.context->heartbeat->tick();
      const SafetensorsEntry* entry = header.find(kind.prefix + parameter.spec.name);
      copy_slices(place, parameter, parameter.*kind.tensor, file->data() + header.data_offset + entry->begin,
                  Direction::kFromFile);
    }
  }
  *progress = loaded;
  return ok();
}

}  // namespace millrace
