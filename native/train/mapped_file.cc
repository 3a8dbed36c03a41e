#include "train/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace millrace {

namespace {

Status io_error(const char* what, const std::string& path, int code) {
  return Status(MR_IO, std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(code));
}

// The descriptor of an open file, closed at the end of the scope: a mapping does not need it.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

Status MappedFile::open(const std::string& path, std::unique_ptr<MappedFile>* out) {
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.value < 0) return io_error("open", path, errno);
  struct stat info {};
  if (::fstat(descriptor.value, &info) != 0) return io_error("read the size of", path, errno);
  if (!S_ISREG(info.st_mode)) return Status(MR_IO, "expected a file at " + path + ", got something else");
  std::unique_ptr<MappedFile> file(new MappedFile);
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ > 0) {
    void* data = ::mmap(nullptr, file->size_, PROT_READ, MAP_SHARED, descriptor.value, 0);
    if (data == MAP_FAILED) return io_error("map", path, errno);
    file->data_ = static_cast<const char*>(data);
  }
  *out = std::move(file);
  return ok();
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace millrace
