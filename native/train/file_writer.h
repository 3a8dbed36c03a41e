// A new file, written in order and seen whole or not at all: it grows as `path`.partial and takes its name when all of
// it is on disk. What a killed process leaves never has the name.
#ifndef MILLRACE_TRAIN_FILE_WRITER_H_
#define MILLRACE_TRAIN_FILE_WRITER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"

namespace millrace {

class FileWriter {
 public:
  // Creates or empties `path`.partial. Every error of this class is MR_IO and names file and cause.
  static Status create(const std::string& path, std::unique_ptr<FileWriter>* out);
  // Without a commit nothing remains.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  Status append(const void* data, size_t bytes);
  // Over bytes that have been appended; the end stays where it is.
  Status overwrite(size_t offset, const void* data, size_t bytes);
  // Flushes, waits for the disk and renames over `path`, durably.
  Status commit();

 private:
  explicit FileWriter(const std::string& path);
  Status flush();
  Status write_at(size_t offset, const char* data, size_t bytes);

  std::string path_;
  std::string partial_;
  int file_ = -1;
  std::vector<char> buffer_;
  size_t buffered_ = 0;
  size_t written_ = 0;  // before what is buffered
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_FILE_WRITER_H_
