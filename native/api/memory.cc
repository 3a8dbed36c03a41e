// Implements millrace/memory.h with POSIX mmap.
#include "millrace/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "api/last_error.h"

namespace {

using millrace::Status;

// Closes the descriptor when the block ends: a mapping outlives it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status io_error(const char* action, const char* path) {
  const int cause = errno;
  return Status(MR_IO, std::string("expected to ") + action + " " + path + ", got: " + std::strerror(cause));
}

Status map(const char* path, int fd, size_t size_bytes, int protection, int flags, void** data) {
  void* mapped = mmap(nullptr, size_bytes, protection, flags, fd, 0);
  if (mapped == MAP_FAILED) return io_error("map", path);
  *data = mapped;
  return millrace::ok();
}

Status map_file(const char* path, void** data, size_t* size_bytes) {
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return io_error("open", path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return io_error("read the size of", path);
  if (!S_ISREG(info.st_mode))
    return Status(MR_IO, std::string("expected a regular file at ") + path + ", got another kind");
  const size_t size = static_cast<size_t>(info.st_size);
  if (size == 0) {
    *data = nullptr;
  } else {
    MR_RETURN_IF_ERROR(map(path, file.get(), size, PROT_READ, MAP_PRIVATE, data));
  }
  *size_bytes = size;
  return millrace::ok();
}

Status map_file_writable(const char* path, size_t size_bytes, void** data) {
  if (size_bytes == 0)
    return millrace::invalid_argument(std::string("expected a size of at least 1 for ") + path + ", got 0");
  const Descriptor file(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return io_error("create", path);
  // To nothing and back: old contents must not show through.
  if (ftruncate(file.get(), 0) != 0 || ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) {
    return io_error("set the size of", path);
  }
  return map(path, file.get(), size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, data);
}

}  // namespace

extern "C" {

mr_code mr_map_file(const char* path, void** data, size_t* size_bytes) {
  return millrace::report(map_file(path, data, size_bytes));
}

mr_code mr_map_file_writable(const char* path, size_t size_bytes, void** data) {
  return millrace::report(map_file_writable(path, size_bytes, data));
}

void mr_unmap(void* data, size_t size_bytes) {
  if (data != nullptr) munmap(data, size_bytes);
}

}  // extern "C"
