#include "emulator/nccl_processes.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace emulator {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kPatience{300};

}  // namespace

std::string ProcessClique::make_folder() {
  static std::atomic<int> number{0};
  const fs::path folder = fs::temp_directory_path() /
                          ("millrace-nccl-" + std::to_string(::getpid()) + "-" + std::to_string(number.fetch_add(1)));
  fs::create_directories(folder);
  return folder.string();
}

// What this rank said stays until all have heard it.
ProcessClique::~ProcessClique() {
  std::vector<std::string> all;
  std::error_code ignored;
  say("gone", "");
  if (heard("gone", &all)) fs::remove_all(folder_, ignored);
}

std::string ProcessClique::path_of(const std::string& name, int rank) const {
  return folder_ + "/" + name + "." + std::to_string(rank);
}

// Under another name first, so that nobody reads half of it.
void ProcessClique::say(const std::string& name, const std::string& bytes) {
  const std::string path = path_of(name, rank_);
  {
    std::ofstream file(path + ".partial", std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::error_code ignored;  // when the others have given up, the folder may be gone
  fs::rename(path + ".partial", path, ignored);
}

bool ProcessClique::heard(const std::string& name, std::vector<std::string>* all) const {
  all->clear();
  for (int rank = 0; rank < size_; ++rank) {
    std::ifstream file(path_of(name, rank), std::ios::binary);
    if (!file) return false;
    std::ostringstream bytes;
    bytes << file.rdbuf();
    all->push_back(bytes.str());
  }
  return true;
}

Gathered ProcessClique::gather(uint64_t number, const std::string& own, std::vector<std::string>* all) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  say("call" + std::to_string(number), own);
  while (!heard("call" + std::to_string(number), all)) {
    if (ended_) return Gathered::kEnded;
    if (std::chrono::steady_clock::now() > deadline) return Gathered::kNobodyCame;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  // All have come to this one, so all have read the one before.
  if (number > 0) {
    std::error_code ignored;
    fs::remove(path_of("call" + std::to_string(number - 1), rank_), ignored);
  }
  return Gathered::kAll;
}

}  // namespace emulator
