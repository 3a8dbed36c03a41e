#include "train/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace millrace {

namespace {

// Small pieces are gathered into one call of this size; larger ones go past the buffer.
constexpr size_t kBufferBytes = size_t{1} << 20;

Status io_error(const char* what, const std::string& path, int code) {
  return Status(MR_IO, std::string("cannot ") + what + " " + path + ": " + std::generic_category().message(code));
}

Status sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return io_error("open", folder, errno);
  const int code = ::fsync(directory) == 0 ? 0 : errno;
  ::close(directory);
  // Some file systems cannot sync a directory; the file itself is durable by then.
  return code == 0 || code == EINVAL ? ok() : io_error("sync", folder, code);
}

}  // namespace

FileWriter::FileWriter(const std::string& path) : path_(path), partial_(path + ".partial"), buffer_(kBufferBytes) {}

Status FileWriter::create(const std::string& path, std::unique_ptr<FileWriter>* out) {
  std::unique_ptr<FileWriter> writer(new FileWriter(path));
  writer->file_ = ::open(writer->partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (writer->file_ < 0) return io_error("create", writer->partial_, errno);
  *out = std::move(writer);
  return ok();
}

FileWriter::~FileWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(partial_.c_str());
}

Status FileWriter::append(const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  if (buffered_ + bytes > buffer_.size()) MR_RETURN_IF_ERROR(flush());
  if (bytes >= buffer_.size()) {
    MR_RETURN_IF_ERROR(write_at(written_, from, bytes));
    written_ += bytes;
    return ok();
  }
  std::memcpy(buffer_.data() + buffered_, from, bytes);
  buffered_ += bytes;
  return ok();
}

Status FileWriter::overwrite(size_t offset, const void* data, size_t bytes) {
  MR_CHECK(offset <= written_ + buffered_ && bytes <= written_ + buffered_ - offset);
  MR_RETURN_IF_ERROR(flush());
  return write_at(offset, static_cast<const char*>(data), bytes);
}

Status FileWriter::commit() {
  MR_RETURN_IF_ERROR(flush());
  if (::fsync(file_) != 0) return io_error("write", partial_, errno);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) return io_error("rename to", path_, errno);
  ::close(file_);
  file_ = -1;
  return sync_folder_of(path_);
}

Status FileWriter::flush() {
  MR_RETURN_IF_ERROR(write_at(written_, buffer_.data(), buffered_));
  written_ += buffered_;
  buffered_ = 0;
  return ok();
}

Status FileWriter::write_at(size_t offset, const char* data, size_t bytes) {
  // Linux writes at most 2 GiB a call, and less when a signal or a full disk comes in between.
  for (size_t done = 0; done < bytes;) {
    const ssize_t count = ::pwrite(file_, data + done, bytes - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return io_error("write", partial_, count < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(count);
  }
  return ok();
}

}  // namespace millrace
