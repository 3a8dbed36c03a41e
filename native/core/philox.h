// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): a counter-based generator, so a
// random value is a pure function of what it is for, never of who computes it or when.
//
// Key = the run's seed (64 bits). Counter words = {block, block >> 32, step, layer << 8 | site}, block = element / 4;
// an element takes output word element % 4. `element` is an index into the logical tensor of the whole global sample,
// so masks do not depend on ranks, micro-batches, recomputation or resuming.
#ifndef MILLRACE_CORE_PHILOX_H_
#define MILLRACE_CORE_PHILOX_H_

#include <cstdint>

#include "core/host_device.h"

namespace millrace {

// Where in the model a random draw is used; part of the counter, so numbers are never reused or renumbered.
enum class Site : uint32_t {
  kInit = 0,
  kEmbedding = 1,
  kAttention = 2,
  kAttentionOutput = 3,
  kMlpOutput = 4,
};

struct PhiloxKey {
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t layer = 0;
  Site site = Site::kInit;
};

struct Philox4 {
  uint32_t word[4];
};

MR_HOST_DEVICE inline Philox4 philox(const PhiloxKey& key, uint64_t block) {
  uint32_t c0 = static_cast<uint32_t>(block);
  uint32_t c1 = static_cast<uint32_t>(block >> 32);
  uint32_t c2 = key.step;
  uint32_t c3 = key.layer << 8 | static_cast<uint32_t>(key.site);
  uint32_t k0 = static_cast<uint32_t>(key.seed);
  uint32_t k1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * c0;
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Philox4{{c0, c1, c2, c3}};
}

MR_HOST_DEVICE inline uint32_t philox_word(const PhiloxKey& key, uint64_t element) {
  return philox(key, element >> 2).word[element & 3];
}

// A dropout mask over a logical tensor: element e is kept when its word >= threshold(p); kept values scale by 1/(1-p).
struct Dropout {
  float p = 0.0f;  // 0: no dropout, nothing is drawn
  PhiloxKey key;
  // Memory of the device, not owned, both. Global sample number of each of the B rows of this micro-batch: element e of
  // row b is sample[b] * (elements of one sample) + (index inside the sample).
  const int64_t* sample = nullptr;
  // Where the step stands, if it is not key.step: so a recorded graph draws anew in every step.
  const int64_t* step = nullptr;

  // The key to draw with; reads device memory.
  MR_HOST_DEVICE PhiloxKey keyed() const {
    PhiloxKey now = key;
    if (step != nullptr) now.step = static_cast<uint32_t>(*step);
    return now;
  }

  MR_HOST_DEVICE uint32_t threshold() const { return static_cast<uint32_t>(static_cast<double>(p) * 4294967296.0); }
  MR_HOST_DEVICE float scale() const { return 1.0f / (1.0f - p); }
};

}  // namespace millrace

#endif  // MILLRACE_CORE_PHILOX_H_
