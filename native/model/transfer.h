// A rank's part of a logical tensor, to and from this machine's memory. Tensors are opaque above the ops, so their
// bytes pass through a buffer, a piece at a time, by the copies of core/device.h.
#ifndef MILLRACE_MODEL_TRANSFER_H_
#define MILLRACE_MODEL_TRANSFER_H_

#include <memory>
#include <vector>

#include "core/device.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

inline constexpr size_t kTransferBytes = size_t{4} << 20;

// Runs of for_each_run() that lie together in the rank's memory: `count` elements from `begin` on.
struct Piece {
  int64_t begin = 0;
  int64_t count = 0;
  std::vector<ShardRun> runs;
};

// Calls visit(piece), which returns a Status, for all that the rank holds, in the order of its memory, at most
// `capacity` elements at a time.
template <class Visit>
Status for_each_piece(const ParameterSpec& spec, int rank, int size, int64_t capacity, const Visit& visit) {
  Piece piece;
  Status status;
  const auto flush = [&] {
    if (piece.count > 0 && status.ok()) status = visit(piece);
    piece = Piece{};
  };
  for_each_run(spec, rank, size, [&](ShardRun run) {
    while (run.count > 0 && status.ok()) {
      if (run.local != piece.begin + piece.count || piece.count == capacity) flush();
      if (piece.count == 0) piece.begin = run.local;
      const int64_t count = std::min(run.count, capacity - piece.count);
      piece.runs.push_back(ShardRun{run.logical, run.local, count});
      piece.count += count;
      run = ShardRun{run.logical + count, run.local + count, run.count - count};
    }
  });
  flush();
  return status;
}

// The pieces of one tensor with their place in it and in the buffer; copy(piece, device bytes, host bytes, size).
template <class Copy>
Status for_each_transfer(RankEnv& env, const ParameterSpec& spec, Tensor tensor, const Copy& copy) {
  const size_t width = dtype_bytes(tensor.dtype);
  const auto buffer = std::make_unique_for_overwrite<char[]>(std::min(kTransferBytes, tensor.size_bytes()));
  return for_each_piece(spec, env.tensor_rank, env.tensor_size, static_cast<int64_t>(kTransferBytes / width),
                        [&](const Piece& piece) {
                          if (env.context->heartbeat != nullptr) env.context->heartbeat->tick();
                          return copy(piece, tensor.as<char>() + static_cast<size_t>(piece.begin) * width, buffer.get(),
                                      static_cast<size_t>(piece.count) * width);
                        });
}

// Writes what the rank holds of `spec` to `tensor`: fill(run, to) puts run.count elements, from run.logical on, to
// `to`.
template <class Fill>
Status upload(RankEnv& env, const ParameterSpec& spec, Tensor tensor, const Fill& fill) {
  const size_t width = dtype_bytes(tensor.dtype);
  return for_each_transfer(env, spec, tensor, [&](const Piece& piece, char* to, char* buffer, size_t bytes) {
    for (const ShardRun& run : piece.runs) fill(run, buffer + static_cast<size_t>(run.local - piece.begin) * width);
    return env.context->device->to_device(*env.context, to, buffer, bytes);
  });
}

// Reads it: take(run, from) is given run.count elements, from run.logical on, at `from`.
template <class Take>
Status download(RankEnv& env, const ParameterSpec& spec, Tensor tensor, const Take& take) {
  const size_t width = dtype_bytes(tensor.dtype);
  Device& device = *env.context->device;
  return for_each_transfer(env, spec, tensor,
                           [&](const Piece& piece, char* from, char* buffer, size_t bytes) -> Status {
                             MR_RETURN_IF_ERROR(device.to_host(*env.context, buffer, from, bytes));
                             MR_RETURN_IF_ERROR(device.wait(*env.context));
                             for (const ShardRun& run : piece.runs)
                               take(run, buffer + static_cast<size_t>(run.local - piece.begin) * width);
                             return ok();
                           });
}

}  // namespace millrace

#endif  // MILLRACE_MODEL_TRANSFER_H_
