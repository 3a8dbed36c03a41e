// How ranks of the emulated NCCL meet when each is a process of this machine: by files in a folder that the unique id
// names, since no process sees another's memory. Slow, and in no hurry to be otherwise.
#ifndef MILLRACE_EMULATOR_NCCL_PROCESSES_H_
#define MILLRACE_EMULATOR_NCCL_PROCESSES_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace emulator {

enum class Gathered { kAll, kEnded, kNobodyCame };

class ProcessClique {
 public:
  // A new one's folder, which fits into a unique id.
  static std::string make_folder();

  ProcessClique(std::string folder, int rank, int size) : folder_(std::move(folder)), rank_(rank), size_(size) {}
  // The last one removes the folder.
  ~ProcessClique();
  ProcessClique(const ProcessClique&) = delete;
  ProcessClique& operator=(const ProcessClique&) = delete;

  // Says something once under a name, and what all have said under it; false while somebody has not.
  void say(const std::string& name, const std::string& bytes);
  bool heard(const std::string& name, std::vector<std::string>* all) const;

  // The bytes of all ranks for one collective; waits for them, until the clique is ended or its patience.
  Gathered gather(uint64_t number, const std::string& own, std::vector<std::string>* all);
  void end() { ended_ = true; }

 private:
  std::string path_of(const std::string& name, int rank) const;

  const std::string folder_;
  const int rank_, size_;
  std::atomic<bool> ended_{false};
};

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_NCCL_PROCESSES_H_
