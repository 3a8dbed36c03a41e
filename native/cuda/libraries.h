// NVIDIA's libraries, loaded when first asked for, so that a build with CUDA also starts where they are absent. Looked
// for in the folders of MILLRACE_CUDA_LIBRARIES (separated by colons), where the dynamic linker looks, in CUDA_HOME's
// and CUDA_PATH's lib64 and lib, and in /usr/local/cuda/lib64.
#ifndef MILLRACE_CUDA_LIBRARIES_H_
#define MILLRACE_CUDA_LIBRARIES_H_

#include <string>

#include "core/status.h"

namespace millrace::cuda {

// An open library; never closed, for its threads and caches outlive any user.
class Library {
 public:
  // `file` as the linker knows it: "libcublasLt.so.13". MR_NO_DEVICE says where it was looked for. Any thread.
  static Status open(const char* file, Library* out);

  // The function `name` of the library as a pointer of the caller's type; MR_NO_DEVICE when this version has none.
  template <class Function>
  Status find(const char* name, Function** out) const {
    void* address = symbol(name);
    if (address == nullptr) return missing(name);
    *out = reinterpret_cast<Function*>(address);
    return ok();
  }

 private:
  void* symbol(const char* name) const;
  Status missing(const char* name) const;

  void* handle_ = nullptr;
  std::string file_;
};

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_LIBRARIES_H_
