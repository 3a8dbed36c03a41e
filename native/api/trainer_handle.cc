#include "api/trainer_handle.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "api/backend.h"
#include "api/processes.h"

static_assert(sizeof(mr_status_header) == MR_STATUS_HEADER_BYTES && sizeof(mr_status_row) == MR_STATUS_ROW_BYTES,
              "the status page's layout is read by other processes");

namespace millrace {

Status open_status_page(void* page, size_t bytes, int num_ranks, mr_status_row** rows) {
  *rows = nullptr;
  if (page == nullptr) return ok();
  const size_t ranks_end = MR_STATUS_HEADER_BYTES + MR_STATUS_ROW_BYTES * static_cast<size_t>(num_ranks);
  const size_t wanted = ranks_end + MR_STATUS_ROW_BYTES;
  if (bytes < wanted) {
    return invalid_argument("expected at least " + std::to_string(wanted) + " bytes for status_page, got " +
                            std::to_string(bytes));
  }
  if (reinterpret_cast<uintptr_t>(page) % alignof(mr_status_row) != 0) {
    return invalid_argument("expected an address aligned to 8 bytes for status_page, got an odd one");
  }
  std::memset(page, 0, ranks_end);
  auto* header = static_cast<mr_status_header*>(page);
  header->version = 1;
  header->num_ranks = static_cast<uint32_t>(num_ranks);
  header->process_id = static_cast<uint64_t>(::getpid());
  *rows = reinterpret_cast<mr_status_row*>(static_cast<char*>(page) + MR_STATUS_HEADER_BYTES);
  // Last: a reader that sees the magic sees the rest.
  std::atomic_ref<uint64_t>(header->magic).store(MR_STATUS_MAGIC, std::memory_order_release);
  return ok();
}

Status RanksHere::find(const TrainerConfig& config, RanksHere* out) {
  *out = RanksHere{0, config.world(), 0, config.world()};
  if (!config.processes) return ok();
  mr_process process;
  MR_RETURN_IF_ERROR(find_process(&process));
  *out = RanksHere{process.rank, 1, process.local_rank, process.num_local_ranks};
  return ok();
}

}  // namespace millrace

using millrace::Rank;
using millrace::Status;

mr_trainer::mr_trainer(const millrace::TrainerConfig& config, const millrace::RanksHere& here, mr_status_row* rows)
    : config_(config), here_(here), threads_(here.count) {
  ranks_.resize(static_cast<size_t>(here.count));
  for (int r = 0; r < here.count; ++r) heartbeats_.emplace_back(rows == nullptr ? nullptr : rows + r);
}

mr_trainer::~mr_trainer() {
  (void)threads_.run([this](int r) {
    ranks_[static_cast<size_t>(r)].reset();
    return millrace::ok();
  });
}

Status mr_trainer::create_ranks(const millrace::OpTable& ops) {
  MR_RETURN_IF_ERROR(
      mesh_.create(ops, config_.tensor_parallel, config_.data_parallel, config_.verify_parallel, config_.processes));
  return threads_.run([&](int r) -> Status {
    const size_t i = static_cast<size_t>(r);
    std::shared_ptr<millrace::Device> device;
    MR_RETURN_IF_ERROR(millrace::open_device(ops, here_.number_on_machine + r, here_.on_machine, &device));
    return Rank::create(config_, ops, mesh_.place_of(here_.first + r), std::move(device), &heartbeats_[i],
                        millrace::ParallelPolicy::standard(), &ranks_[i]);
  });
}

Status mr_trainer::need_all_ranks(const char* call) const {
  if (!config_.processes) return millrace::ok();
  return millrace::invalid_argument("expected ranks that are threads of one process for " + std::string(call) +
                                    ", got processes");
}

Status mr_trainer::run_together(const std::function<Status(Rank&)>& work) {
  if (!failure_.ok()) return failure_;
  const Status status = threads_.run([&](int r) { return ranks_[static_cast<size_t>(r)]->run(true, work); });
  if (!status.ok()) failure_ = Status(MR_COMM, "the trainer has failed before: " + status.message());
  return status;
}

const std::vector<mr_op_time>& mr_trainer::keep_profile(std::vector<millrace::OpTime> times) {
  profile_ = std::move(times);
  profile_rows_.clear();
  for (const millrace::OpTime& time : profile_) {
    profile_rows_.push_back(mr_op_time{time.name.c_str(), time.calls, time.seconds});
  }
  return profile_rows_;
}

Status mr_trainer::settled(const char* call) const {
  const int outstanding = ranks_.front()->num_outstanding();
  if (outstanding == 0 || !failure_.ok()) return millrace::ok();
  return millrace::invalid_argument("expected every submitted step to be collected before " + std::string(call) +
                                    ", got " + std::to_string(outstanding) + " outstanding");
}

Status mr_trainer::run_apart(const std::function<Status(Rank&)>& work) {
  if (!failure_.ok()) return failure_;
  return threads_.run([&](int r) { return ranks_[static_cast<size_t>(r)]->run(false, work); });
}
