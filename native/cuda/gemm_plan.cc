#include "cuda/gemm_plan.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace millrace::cuda {

namespace {

constexpr uint64_t kMostAlignment = 16;
constexpr uint32_t kReductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;  // and none, which needs no bit

uint8_t alignment_of(uint64_t address) {
  return static_cast<uint8_t>((address | kMostAlignment) & -(address | kMostAlignment));
}
uint8_t alignment_of(const void* pointer) { return alignment_of(reinterpret_cast<uintptr_t>(pointer)); }

uint8_t operand_alignment(const void* pointer, int64_t leading, DType dtype, bool pinned) {
  const uint8_t actual = alignment_of(pointer);
  // Shards are whole rows of a tensor that begins at an aligned address, so what holds for a row holds for every shard.
  return pinned ? std::min(actual, alignment_of(static_cast<uint64_t>(leading) * dtype_bytes(dtype))) : actual;
}

cudaDataType_t type_of(DType dtype) {
  if (dtype == DType::kBF16) return CUDA_R_16BF;
  return dtype == DType::kF16 ? CUDA_R_16F : CUDA_R_32F;
}

const char* dtype_name(DType dtype) {
  if (dtype == DType::kBF16) return "bf16";
  return dtype == DType::kF16 ? "f16" : "f32";
}

cublasLtEpilogue_t library_epilogue(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::kNone:
      break;
    case Epilogue::kBias:
      return CUBLASLT_EPILOGUE_BIAS;
    case Epilogue::kGelu:
      return CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
    case Epilogue::kGeluBackward:
      return CUBLASLT_EPILOGUE_DGELU;
    case Epilogue::kLeftSums:
      return CUBLASLT_EPILOGUE_BGRADB;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

const char* epilogue_name(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::kNone:
      break;
    case Epilogue::kBias:
      return "bias";
    case Epilogue::kGelu:
      return "gelu";
    case Epilogue::kGeluBackward:
      return "gelu-backward";
    case Epilogue::kLeftSums:
      return "left-sums";
  }
  return "none";
}

bool has_aux(Epilogue epilogue) { return epilogue == Epilogue::kGelu || epilogue == Epilogue::kGeluBackward; }

// What the documentation says of an algorithm's order of additions: partial sums of a split depth are either added in
// place, as they come, or stored in the workspace and added by a step of its own. The former is never used; nor are
// partial sums in the type of the output, which would be rounded before they are added. Of an algorithm that does not
// tell, the library itself has kept to the mask that it was given.
bool adds_in_fixed_order(const CublasLt& library, const cublasLtMatmulAlgo_t& algorithm) {
  uint32_t scheme = 0;
  const cublasStatus_t status = library.MatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME,
                                                                     &scheme, sizeof(scheme), nullptr);
  return status != CUBLAS_STATUS_SUCCESS || (scheme & ~kReductions) == 0;
}

}  // namespace

GemmKey::GemmKey(const Context& context, const Gemm& gemm)
    : pinned(context.work_parts != 0),
      m(gemm.columns),
      n(gemm.rows),
      k(gemm.depth),
      in(gemm.left.dtype),
      out(gemm.out.dtype),
      a_transposed(gemm.right_transposed),
      b_transposed(gemm.left_transposed),
      accumulate(gemm.accumulate),
      tf32(context.tf32 && in == DType::kF32),
      epilogue(gemm.epilogue),
      a_alignment(operand_alignment(gemm.right.data, a_transposed ? k : m, in, pinned)),
      b_alignment(operand_alignment(gemm.left.data, b_transposed ? n : k, in, pinned)),
      d_alignment(operand_alignment(gemm.out.data, m, out, pinned)),
      vector_alignment(operand_alignment(gemm.vector, epilogue == Epilogue::kLeftSums ? n : m, out, pinned)),
      aux_alignment(operand_alignment(gemm.aux, m, out, pinned)) {}

std::string GemmKey::text() const {
  char line[160];
  std::snprintf(line, sizeof(line), "%s%s to %s, m %lld n %lld k %lld %c%c%s, %s, aligned %d %d %d %d %d",
                tf32 ? "tf32 " : "", dtype_name(in), dtype_name(out), static_cast<long long>(m),
                static_cast<long long>(n), static_cast<long long>(k), a_transposed ? 'T' : 'N',
                b_transposed ? 'T' : 'N', accumulate ? " +=" : "", epilogue_name(epilogue), a_alignment, b_alignment,
                d_alignment, vector_alignment, aux_alignment);
  return line;
}

GemmPlan::~GemmPlan() {
  if (preference_ != nullptr) (void)library_.MatmulPreferenceDestroy(preference_);
  for (cublasLtMatrixLayout_t layout : {a_, b_, d_}) {
    if (layout != nullptr) (void)library_.MatrixLayoutDestroy(layout);
  }
  if (operation_ != nullptr) (void)library_.MatmulDescDestroy(operation_);
}

Status GemmPlan::create(const GemmKey& key) {
  key_ = std::make_unique<const GemmKey>(key);
  const auto layout = [&](cublasLtMatrixLayout_t* out, DType dtype, bool transposed, int64_t rows, int64_t columns) {
    if (transposed) std::swap(rows, columns);
    return cublas_lt_status(library_,
                            library_.MatrixLayoutCreate(out, type_of(dtype), static_cast<uint64_t>(rows),
                                                        static_cast<uint64_t>(columns), rows),
                            "cublasLtMatrixLayoutCreate");
  };
  MR_RETURN_IF_ERROR(layout(&a_, key.in, key.a_transposed, key.m, key.k));
  MR_RETURN_IF_ERROR(layout(&b_, key.in, key.b_transposed, key.k, key.n));
  MR_RETURN_IF_ERROR(layout(&d_, key.out, false, key.m, key.n));

  // CUBLAS_COMPUTE_32F: products of 16-bit values are added up in f32, and f32 is not rounded to TF32.
  const cublasComputeType_t compute = key.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  MR_RETURN_IF_CUBLAS_LT_ERROR(library_, MatmulDescCreate, &operation_, compute, CUDA_R_32F);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    return cublas_lt_status(library_, library_.MatmulDescSetAttribute(operation_, attribute, &value, sizeof(value)),
                            "cublasLtMatmulDescSetAttribute");
  };
  MR_RETURN_IF_ERROR(set(CUBLASLT_MATMUL_DESC_TRANSA, int32_t{key.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N}));
  MR_RETURN_IF_ERROR(set(CUBLASLT_MATMUL_DESC_TRANSB, int32_t{key.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N}));
  MR_RETURN_IF_ERROR(set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<uint32_t>(library_epilogue(key.epilogue))));
  if (has_aux(key.epilogue)) MR_RETURN_IF_ERROR(set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, key.m));

  MR_RETURN_IF_CUBLAS_LT_ERROR(library_, MatmulPreferenceCreate, &preference_);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    return cublas_lt_status(library_,
                            library_.MatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof(value)),
                            "cublasLtMatmulPreferenceSetAttribute");
  };
  MR_RETURN_IF_ERROR(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(kGemmWorkspaceBytes)));
  MR_RETURN_IF_ERROR(prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kReductions));
  MR_RETURN_IF_ERROR(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, uint32_t{key.a_alignment}));
  MR_RETURN_IF_ERROR(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, uint32_t{key.b_alignment}));
  MR_RETURN_IF_ERROR(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, uint32_t{key.d_alignment}));
  return prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, uint32_t{key.d_alignment});
}

Status GemmPlan::set_pointers(const void* vector, const void* aux) const {
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const void* value) {
    return cublas_lt_status(library_, library_.MatmulDescSetAttribute(operation_, attribute, &value, sizeof(value)),
                            "cublasLtMatmulDescSetAttribute");
  };
  if (key_->epilogue != Epilogue::kNone && key_->epilogue != Epilogue::kGeluBackward) {
    MR_RETURN_IF_ERROR(set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector));
  }
  return has_aux(key_->epilogue) ? set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, aux) : ok();
}

Status GemmPlan::candidates(cublasLtHandle_t handle, int most, std::vector<Algorithm>* out) const {
  out->clear();
  // "GELU input matrix leading dimension [...] must be divisible by 8."
  if (has_aux(key_->epilogue) && key_->m % 8 != 0) return ok();
  // The library takes the alignment of these from the address and does not look behind it.
  MR_RETURN_IF_ERROR(set_pointers(reinterpret_cast<const void*>(uintptr_t{key_->vector_alignment}),
                                  reinterpret_cast<const void*>(uintptr_t{key_->aux_alignment})));
  std::vector<Algorithm> found(static_cast<size_t>(most));
  int count = 0;
  const cublasStatus_t status =
      library_.MatmulAlgoGetHeuristic(handle, operation_, a_, b_, d_, d_, preference_, most, found.data(), &count);
  // An epilogue that it does not have for these types it may also call an invalid value.
  const bool invalid = status == CUBLAS_STATUS_INVALID_VALUE && key_->epilogue != Epilogue::kNone;
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || invalid) return ok();
  MR_RETURN_IF_ERROR(cublas_lt_status(library_, status, "cublasLtMatmulAlgoGetHeuristic"));
  found.resize(static_cast<size_t>(count));
  for (const Algorithm& algorithm : found) {
    if (algorithm.state != CUBLAS_STATUS_SUCCESS || algorithm.workspaceSize > kGemmWorkspaceBytes) continue;
    if (adds_in_fixed_order(library_, algorithm.algo)) out->push_back(algorithm);
  }
  return ok();
}

bool GemmPlan::check(cublasLtHandle_t handle, Algorithm* algorithm) const {
  if (!set_pointers(reinterpret_cast<const void*>(uintptr_t{key_->vector_alignment}),
                    reinterpret_cast<const void*>(uintptr_t{key_->aux_alignment}))
           .ok()) {
    return false;
  }
  Algorithm checked{};
  if (library_.MatmulAlgoCheck(handle, operation_, a_, b_, d_, d_, &algorithm->algo, &checked) !=
          CUBLAS_STATUS_SUCCESS ||
      checked.workspaceSize > kGemmWorkspaceBytes || !adds_in_fixed_order(library_, algorithm->algo)) {
    return false;
  }
  algorithm->workspaceSize = checked.workspaceSize;
  return true;
}

Status GemmPlan::run(Stream& stream, cublasLtHandle_t handle, const Gemm& gemm, void* out, const Algorithm& algorithm,
                     void* workspace) const {
  MR_RETURN_IF_ERROR(set_pointers(gemm.vector, gemm.aux));
  const float one = 1.0f;
  const float beta = gemm.accumulate ? 1.0f : 0.0f;
  return cublas_lt_status(
      library_,
      library_.Matmul(handle, operation_, &one, gemm.right.data, a_, gemm.left.data, b_, &beta, out, d_, out, d_,
                      &algorithm.algo, workspace, static_cast<size_t>(kGemmWorkspaceBytes), stream.handle),
      "cublasLtMatmul");
}

std::string algorithm_name(const CublasLt& library, const cublasLtMatmulAlgo_t& algorithm) {
  const auto number = [&](cublasLtMatmulAlgoConfigAttributes_t attribute) {
    int32_t value = -1;
    (void)library.MatmulAlgoConfigGetAttribute(&algorithm, attribute, &value, sizeof(value), nullptr);
    return std::to_string(value);
  };
  return "algo " + number(CUBLASLT_ALGO_CONFIG_ID) + " tile " + number(CUBLASLT_ALGO_CONFIG_TILE_ID) + " stages " +
         number(CUBLASLT_ALGO_CONFIG_STAGES_ID) + " split " + number(CUBLASLT_ALGO_CONFIG_SPLITK_NUM) + " reduction " +
         number(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME);
}

std::string algorithm_text(const CublasLt& library, const cublasLtMatmulAlgo_t& algorithm) {
  std::string text;
  for (const uint64_t word : algorithm.data) {
    char digits[17];
    std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(word));
    text += digits;
  }
  return text + " " + algorithm_name(library, algorithm);
}

bool parse_algorithm(const std::string& text, cublasLtMatmulAlgo_t* out) {
  constexpr size_t kDigits = 16;
  size_t at = 0;
  for (uint64_t& word : out->data) {
    if (text.size() < at + kDigits) return false;
    const std::string digits = text.substr(at, kDigits);
    if (digits.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    word = std::stoull(digits, nullptr, 16);
    at += kDigits;
  }
  return text.size() > at && text[at] == ' ';
}

GemmState::~GemmState() {
  plans.clear();
  if (handle != nullptr) (void)library.Destroy(handle);
}

}  // namespace millrace::cuda
