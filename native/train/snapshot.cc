#include "train/snapshot.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "train/checkpoint_header.h"
#include "train/crc32.h"
#include "train/file_writer.h"
#include "train/results.h"

namespace millrace {

namespace {

// A piece passes through the checksum and on to the file while it is in the processor's cache.
constexpr size_t kPieceBytes = size_t{256} << 10;

bool holds(int tensor_rank, const ParameterSpec& spec) { return tensor_rank == 0 || spec.split != Split::kReplicated; }

void tick(Context& context) {
  if (context.heartbeat != nullptr) context.heartbeat->tick();
}

// A copy's tensors in the order of the entries; those of which another rank's copy is kept stay empty.
Status allocate_copies(const Place& place, const ParameterSet& parameters, Arena& arena, std::vector<Tensor>* copies) {
  return for_each_entry(parameters, [&](const CheckpointKind&, const Parameter& parameter, Tensor tensor) -> Status {
    Tensor copy;
    if (holds(place.tensor_rank, parameter.spec)) {
      MR_RETURN_IF_ERROR(arena.alloc(tensor.dtype, tensor.shape, &copy));
    }
    copies->push_back(copy);
    return ok();
  });
}

// Bytes of a logical tensor that lie together in one rank's copy.
struct Stretch {
  int64_t logical = 0;  // first element
  const char* bytes = nullptr;
  size_t size = 0;
};

// What rank `rank` of `size` holds of a tensor, in its copy.
void add_stretches(const ParameterSpec& spec, int rank, int size, Tensor copy, std::vector<Stretch>* stretches) {
  const size_t width = dtype_bytes(copy.dtype);
  for_each_run(spec, rank, size, [&](const ShardRun& run) {
    stretches->push_back({run.logical, copy.as<char>() + static_cast<size_t>(run.local) * width,
                          static_cast<size_t>(run.count) * width});
  });
}

// Appends the tensor that these make in this order, and gives its checksum.
Status append_tensor(const std::vector<Stretch>& stretches, FileWriter& file, uint32_t* checksum) {
  uint32_t sum = 0;
  for (const Stretch& stretch : stretches) {
    for (size_t begin = 0; begin < stretch.size; begin += kPieceBytes) {
      const size_t bytes = std::min(kPieceBytes, stretch.size - begin);
      sum = crc32(stretch.bytes + begin, bytes, sum);
      MR_RETURN_IF_ERROR(file.append(stretch.bytes + begin, bytes));
    }
  }
  *checksum = sum;
  return ok();
}

}  // namespace

Snapshot::Snapshot(const TrainerConfig& config, std::vector<ParameterSpec> specs)
    : config_(config), specs_(std::move(specs)), shares_(static_cast<size_t>(config.tensor_parallel)) {}

size_t Snapshot::bytes_of(const Place& place, const ParameterSet& parameters) {
  Arena measuring;
  std::vector<Tensor> unused;
  if (place.data_rank == 0) (void)allocate_copies(place, parameters, measuring, &unused);
  return measuring.peak_bytes();
}

Status Snapshot::allocate(const Place& place, const ParameterSet& parameters, const std::shared_ptr<Device>& device,
                          Context& context) {
  if (place.data_rank != 0) return ok();
  MR_RETURN_IF_ERROR(allocate_share(place, parameters, device, context));
  if (place.keepers.empty() || place.tensor_rank != 0) return ok();
  for (int rank = 1; rank < place.tensor_size; ++rank) {
    Place other = place;
    other.tensor_rank = rank;
    MR_RETURN_IF_ERROR(allocate_share(other, parameters, device, context));
  }
  return ok();
}

Status Snapshot::allocate_share(const Place& place, const ParameterSet& parameters,
                                const std::shared_ptr<Device>& device, Context& context) {
  Share share;
  share.device = device;
  MR_RETURN_IF_ERROR(Arena::create_on_host(*device, bytes_of(place, parameters), &share.arena));
  MR_RETURN_IF_ERROR(allocate_copies(place, parameters, *share.arena, &share.tensors));
  for (const Tensor& copy : share.tensors) {
    tick(context);
    if (!copy.empty()) std::memset(copy.data, 0, copy.size_bytes());
  }
  shares_[static_cast<size_t>(place.tensor_rank)] = std::move(share);
  return ok();
}

Status Snapshot::take(const Place& place, const ParameterSet& parameters, const Progress& progress, Context& context) {
  if (place.data_rank != 0) return ok();
  const Tensor* next = shares_[static_cast<size_t>(place.tensor_rank)].tensors.data();
  MR_RETURN_IF_ERROR(for_each_entry(parameters, [&](const CheckpointKind&, const Parameter&, Tensor tensor) -> Status {
    tick(context);
    const Tensor copy = *next++;
    return copy.empty() ? ok() : context.device->to_host(context, copy.data, tensor.data, tensor.size_bytes());
  }));
  MR_RETURN_IF_ERROR(await_results(place, context));
  if (place.tensor_rank == 0) progress_ = progress;
  return gather(place, context);
}

// One rank after the other, each with rank 0 alone: what they send is as much as what is kept.
Status Snapshot::gather(const Place& place, Context& context) {
  for (size_t rank = 1; rank < place.keepers.size(); ++rank) {
    Communicator* const keeper = place.keepers[rank];
    if (keeper == nullptr) continue;
    for (const Tensor& copy : shares_[rank].tensors) {
      if (copy.empty()) continue;
      MR_RETURN_IF_ERROR(keeper->broadcast(context, copy, 1, "snapshot to rank 0"));
    }
  }
  return ok();
}

Status Snapshot::write(const std::string& path) const {
  SafetensorsHeader header = checkpoint_header(config_, specs_, progress_);
  std::unique_ptr<FileWriter> file;
  MR_RETURN_IF_ERROR(FileWriter::create(path, &file));
  // The header comes last, so that a file cut anywhere is not even a safetensors file.
  const std::string blank(header.data_offset, '\0');
  MR_RETURN_IF_ERROR(file->append(blank.data(), blank.size()));
  std::vector<uint32_t> checksums(header.entries.size());
  for (size_t entry = 0; entry < header.entries.size(); ++entry) {
    const ParameterSpec& spec = specs_[entry % specs_.size()];
    std::vector<Stretch> stretches;
    for (int rank = 0; rank < config_.tensor_parallel; ++rank) {
      if (holds(rank, spec))
        add_stretches(spec, rank, config_.tensor_parallel, shares_[static_cast<size_t>(rank)].tensors[entry],
                      &stretches);
    }
    std::sort(stretches.begin(), stretches.end(),
              [](const Stretch& a, const Stretch& b) { return a.logical < b.logical; });
    MR_RETURN_IF_ERROR(append_tensor(stretches, *file, &checksums[entry]));
  }
  const std::string sealed = seal_checkpoint_header(header, checksums);
  MR_CHECK(sealed.size() == blank.size());
  MR_RETURN_IF_ERROR(file->overwrite(0, sealed.data(), sealed.size()));
  return file->commit();
}

size_t Snapshot::bytes() const {
  size_t total = 0;
  for (const Share& share : shares_) total += share.arena == nullptr ? 0 : share.arena->capacity_bytes();
  return total;
}

}  // namespace millrace
