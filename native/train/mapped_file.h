// A file as memory: read-only, or made new, written and made durable. Space is reserved before it is mapped, so that a
// full disk is an error here and not a fault in the midst of a copy.
#ifndef MILLRACE_TRAIN_MAPPED_FILE_H_
#define MILLRACE_TRAIN_MAPPED_FILE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "core/heartbeat.h"
#include "core/status.h"

namespace millrace {

class MappedFile {
 public:
  static Status open_read(const std::string& path, std::unique_ptr<MappedFile>* out);
  // An existing file of the right size, to be written to.
  static Status open_write(const std::string& path, std::unique_ptr<MappedFile>* out);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  // Returns when what was written, by any process, is on disk. `heartbeat` ticks meanwhile; may be null.
  Status sync(Heartbeat* heartbeat);

 private:
  MappedFile() = default;
  static Status open(const std::string& path, bool writable, std::unique_ptr<MappedFile>* out);

  std::string path_;
  int file_ = -1;
  char* data_ = nullptr;
  size_t size_ = 0;
};

// Creates or empties the file and reserves `size` bytes of disk for it. `heartbeat` ticks meanwhile; may be null.
Status reserve_file(const std::string& path, size_t size, Heartbeat* heartbeat);
// Renames over `to` and makes the renaming durable.
Status rename_durably(const std::string& from, const std::string& to);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_MAPPED_FILE_H_
