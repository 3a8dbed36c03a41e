#include "cuda/gemm_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

namespace millrace::cuda {

namespace {

constexpr char kMagic[] = "millrace gemm 1 ";
constexpr size_t kHashDigits = 16;

std::string hash_of(const std::string& owner, const std::string& line) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const std::string* text : {&owner, &line}) {
    for (const char c : *text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  char digits[kHashDigits + 1];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string cache_folder() {
  if (const std::string folder = environment("MILLRACE_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = environment("XDG_CACHE_HOME"); !folder.empty()) return folder + "/millrace";
  if (const std::string folder = environment("HOME"); !folder.empty()) return folder + "/.cache/millrace";
  return "";
}

// Of all who write into the folder of `path`, which it makes, one at a time. Where there can be no lock there is none.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path) {
    if (path.empty()) return;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code ignored;  // whoever writes there meets it again
    std::filesystem::create_directories(folder, ignored);
    folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ >= 0) (void)::flock(folder_, LOCK_EX);
  }
  ~FolderLock() {
    if (folder_ >= 0) (void)::close(folder_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace

GemmCache::GemmCache(std::string path, std::string owner) : path_(std::move(path)), owner_(std::move(owner)) {
  entries_ = read();
}

bool GemmCache::find(const std::string& key, std::string* value) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return false;
  *value = entry->second;
  return true;
}

std::string GemmCache::put(const std::string& key, const std::string& value) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto entry = entries_.find(key); entry != entries_.end()) return entry->second;
  // Ranks may be processes: what another has written down since stands for this one too.
  const FolderLock others(path_);
  entries_.merge(read());
  const auto [entry, added] = entries_.emplace(key, value);
  if (added) write();
  return entry->second;
}

GemmCache::Entries GemmCache::read() const {
  Entries entries;
  std::ifstream file(path_);
  std::string line;
  if (path_.empty() || !std::getline(file, line) || line != kMagic + owner_) return entries;
  while (std::getline(file, line)) {
    if (line.size() <= kHashDigits + 1) continue;
    const std::string rest = line.substr(kHashDigits + 1);
    const size_t tab = rest.find('\t');
    if (tab == std::string::npos || line.substr(0, kHashDigits) != hash_of(owner_, rest)) continue;
    entries[rest.substr(0, tab)] = rest.substr(tab + 1);
  }
  return entries;
}

// Failing to keep what was found costs the next run some seconds, so it is no reason to end this one.
void GemmCache::write() const {
  if (path_.empty()) return;
  static std::atomic<unsigned> counter{0};
  const std::string aside = path_ + "." + std::to_string(getpid()) + "." + std::to_string(counter++);
  std::error_code error;
  {
    std::ofstream file(aside, std::ios::trunc);
    file << kMagic << owner_ << '\n';
    for (const auto& [key, value] : entries_) {
      const std::string rest = key + '\t' + value;
      file << hash_of(owner_, rest) << ' ' << rest << '\n';
    }
    file.flush();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(aside, path_, error);
  if (error) std::filesystem::remove(aside, error);
}

GemmCache& gemm_cache(const std::string& gpu, size_t version) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<GemmCache>> caches;
  const std::string owner = gpu + ", cuBLASLt " + std::to_string(version);
  std::string file;
  for (const char c : owner) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      file.push_back(c);
    else if (!file.empty() && file.back() != '-')
      file.push_back('-');
  }
  const std::string folder = cache_folder();
  const std::string path = folder.empty() ? "" : folder + "/gemm-" + file + ".txt";
  const std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<GemmCache>& cache = caches[path];
  if (cache == nullptr) cache = std::make_unique<GemmCache>(path, owner);
  return *cache;
}

}  // namespace millrace::cuda
