#include "train/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace millrace {

namespace {

// Of work on a whole file, so that a slow disk does not look like a rank that hangs.
constexpr size_t kPiece = size_t{32} << 20;

Status io_error(const char* what, const std::string& path, int code) {
  return Status(MR_IO, std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(code));
}

}  // namespace

Status MappedFile::open(const std::string& path, bool writable, std::unique_ptr<MappedFile>* out) {
  std::unique_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->file_ = ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (file->file_ < 0) return io_error("open", path, errno);
  struct stat info {};
  if (::fstat(file->file_, &info) != 0) return io_error("read the size of", path, errno);
  if (!S_ISREG(info.st_mode)) return Status(MR_IO, "expected a file at " + path + ", got something else");
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ > 0) {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* data = ::mmap(nullptr, file->size_, protection, MAP_SHARED, file->file_, 0);
    if (data == MAP_FAILED) return io_error("map", path, errno);
    file->data_ = static_cast<char*>(data);
  }
  *out = std::move(file);
  return ok();
}

Status MappedFile::open_read(const std::string& path, std::unique_ptr<MappedFile>* out) {
  return open(path, false, out);
}

Status MappedFile::open_write(const std::string& path, std::unique_ptr<MappedFile>* out) {
  return open(path, true, out);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
  if (file_ >= 0) ::close(file_);
}

Status MappedFile::sync(Heartbeat* heartbeat) {
  for (size_t begin = 0; begin < size_; begin += kPiece) {
    if (::msync(data_ + begin, std::min(kPiece, size_ - begin), MS_SYNC) != 0) return io_error("write", path_, errno);
    if (heartbeat != nullptr) heartbeat->tick();
  }
  if (::fsync(file_) != 0) return io_error("write", path_, errno);
  return ok();
}

Status reserve_file(const std::string& path, size_t size, Heartbeat* heartbeat) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io_error("create", path, errno);
  // A file system without the call makes the library write to every block, which takes its time.
  int code = 0;
  for (size_t begin = 0; begin < size && code == 0; begin += kPiece) {
    code = ::posix_fallocate(file, static_cast<off_t>(begin), static_cast<off_t>(std::min(kPiece, size - begin)));
    if (heartbeat != nullptr) heartbeat->tick();
  }
  ::close(file);
  if (code == 0) return ok();
  ::unlink(path.c_str());
  return io_error("reserve space for", path, code);
}

Status rename_durably(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return io_error("rename to", to, errno);
  const size_t slash = to.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : to.substr(0, slash + 1);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return io_error("open", folder, errno);
  const int code = ::fsync(directory) == 0 ? 0 : errno;
  ::close(directory);
  // Some file systems cannot sync a directory; the file itself is durable by then.
  return code == 0 || code == EINVAL ? ok() : io_error("sync", folder, code);
}

}  // namespace millrace
