// A file as memory, read-only.
#ifndef MILLRACE_TRAIN_MAPPED_FILE_H_
#define MILLRACE_TRAIN_MAPPED_FILE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "core/status.h"

namespace millrace {

class MappedFile {
 public:
  // MR_IO, naming the file and the cause, when there is no such file or it is none that can be mapped.
  static Status open(const std::string& path, std::unique_ptr<MappedFile>* out);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedFile() = default;

  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_MAPPED_FILE_H_
