#include "comm/nccl_tree.h"

#include <algorithm>

namespace millrace {

ncclDataType_t nccl_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return ncclFloat32;
    case DType::kF64:
      return ncclFloat64;
    case DType::kBF16:
      return ncclBfloat16;
    case DType::kF16:
      return ncclFloat16;
    case DType::kI32:
      return ncclInt32;
    case DType::kI64:
      return ncclInt64;
  }
  return ncclFloat32;
}

template <class Send, class Receive>
Status NcclTree::exchange(Context& context, DType dtype, const Send& send, const Receive& receive) {
  const ncclDataType_t type = nccl_type(dtype);
  const cudaStream_t stream = context.stream->handle;
  return link_.enqueue("an exchange of parts", context.heartbeat, [&](ncclComm_t comm) {
    ncclResult_t result = nccl_.GroupStart();
    if (result != ncclSuccess) return result;
    const auto note = [&result](ncclResult_t other) {
      if (result == ncclSuccess && other != ncclInProgress) result = other;
    };
    for (int peer = 0; peer < num_ranks_; ++peer) {
      if (peer == rank_) continue;
      const Part out = send(peer), in = receive(peer);
      if (out.count > 0) note(nccl_.Send(out.data, static_cast<size_t>(out.count), type, peer, comm, stream));
      if (in.count > 0) note(nccl_.Recv(in.data, static_cast<size_t>(in.count), type, peer, comm, stream));
    }
    const ncclResult_t ended = nccl_.GroupEnd();
    return result == ncclSuccess ? ended : result;
  });
}

template <class PartOf>
Status NcclTree::reduce(Context& context, const Call& call, const PartOf& part_of, void* to) {
  const Part own = part_of(rank_);
  const size_t bytes = static_cast<size_t>(own.count) * dtype_bytes(call.dtype);
  // The others' parts one behind the other, without a place for its own.
  const auto received = [&](int peer) {
    const size_t index = static_cast<size_t>(peer < rank_ ? peer : peer - 1);
    return Part{context.gathered.as<char>() + index * bytes, own.count};
  };
  MR_RETURN_IF_ERROR(exchange(context, call.dtype, part_of, received));
  for (int peer = 0; peer < num_ranks_; ++peer) {
    reduction_.sources[peer] = peer == rank_ ? own.data : received(peer).data;
  }
  reduction_.destinations[0] = to;
  reduction_.num_sources = num_ranks_;
  reduction_.num_destinations = 1;
  reduction_.op = call.op;
  reduction_.offset = 0;
  reduction_.range = ElementRange{0, own.count};
  return own.count == 0 ? ok() : enqueue_reduction(*context.stream, call.dtype, reduction_);
}

int64_t NcclTree::capacity(const Context& context, DType dtype) const {
  return static_cast<int64_t>(context.gathered.size_bytes() / dtype_bytes(dtype)) / (num_ranks_ - 1);
}

Status NcclTree::all_reduce(Context& context, const Call& call) {
  const size_t width = dtype_bytes(call.dtype);
  // As many lines a rank as fit: a piece of so many for each has no slice with more (comm/reduce.h).
  const int64_t piece = capacity(context, call.dtype) / kLineElements * kLineElements * num_ranks_;
  MR_CHECK(piece > 0);
  for (int64_t begin = 0; begin < call.count; begin += piece) {
    char* const buffer = static_cast<char*>(call.buffer) + static_cast<size_t>(begin) * width;
    const int64_t count = std::min(piece, call.count - begin);
    const auto part_of = [&](int peer) {
      const ElementRange slice = slice_of(count, peer, num_ranks_);
      return Part{buffer + static_cast<size_t>(slice.begin) * width, slice.end - slice.begin};
    };
    const Part own = part_of(rank_);
    MR_RETURN_IF_ERROR(reduce(context, call, part_of, own.data));
    MR_RETURN_IF_ERROR(exchange(
        context, call.dtype, [&](int) { return own; }, part_of));
  }
  return ok();
}

Status NcclTree::reduce_scatter(Context& context, const Call& call) {
  const size_t width = dtype_bytes(call.dtype);
  const int64_t share = call.count / num_ranks_;
  const int64_t piece = capacity(context, call.dtype);
  MR_CHECK(piece > 0);
  for (int64_t begin = 0; begin < share; begin += piece) {
    const int64_t count = std::min(piece, share - begin);
    const auto part_of = [&](int peer) {
      return Part{static_cast<char*>(call.buffer) + static_cast<size_t>(peer * share + begin) * width, count};
    };
    MR_RETURN_IF_ERROR(
        reduce(context, call, part_of, static_cast<char*>(call.out) + static_cast<size_t>(begin) * width));
  }
  return ok();
}

}  // namespace millrace
