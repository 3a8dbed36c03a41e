#include "emulator/device_memory.h"

#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "emulator/emulator.h"

namespace emulator {

namespace {

constexpr int kMostGpus = 64;
constexpr size_t kAlignment = 256;  // of cudaMalloc
// Whole large pages, so that opening and closing them is quick; the guard before and after is of the same size.
constexpr size_t kPage = size_t{2} << 20;
constexpr unsigned char kPadding = 0xa5;

//   map_begin      pages          memory                    pages + page_bytes    map_begin + map_bytes
//   | not touchable | padding ... | bytes | padding to 256 | not touchable         |
struct Allocation {
  int gpu;
  size_t bytes;
  char* map_begin;
  size_t map_bytes;
  char* pages;
  size_t page_bytes;
};

struct Registry {
  std::mutex mutex;
  std::map<uintptr_t, Allocation> device;  // by beginning
  std::map<uintptr_t, size_t> pinned;
  std::array<size_t, kMostGpus> used{};
  std::array<int, kMostGpus> users{};
  std::array<uint64_t, kMostGpus> peers{};  // bit p: may reach GPU p
};

// Never destroyed: threads may outlive static objects.
Registry& registry() {
  static Registry* one = new Registry;
  return *one;
}

bool guarded() { return settings().guard; }

void protect(const Allocation& allocation, bool open) {
  if (mprotect(allocation.pages, allocation.page_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
    std::perror("emulator: mprotect");
    std::abort();
  }
}

size_t rounded(size_t value, size_t to) { return (value + to - 1) / to * to; }

// Requires open pages.
void check_padding(uintptr_t begin, const Allocation& allocation) {
  const auto intact = [](const char* from, const char* to) {
    for (; from != to; ++from) {
      if (static_cast<unsigned char>(*from) != kPadding) return false;
    }
    return true;
  };
  const char* memory = reinterpret_cast<const char*>(begin);
  // Before the memory only the nearest bytes: the rest of a large page may be large.
  const char* before = memory - allocation.pages < 4096 ? allocation.pages : memory - 4096;
  const bool below = intact(before, memory);
  if (below && intact(memory + allocation.bytes, allocation.pages + allocation.page_bytes)) return;
  std::fprintf(stderr, "emulator: something wrote %s an allocation of %zu bytes on GPU %d\n",
               below ? "past the end of" : "before the beginning of", allocation.bytes, allocation.gpu);
  std::abort();
}

}  // namespace

void* allocate_on(int gpu, size_t bytes) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const size_t own = rounded(bytes == 0 ? 1 : bytes, kAlignment);
  if (all.used[static_cast<size_t>(gpu)] + own > settings().memory_bytes) return nullptr;
  Allocation allocation{};
  allocation.gpu = gpu;
  allocation.bytes = bytes;
  allocation.page_bytes = rounded(own, kPage);
  allocation.map_bytes = allocation.page_bytes + 3 * kPage;
  void* map = mmap(nullptr, allocation.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  allocation.map_begin = static_cast<char*>(map);
  allocation.pages = reinterpret_cast<char*>(rounded(reinterpret_cast<uintptr_t>(map) + kPage, kPage));
  protect(allocation, true);
  if (own >= kPage / 2) (void)madvise(allocation.pages, allocation.page_bytes, MADV_HUGEPAGE);
  char* memory = allocation.pages + allocation.page_bytes - own;
  char* before = memory - allocation.pages < 4096 ? allocation.pages : memory - 4096;
  std::memset(before, kPadding, static_cast<size_t>(memory - before));
  std::memset(memory, 0xff, bytes);
  std::memset(memory + bytes, kPadding, own - bytes);
  if (guarded() && all.users[static_cast<size_t>(gpu)] == 0) protect(allocation, false);
  all.used[static_cast<size_t>(gpu)] += own;
  all.device.emplace(reinterpret_cast<uintptr_t>(memory), allocation);
  return memory;
}

bool release_device_memory(void* memory) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.device.find(reinterpret_cast<uintptr_t>(memory));
  if (found == all.device.end()) return false;
  const Allocation allocation = found->second;
  protect(allocation, true);
  check_padding(found->first, allocation);
  all.used[static_cast<size_t>(allocation.gpu)] -= rounded(allocation.bytes == 0 ? 1 : allocation.bytes, kAlignment);
  all.device.erase(found);
  (void)munmap(allocation.map_begin, allocation.map_bytes);
  return true;
}

size_t free_bytes_of(int gpu) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return settings().memory_bytes - all.used[static_cast<size_t>(gpu)];
}

void* allocate_pinned(size_t bytes) {
  void* memory = std::aligned_alloc(4096, rounded(bytes == 0 ? 1 : bytes, 4096));
  if (memory == nullptr) return nullptr;
  std::memset(memory, 0xff, bytes);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.pinned.emplace(reinterpret_cast<uintptr_t>(memory), bytes);
  return memory;
}

bool release_pinned(void* memory) {
  Registry& all = registry();
  {
    const std::lock_guard lock(all.mutex);
    if (all.pinned.erase(reinterpret_cast<uintptr_t>(memory)) == 0) return false;
  }
  std::free(memory);
  return true;
}

Place place_of(const void* address) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  auto device = all.device.upper_bound(at);
  if (device != all.device.begin()) {
    --device;
    if (at < device->first + device->second.bytes) return Place::kDevice;
  }
  auto pinned = all.pinned.upper_bound(at);
  if (pinned != all.pinned.begin()) {
    --pinned;
    if (at < pinned->first + pinned->second) return Place::kPinned;
  }
  return Place::kHost;
}

std::string check_range(const void* address, size_t bytes) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  auto found = all.device.upper_bound(at);
  if (found == all.device.begin()) return "not device memory";
  --found;
  if (at >= found->first + found->second.bytes) return "not device memory";
  if (at + bytes <= found->first + found->second.bytes) return {};
  return std::to_string(at + bytes - found->first - found->second.bytes) + " bytes past the end of an allocation of " +
         std::to_string(found->second.bytes) + " bytes";
}

// Called by a signal handler of a thread that does not hold the lock: no code under it touches device memory but pages
// that it has opened.
std::string describe_address(uintptr_t address) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& [begin, allocation] : all.device) {
    const uintptr_t map_begin = reinterpret_cast<uintptr_t>(allocation.map_begin);
    if (address < map_begin || address >= map_begin + allocation.map_bytes) continue;
    const std::string whole =
        " an allocation of " + std::to_string(allocation.bytes) + " bytes on GPU " + std::to_string(allocation.gpu);
    if (address < begin) return std::to_string(begin - address) + " bytes before" + whole;
    if (address < begin + allocation.bytes) return "byte " + std::to_string(address - begin) + " of" + whole;
    return std::to_string(address - begin - allocation.bytes) + " bytes past the end of" + whole;
  }
  return {};
}

DeviceAccess::DeviceAccess(int gpu) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  gpus_ = all.peers[static_cast<size_t>(gpu)] | uint64_t{1} << gpu;
  if (!guarded()) return;
  uint64_t opened = 0;
  for (int i = 0; i < kMostGpus; ++i) {
    if ((gpus_ >> i & 1u) != 0 && all.users[static_cast<size_t>(i)]++ == 0) opened |= uint64_t{1} << i;
  }
  if (opened == 0) return;
  for (const auto& [begin, allocation] : all.device) {
    if ((opened >> allocation.gpu & 1u) != 0) protect(allocation, true);
  }
}

DeviceAccess::~DeviceAccess() {
  if (!guarded()) return;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  uint64_t closed = 0;
  for (int i = 0; i < kMostGpus; ++i) {
    if ((gpus_ >> i & 1u) != 0 && --all.users[static_cast<size_t>(i)] == 0) closed |= uint64_t{1} << i;
  }
  if (closed == 0) return;
  for (const auto& [begin, allocation] : all.device) {
    if ((closed >> allocation.gpu & 1u) != 0) protect(allocation, false);
  }
}

bool enable_peer(int gpu, int peer) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  uint64_t& peers = all.peers[static_cast<size_t>(gpu)];
  const uint64_t bit = uint64_t{1} << peer;
  if ((peers & bit) != 0) return false;
  peers |= bit;
  return true;
}

}  // namespace emulator
