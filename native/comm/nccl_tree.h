// Reductions by the tree of comm/reduce.h between ranks that NCCL joins, with the bits of all other communicators: the
// library only moves bytes, every rank adds up its slice of a piece and sends the sum to all.
#ifndef MILLRACE_COMM_NCCL_TREE_H_
#define MILLRACE_COMM_NCCL_TREE_H_

#include "comm/call.h"
#include "comm/device_reduce.h"
#include "comm/nccl_link.h"

namespace millrace {

class NcclTree {
 public:
  // `link` outlives this object and is connected before the first reduction; at most DeviceReduction::kMostRanks.
  NcclTree(const Nccl& nccl, NcclLink& link, int rank, int num_ranks)
      : nccl_(nccl), link_(link), rank_(rank), num_ranks_(num_ranks) {}

  // Enqueued on the context's stream, piece by piece through Context::gathered, whose size bounds a piece.
  Status all_reduce(Context&, const Call&);
  Status reduce_scatter(Context&, const Call&);

 private:
  struct Part {
    char* data;
    int64_t count;  // elements
  };

  // send(peer) goes to that peer, what it sends to this rank goes to receive(peer): Parts.
  template <class Send, class Receive>
  Status exchange(Context&, DType, const Send& send, const Receive& receive);
  // to(count) = the reduction of what all ranks have as this rank's part.
  template <class PartOf>
  Status reduce(Context&, const Call&, const PartOf& part_of, void* to);
  // Elements of one rank that the scratch holds of all others.
  int64_t capacity(const Context&, DType) const;

  const Nccl& nccl_;
  NcclLink& link_;
  const int rank_;
  const int num_ranks_;
  DeviceReduction reduction_{};
};

// How the library names the elements.
ncclDataType_t nccl_type(DType dtype);

}  // namespace millrace

#endif  // MILLRACE_COMM_NCCL_TREE_H_
