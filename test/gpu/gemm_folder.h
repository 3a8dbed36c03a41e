// The folder in which products keep what was timed, for tests: an own one, read and changed as text.
#ifndef MILLRACE_TEST_GPU_GEMM_FOLDER_H_
#define MILLRACE_TEST_GPU_GEMM_FOLDER_H_

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "cuda/gemm_cache.h"

namespace millrace::testing {

// The algorithms of emulator/cublas_lt.cc by number.
enum EmulatedAlgorithm { kEmulatedInPlace = 1, kEmulatedOutputType, kEmulatedAligned, kEmulatedSplit, kEmulatedAny };

class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~EnvironmentVariable() {
    if (before_.empty()) {
      unsetenv(name_);
    } else {
      setenv(name_, before_.c_str(), 1);
    }
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
  std::string before_;
};

// A process reads a file once, so whoever plays another process moves to another folder.
class GemmFolder {
 public:
  GemmFolder() : variable_("MILLRACE_CACHE", "") { enter(next()); }
  ~GemmFolder() { std::filesystem::remove_all(root()); }

  std::filesystem::path path() const { return path_; }

  // An empty one.
  void clear() { enter(next()); }

  // Another one with the same files.
  void move() {
    const std::filesystem::path from = path_, to = next();
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
    enter(to);
  }

  // All files' text.
  std::string text() const {
    std::string all;
    if (!std::filesystem::exists(path_)) return all;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::ifstream file(entry.path());
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }

  // Another one in which algorithm `kernel` of the emulator stands for every product.
  void rewrite(int kernel) {
    const std::filesystem::path from = path_, to = next();
    std::filesystem::create_directories(to);
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
      std::ifstream file(entry.path());
      std::string line;
      std::getline(file, line);
      cuda::GemmCache cache(to / entry.path().filename(), line.substr(std::string("millrace gemm 1 ").size()));
      while (std::getline(file, line)) {
        const std::string rest = line.substr(line.find(' ') + 1);
        const std::string key = rest.substr(0, rest.find('\t'));
        std::string value = rest.substr(rest.find('\t') + 1);
        if (key.starts_with("algorithm")) value[31] = static_cast<char>('0' + kernel);  // the second of its words
        cache.put(key, value);
      }
    }
    enter(to);
  }

 private:
  static std::filesystem::path root() {
    return std::filesystem::temp_directory_path() / ("millrace-gemm-test-" + std::to_string(getpid()));
  }
  static std::filesystem::path next() {
    static int number = 0;
    return root() / std::to_string(number++);
  }
  void enter(const std::filesystem::path& path) {
    path_ = path;
    setenv("MILLRACE_CACHE", path.c_str(), 1);
  }

  EnvironmentVariable variable_;
  std::filesystem::path path_;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_GEMM_FOLDER_H_
