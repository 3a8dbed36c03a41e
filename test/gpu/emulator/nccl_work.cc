#include "emulator/nccl_work.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/half.h"

namespace emulator::nccl {

size_t bytes_of(ncclDataType_t type) {
  switch (type) {
    case ncclFloat16:
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclFloat64:
      return 8;
  }
  return 0;
}

namespace {

using millrace::BFloat16;
using millrace::Float16;

constexpr int kGarbage = 0x3d;

size_t bytes_sent(const Work& work, size_t num_ranks) {
  return work.count * bytes_of(work.type) * (work.kind == Kind::kReduceScatter ? num_ranks : 1);
}

template <class T>
void reduce(const Work& all, size_t begin, size_t count, std::vector<char>* out) {
  out->resize(count * sizeof(T));
  T* to = reinterpret_cast<T*>(out->data());
  for (size_t i = 0; i < count; ++i) {
    T value = static_cast<const T*>(all.parts[0].from)[begin + i];
    for (size_t r = 1; r < all.parts.size(); ++r) {
      const T next = static_cast<const T*>(all.parts[r].from)[begin + i];
      if (all.op == ncclSum) {
        value = T(value + next);
      } else if (next > value) {
        value = next;
      }
    }
    to[i] = value;
  }
}

void reduce(const Work& all, size_t begin, size_t count, std::vector<char>* out) {
  switch (all.type) {
    case ncclFloat16:
      return reduce<Float16>(all, begin, count, out);
    case ncclBfloat16:
      return reduce<BFloat16>(all, begin, count, out);
    case ncclInt32:
      return reduce<int32_t>(all, begin, count, out);
    case ncclFloat32:
      return reduce<float>(all, begin, count, out);
    case ncclInt64:
      return reduce<int64_t>(all, begin, count, out);
    case ncclFloat64:
      return reduce<double>(all, begin, count, out);
  }
}

void run_collective(const Work& all) {
  const size_t bytes = all.count * bytes_of(all.type);
  std::vector<char> result;
  switch (all.kind) {
    case Kind::kAllReduce:
      reduce(all, 0, all.count, &result);
      for (const Part& part : all.parts) std::memcpy(part.to, result.data(), bytes);
      return;
    case Kind::kReduceScatter:
      // The results first: a rank may receive into what it sends.
      reduce(all, 0, all.count * all.parts.size(), &result);
      for (size_t r = 0; r < all.parts.size(); ++r) std::memcpy(all.parts[r].to, result.data() + r * bytes, bytes);
      return;
    case Kind::kAllGather:
      for (const Part& part : all.parts) {
        result.insert(result.end(), static_cast<const char*>(part.from), static_cast<const char*>(part.from) + bytes);
      }
      for (const Part& part : all.parts) std::memcpy(part.to, result.data(), result.size());
      return;
    case Kind::kBroadcast:
      for (const Part& part : all.parts) {
        std::memmove(part.to, all.parts[static_cast<size_t>(all.root)].from, bytes);
      }
      return;
    case Kind::kExchange:
      return;
  }
}

// What is sent to each rank, its size before it.
std::string pack(const Part& own, size_t num_ranks) {
  std::string packed;
  for (size_t rank = 0; rank < num_ranks; ++rank) {
    const auto found = std::find_if(own.sends.begin(), own.sends.end(),
                                    [&](const Message& each) { return each.peer == static_cast<int>(rank); });
    const uint64_t size = found == own.sends.end() ? 0 : found->bytes;
    packed.append(reinterpret_cast<const char*>(&size), sizeof(size));
    if (size > 0) packed.append(static_cast<const char*>(found->data), size);
  }
  return packed;
}

// What `packed` holds for a rank.
std::string unpack(const std::string& packed, size_t rank) {
  size_t at = 0;
  for (size_t r = 0;; ++r) {
    uint64_t size = 0;
    std::memcpy(&size, packed.data() + at, sizeof(size));
    at += sizeof(size);
    if (r == rank) return packed.substr(at, size);
    at += size;
  }
}

bool deliver(const Part& own, size_t rank, const std::vector<std::string>& packed) {
  bool expected = true;
  for (size_t peer = 0; peer < packed.size(); ++peer) {
    const std::string bytes = unpack(packed[peer], rank);
    const auto found = std::find_if(own.receives.begin(), own.receives.end(),
                                    [&](const Message& each) { return each.peer == static_cast<int>(peer); });
    const size_t wanted = found == own.receives.end() ? 0 : found->bytes;
    expected = expected && wanted == bytes.size();
    if (expected && wanted > 0) std::memcpy(found->data, bytes.data(), wanted);
  }
  return expected;
}

}  // namespace

size_t bytes_received(const Work& work, size_t num_ranks) {
  return work.count * bytes_of(work.type) * (work.kind == Kind::kAllGather ? num_ranks : 1);
}

bool run(const Work& work) {
  if (work.kind != Kind::kExchange) {
    run_collective(work);
    return true;
  }
  std::vector<std::string> packed;
  for (const Part& part : work.parts) packed.push_back(pack(part, work.parts.size()));
  bool expected = true;
  for (size_t rank = 0; rank < packed.size(); ++rank) {
    expected = deliver(work.parts[rank], rank, packed) && expected;
  }
  return expected;
}

std::string sent(const Work& work, const Part& own, size_t num_ranks) {
  if (work.kind == Kind::kExchange) return pack(own, num_ranks);
  return {static_cast<const char*>(own.from), bytes_sent(work, num_ranks)};
}

bool receive(Work work, const Part& own, size_t rank, const std::vector<std::string>& sent) {
  if (work.kind == Kind::kExchange) return deliver(own, rank, sent);
  std::vector<std::string> to(sent.size(), std::string(bytes_received(work, sent.size()), '\0'));
  work.parts.resize(sent.size());
  for (size_t r = 0; r < sent.size(); ++r) work.parts[r] = Part{sent[r].data(), to[r].data(), {}, {}};
  run_collective(work);
  std::memcpy(own.to, to[rank].data(), to[rank].size());
  return true;
}

void spoil(const Work& work, const Part& own, size_t num_ranks) {
  for (const Message& each : own.receives) std::memset(each.data, kGarbage, each.bytes);
  if (work.kind != Kind::kExchange) std::memset(own.to, kGarbage, bytes_received(work, num_ranks));
}

}  // namespace emulator::nccl
