#include "cuda/libraries.h"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

namespace millrace::cuda {

namespace {

// Folders with a slash at the end; an empty one stands for wherever the dynamic linker looks.
std::vector<std::string> folders() {
  std::vector<std::string> all;
  if (const char* listed = std::getenv("MILLRACE_CUDA_LIBRARIES")) {
    const std::string list = listed;
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = list.find(':', begin);
      const std::string folder = list.substr(begin, end - begin);
      if (!folder.empty()) all.push_back(folder + "/");
      if (end == std::string::npos) break;
      begin = end + 1;
    }
  }
  all.emplace_back();
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const char* home = std::getenv(variable);
    if (home == nullptr || *home == '\0') continue;
    all.push_back(std::string(home) + "/lib64/");
    all.push_back(std::string(home) + "/lib/");
  }
  all.emplace_back("/usr/local/cuda/lib64/");
  return all;
}

}  // namespace

Status Library::open(const char* file, Library* out) {
  std::string first_reason;
  for (const std::string& folder : folders()) {
    out->handle_ = dlopen((folder + file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (out->handle_ != nullptr) {
      out->file_ = file;
      return ok();
    }
    // dlopen says "No such file" of every folder but the one whose library is broken.
    const char* reason = dlerror();
    const std::string said = reason == nullptr ? "" : reason;
    if (first_reason.empty() || said.find("No such file") == std::string::npos) first_reason = said;
  }
  return Status(MR_NO_DEVICE, std::string("expected ") + file +
                                  " in a folder of MILLRACE_CUDA_LIBRARIES, on the linker's path or under CUDA_HOME, "
                                  "found none that loads: " +
                                  first_reason);
}

void* Library::symbol(const char* name) const { return handle_ == nullptr ? nullptr : dlsym(handle_, name); }

Status Library::missing(const char* name) const {
  return Status(MR_NO_DEVICE,
                "expected " + std::string(name) + " in " + file_ + ", found none: the version is too old");
}

}  // namespace millrace::cuda
