// A communicator that writes down what passes through it: which collectives a step makes, of how many elements.
#ifndef MILLRACE_TEST_RECORDING_COMMUNICATOR_H_
#define MILLRACE_TEST_RECORDING_COMMUNICATOR_H_

#include <string>
#include <vector>

#include "comm/communicator.h"

namespace millrace::testing {

class RecordingCommunicator : public Communicator {
 public:
  struct Record {
    std::string kind;       // "sum", "max", "all_gather", ...
    std::string operation;  // "layer 0 attention g forward"
    int64_t count = 0;      // elements
    bool operator==(const Record&) const = default;
  };

  // `inner` is borrowed.
  explicit RecordingCommunicator(Communicator* inner) : inner_(inner) {}

  const std::vector<Record>& records() const { return records_; }
  void forget() { records_.clear(); }

  int rank() const override { return inner_->rank(); }
  int num_ranks() const override { return inner_->num_ranks(); }
  Status all_reduce(Context& context, Tensor buffer, ReduceOp op, const char* operation, Event* done) override {
    records_.push_back({op == ReduceOp::kSum ? "sum" : "max", operation, buffer.num_elements()});
    return inner_->all_reduce(context, buffer, op, operation, done);
  }
  Status all_gather(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) override {
    records_.push_back({"all_gather", operation, buffer.num_elements()});
    return inner_->all_gather(context, out, buffer, operation, done);
  }
  Status reduce_scatter(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) override {
    records_.push_back({"reduce_scatter", operation, buffer.num_elements()});
    return inner_->reduce_scatter(context, out, buffer, operation, done);
  }
  Status broadcast(Context& context, Tensor buffer, int root, const char* operation, Event* done) override {
    records_.push_back({"broadcast", operation, buffer.num_elements()});
    return inner_->broadcast(context, buffer, root, operation, done);
  }
  Status barrier(Context& context, const char* operation) override {
    records_.push_back({"barrier", operation, 0});
    return inner_->barrier(context, operation);
  }
  void abort(const Status& reason) override { inner_->abort(reason); }
  Status status() override { return inner_->status(); }
  uint64_t num_collectives() const override { return inner_->num_collectives(); }

 private:
  Communicator* inner_;
  std::vector<Record> records_;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_RECORDING_COMMUNICATOR_H_
