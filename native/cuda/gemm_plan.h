// What a rank keeps of a product: the library's descriptors and the algorithm. Known only to the files gemm*.cc.
//
// Row-major out = left right is, read as column-major, out^T = right^T left^T: the library's A is `right`, its B is
// `left`, m counts columns, n rows, and a transposed operand changes its flag, not its place.
#ifndef MILLRACE_CUDA_GEMM_PLAN_H_
#define MILLRACE_CUDA_GEMM_PLAN_H_

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cuda/cublas_lt.h"
#include "cuda/gemm.h"
#include "cuda/gemm_cache.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

// All that an algorithm may depend on. Alignments are powers of two up to 16, the most that kernels ask for.
struct GemmKey {
  GemmKey(const Context&, const Gemm&);

  // To verify: the library's first choice instead of the fastest, and alignments that follow from the shape alone.
  bool pinned;
  int64_t m, n, k;
  DType in, out;
  bool a_transposed, b_transposed, accumulate, tf32;
  Epilogue epilogue;
  uint8_t a_alignment, b_alignment, d_alignment, vector_alignment, aux_alignment;

  auto operator<=>(const GemmKey&) const = default;
  std::string text() const;
};

using Algorithm = cublasLtMatmulHeuristicResult_t;

class GemmPlan {
 public:
  explicit GemmPlan(const CublasLt& library) : library_(library) {}
  ~GemmPlan();
  GemmPlan(const GemmPlan&) = delete;
  GemmPlan& operator=(const GemmPlan&) = delete;

  Status create(const GemmKey&);

  // At most `most` algorithms that fit the workspace and add up in a fixed order, the library's favourite first; none
  // where it has none for this epilogue.
  Status candidates(cublasLtHandle_t, int most, std::vector<Algorithm>* out) const;
  // Whether an algorithm that was written down still runs; fills what `algorithm` leaves open.
  bool check(cublasLtHandle_t, Algorithm* algorithm) const;
  // Enqueues; `out` instead of gemm.out.data. Does not change what is kept.
  Status run(Stream&, cublasLtHandle_t, const Gemm&, void* out, const Algorithm&, void* workspace) const;

  // What was chosen; `offered` is false where the library has no algorithm.
  bool offered = false;
  Algorithm algorithm{};

 private:
  Status set_pointers(const void* vector, const void* aux) const;

  const CublasLt& library_;
  std::unique_ptr<const GemmKey> key_;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

// "algo 66 tile 20 stages 35 split 1 reduction 0": for people.
std::string algorithm_name(const CublasLt&, const cublasLtMatmulAlgo_t&);
// As the cache keeps it: the library's bytes, which its documentation allows to be stored and used again with the same
// version, and the name.
std::string algorithm_text(const CublasLt&, const cublasLtMatmulAlgo_t&);
bool parse_algorithm(const std::string& text, cublasLtMatmulAlgo_t* out);

// One a rank, in its Stream.
struct GemmState {
  explicit GemmState(const CublasLt& loaded) : library(loaded) {}
  ~GemmState();

  const CublasLt& library;
  cublasLtHandle_t handle = nullptr;
  GemmCache* cache = nullptr;
  std::map<GemmKey, std::unique_ptr<GemmPlan>> plans;
  std::map<GemmKey, bool> fused;  // what prefer_fused() has decided
};

// Memory of the library for one call, from context.scratch.
Status alloc_workspace(Context&, void** out);

// The rank's state, made at the first call.
Status gemm_state(Context&, GemmState** out);
// The plan of a product, made at the first call.
Status plan_of(Context&, GemmState&, const Gemm&, const GemmPlan** out);
// The fastest of the plan's candidates on these tensors, which keep what they hold, but for an `out`, `aux` or `vector`
// that is overwritten anyway. False where there is no memory to try in.
Status fastest(Context&, GemmState&, const GemmPlan&, const Gemm&, const std::vector<Algorithm>& candidates,
               size_t* winner, bool* measured);
// Milliseconds of one run with the plan's algorithm, as above.
Status time_of(Context&, GemmState&, const GemmPlan&, const Gemm&, float* milliseconds, bool* measured);
// Milliseconds of what `enqueue` enqueues.
Status time_of(Stream&, const std::function<Status()>& enqueue, float* milliseconds);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_GEMM_PLAN_H_
