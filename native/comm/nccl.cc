#include "comm/nccl.h"

#include <string>

#include "cuda/libraries.h"

namespace millrace {

namespace {

// The first with communicators that do not block, as ncclGetVersion() numbers it.
constexpr int kOldestVersion = 21400;

struct Loaded {
  Nccl nccl;
  Status status;
};

Status check_version(const Nccl& nccl) {
  int version = 0;
  MR_RETURN_IF_ERROR(nccl_status(nccl, nccl.GetVersion(&version), nullptr, "ncclGetVersion"));
  if (version >= kOldestVersion) return ok();
  return Status(MR_NO_DEVICE, "expected NCCL 2.14 or newer, found version number " + std::to_string(version));
}

Loaded load() {
  Loaded loaded;
  cuda::Library file;
  loaded.status = cuda::Library::open("libnccl.so.2", &file);
#define MR_NCCL_LOAD(name) \
  if (loaded.status.ok()) loaded.status = file.find("nccl" #name, &loaded.nccl.name);
  MR_NCCL_FUNCTIONS(MR_NCCL_LOAD)
#undef MR_NCCL_LOAD
  if (loaded.status.ok()) loaded.status = check_version(loaded.nccl);
  return loaded;
}

}  // namespace

Status load_nccl(const Nccl** out) {
  static const Loaded loaded = load();
  MR_RETURN_IF_ERROR(loaded.status);
  *out = &loaded.nccl;
  return ok();
}

Status nccl_status(const Nccl& nccl, ncclResult_t result, ncclComm_t comm, const char* call) {
  if (result == ncclSuccess) return ok();
  std::string sentence = std::string("NCCL: ") + call + " failed: " + nccl.GetErrorString(result);
  const char* detail = nccl.GetLastError(comm);
  if (detail != nullptr && *detail != '\0') sentence += std::string(" (") + detail + ")";
  return Status(MR_COMM, sentence);
}

}  // namespace millrace
