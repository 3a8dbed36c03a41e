// MinHash signatures and their band keys. Permutation i maps the upper half x of a shingle's hash to a[i] * x + b[i]
// modulo 2^32 with odd a[i]; the signature holds each permutation's least value over the document. The same bits on
// every SIMD level.
#ifndef MILLRACE_TEXT_MINHASH_H_
#define MILLRACE_TEXT_MINHASH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/simd_level.h"

namespace millrace {

struct BandConfig {
  int num_bands;
  int num_rows;
  uint64_t seed;
};

class MinHasher {
 public:
  // Lanes of the widest level; tables are padded to a multiple.
  static constexpr size_t kLanes = 16;

  MinHasher(BandConfig config, SimdLevel level);

  // A document: begin, add its shingles in any number of calls, take the keys.
  void begin();
  void add(const uint64_t* shingles, size_t count);
  // Writes the key of band b to keys[b * stride]. Keys of different bands differ even for equal rows.
  void band_keys(uint64_t* keys, size_t stride) const;

  // 2^32 - 1 where nothing has been added.
  const uint32_t* signature() const { return minima_.data(); }

 private:
  BandConfig config_;
  SimdLevel level_;
  size_t num_permutations_;
  std::vector<uint32_t> multiply_;
  std::vector<uint32_t> add_;
  std::vector<uint32_t> minima_;
  std::vector<uint64_t> band_seeds_;
};

// minima[i] = min(minima[i], min over the upper halves v of `shingles` of multiply[i] * v + add[i]), for `permutations`
// (a multiple of MinHasher::kLanes).
struct PermutationTable {
  const uint32_t* multiply;
  const uint32_t* add;
  size_t permutations;
};
void minhash_scalar(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima);
void minhash_avx2(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima);
void minhash_avx512(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima);

}  // namespace millrace

#endif  // MILLRACE_TEXT_MINHASH_H_
