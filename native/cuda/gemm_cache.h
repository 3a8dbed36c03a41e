// What timing has found, kept in a file for each kind of GPU and version of cuBLASLt, so that a machine measures a
// shape once and every later run takes the same algorithms. Lines of text:
//
//   millrace gemm 1 <owner>                         the first line; another owner or version: the file is made anew
//   <hash> <key>\t<value>                           hash: 16 hex digits of FNV-1a over the rest of the line and the
//   owner
//
// A line that does not match its hash is forgotten. Where no file can be written, the process remembers by itself.
#ifndef MILLRACE_CUDA_GEMM_CACHE_H_
#define MILLRACE_CUDA_GEMM_CACHE_H_

#include <map>
#include <mutex>
#include <string>

namespace millrace::cuda {

// For any number of threads. Processes share the file too: each writes it whole under another name and renames it, one
// at a time (a lock on the folder), so that the first answer stands for all of them.
class GemmCache {
 public:
  // Reads `path`; empty: nothing is read or written. `owner` is one line.
  GemmCache(std::string path, std::string owner);

  bool find(const std::string& key, std::string* value) const;
  // Adds to memory and to the file unless another thread or process was first; the value that stands.
  std::string put(const std::string& key, const std::string& value);

  const std::string& path() const { return path_; }

 private:
  using Entries = std::map<std::string, std::string>;

  Entries read() const;
  void write() const;

  const std::string path_;
  const std::string owner_;
  mutable std::mutex mutex_;
  Entries entries_;
};

// The process's cache for a GPU by name and a version of the library, in the folder MILLRACE_CACHE, or millrace in
// XDG_CACHE_HOME, or .cache/millrace in HOME.
GemmCache& gemm_cache(const std::string& gpu, size_t version);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_GEMM_CACHE_H_
