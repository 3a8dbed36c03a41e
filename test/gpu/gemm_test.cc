// Products on a GPU: all shapes and epilogues agree with the reference, what is timed is kept, verification does not
// depend on it. On the emulator's cuBLASLt every algorithm has bits of its own, so that a choice shows.
#include "cuda/gemm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/backend.h"
#include "cuda/cublas_lt.h"
#include "cuda/runtime.h"
#include "device_case.h"
#include "emulator/emulator.h"
#include "gemm_folder.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

// Largest difference over largest value. f32: sums of 257 products of numbers below 6 in any order. 16 bits: three
// roundings of half a unit in the last place, as for the CPU's ops.
double tolerance_of(DType dtype) {
  if (dtype == DType::kBF16) return 3 * 0x1p-9;
  return dtype == DType::kF16 ? 3 * 0x1p-12 : 4e-6;
}

struct Mode {
  const char* name;
  int work_parts;
  bool gelu_recomputed;
};
constexpr Mode kModes[] = {{"plain", 0, false}, {"recomputed", 0, true}, {"verify", 1, false}};

class GemmTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  // A rank as a new process has it, but for what the folder keeps.
  void reopen() {
    rank_.reset();
    device_.reset();
    std::unique_ptr<Device> device;
    const Status status = open_cuda_device(0, true, &device);
    ASSERT_TRUE(status.ok()) << status.message();
    device_ = std::move(device);
    rank_ = std::make_unique<DeviceRank>(*device_);
  }

  CaseResult run(const OpCase& op, DType dtype, const Values& before, std::vector<char>* image = nullptr) {
    CaseResult result;
    const Status status = run_on_device(op, *cuda_backend(dtype), *rank_, before, &result, image);
    EXPECT_TRUE(status.ok()) << op.name << ": " << status.message();
    EXPECT_TRUE(result.faults.empty()) << op.name << ": " << result.faults.front();
    return result;
  }
  std::vector<char> image_of(const OpCase& op, DType dtype) {
    std::vector<char> image;
    run(op, dtype, initial_values(op, dtype), &image);
    return image;
  }
  void set_mode(const Mode& mode) {
    rank_->context().work_parts = mode.work_parts;
    rank_->context().gelu_recomputed = mode.gelu_recomputed;
  }

  // The worst difference of any argument from the reference's in f64.
  double worst(const OpCase& op, DType dtype, const Values& before) {
    const CaseResult actual = run(op, dtype, before);
    if (actual.after.size() != before.size()) return std::numeric_limits<double>::infinity();
    Rank reference;
    Values expected;
    EXPECT_TRUE(run_case(op, *reference_backend(DType::kF64), reference, initial_values(op, dtype), &expected).ok());
    double worst = 0;
    for (size_t a = 0; a < expected.size(); ++a) {
      if (op.arguments[a].role == Role::kIn) continue;
      const double difference = relative_difference(expected[a], actual.after[a]);
      // What is stored in f32 is not rounded to 16 bits, but computed from what is.
      worst = std::max(worst, difference);
    }
    return worst;
  }

  GemmFolder folder_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<DeviceRank> rank_;
};

// The same case on tensors that begin one element after an aligned address, as in flat memory with odd sizes; all of
// them, or the one by the name `only`.
OpCase shifted(const OpCase& op, const std::string& only = "") {
  OpCase moved = op;
  moved.name += ", shifted " + only;
  std::vector<bool> shifts;
  for (Argument& argument : moved.arguments) {
    shifts.push_back(only.empty() || argument.name == only);
    if (!shifts.back()) continue;
    argument.shape = Shape(argument.shape.num_elements() + 1);
    if (argument.role == Role::kOut) argument.role = Role::kInOut;  // the element in front stays
  }
  moved.call = [op, shifts](const OpTable& table, Context& context, const std::vector<Tensor>& tensors) {
    std::vector<Tensor> inner = tensors;
    for (size_t a = 0; a < inner.size(); ++a) {
      if (!shifts[a]) continue;
      if (inner[a].data != nullptr) inner[a].data = inner[a].as<char>() + dtype_bytes(inner[a].dtype);
      inner[a].shape = op.arguments[a].shape;
    }
    return op.call(table, context, inner);
  };
  return moved;
}

// Odd shapes, shapes that whole vectors fit, and both kinds of dimensions mixed.
std::vector<OpCase> gemm_cases() {
  std::vector<OpCase> cases = {
      linear_case(16, 24, 8, true),
      linear_case(64, 40, 96, true),
      linear_case(33, 64, 24, false),
      mlp_case(Gelu::kTanh, 24, 64, 16),
      mlp_case(Gelu::kErf, 24, 64, 16),
      mlp_case(Gelu::kTanh, 7, 40, 21),
      shifted(linear_case(16, 24, 8, true)),
      shifted(linear_case(16, 24, 8, true), "bias"),
      shifted(mlp_case(Gelu::kTanh, 24, 64, 16)),
  };
  for (OpCase& op : all_cases()) {
    if (op.name.starts_with("linear") || op.name.starts_with("mlp")) cases.push_back(std::move(op));
  }
  return cases;
}

TEST_F(GemmTest, EveryShapeAgreesWithTheReferenceInEveryPrecisionAndMode) {
  for (const DType dtype : kTypes) {
    for (const Mode& mode : kModes) {
      set_mode(mode);
      for (const OpCase& op : gemm_cases()) {
        if (mode.gelu_recomputed && !op.name.starts_with("mlp")) continue;
        EXPECT_LE(worst(op, dtype, initial_values(op, dtype)), tolerance_of(dtype))
            << op.name << ", " << mode.name << ", dtype " << static_cast<int>(dtype);
      }
    }
  }
}

TEST_F(GemmTest, OneWrongInputIsSeen) {
  for (const DType dtype : kTypes) {
    const OpCase op = linear_case(64, 40, 96, true);
    Values before = initial_values(op, dtype);
    before[1][17] += 0.5;
    EXPECT_GT(worst(op, dtype, before), tolerance_of(dtype));
  }
}

TEST_F(GemmTest, Tf32RoundsWhatIsReadAndNothingElse) {
  const OpCase op = linear_case(64, 40, 96, true);
  const double exact = worst(op, DType::kF32, initial_values(op));
  const std::vector<char> halves = image_of(op, DType::kBF16);
  rank_->context().tf32 = true;
  // Two operands of each product are off by at most half of 2^-10, most of them in both directions.
  EXPECT_LE(worst(op, DType::kF32, initial_values(op)), 0x1p-10);
  EXPECT_GT(worst(op, DType::kF32, initial_values(op)), 10 * exact);
  EXPECT_EQ(image_of(op, DType::kBF16), halves);
  rank_->context().tf32 = false;
  EXPECT_EQ(worst(op, DType::kF32, initial_values(op)), exact);
}

TEST_F(GemmTest, EpiloguesThatTheLibraryRefusesOrOffersInVainAreReplaced) {
  for (const char* refusal : {"MILLRACE_EMULATED_CUBLAS_LT_REFUSES", "MILLRACE_EMULATED_CUBLAS_LT_FAILS"}) {
    // BIAS, GELU_AUX_BIAS, DGELU and BGRADB, one after the other and all together.
    for (const char* epilogues : {"4", "164", "192", "512", "4,164,192,512"}) {
      const EnvironmentVariable refuses(refusal, epilogues);
      folder_.clear();
      reopen();
      for (const DType dtype : kTypes) {
        for (const OpCase& op : {linear_case(64, 40, 96, true), mlp_case(Gelu::kTanh, 24, 64, 16)}) {
          EXPECT_LE(worst(op, dtype, initial_values(op, dtype)), tolerance_of(dtype))
              << op.name << " " << refusal << " " << epilogues;
        }
      }
    }
  }
}

TEST_F(GemmTest, APlainProductThatTheLibraryOffersInVainIsAnError) {
  const EnvironmentVariable fails("MILLRACE_EMULATED_CUBLAS_LT_FAILS", "1");
  folder_.clear();
  reopen();
  const OpCase op = linear_case(64, 40, 96, false);
  CaseResult result;
  const Status status =
      run_on_device(op, *cuda_backend(DType::kF32), *rank_, initial_values(op, DType::kF32), &result, nullptr);
  EXPECT_NE(status.message().find("cuBLASLt refused each of its 1 algorithms"), std::string::npos) << status.message();
}

TEST_F(GemmTest, TheFirstCallWhichTimesHasTheBitsOfLaterOnes) {
  for (const OpCase& op : gemm_cases()) {
    const std::vector<char> first = image_of(op, DType::kBF16);
    EXPECT_EQ(first, image_of(op, DType::kBF16)) << op.name;
  }
}

TEST_F(GemmTest, WhatWasTimedIsFoundAgainByALaterProcess) {
  const OpCase op = linear_case(64, 40, 96, true);
  const std::vector<char> timed = image_of(op, DType::kBF16);
  const std::string text = folder_.text();
  EXPECT_NE(text.find("algorithm bf16 to bf16, m 40 n 64 k 96 TN, bias"), std::string::npos) << text;
  EXPECT_NE(text.find("+=, left-sums"), std::string::npos) << text;
  folder_.move();
  reopen();
  const auto launches_of = [&] {
    const uint64_t before = emulator::num_launches();
    (void)image_of(op, DType::kBF16);
    return emulator::num_launches() - before;
  };
  const uint64_t first = launches_of();
  EXPECT_EQ(timed, image_of(op, DType::kBF16));
  EXPECT_EQ(first, launches_of()) << "nothing is timed again";
  EXPECT_EQ(text, folder_.text());
  folder_.clear();
  reopen();
  EXPECT_GT(launches_of(), first) << "timing is seen";
}

// The algorithm in the file is the one that runs: with another one in it the bits are another's.
TEST_F(GemmTest, TheFileDecides) {
  const OpCase op = linear_case(64, 40, 96, true);
  std::set<std::vector<char>> images;
  for (const int kernel : {kEmulatedAligned, kEmulatedSplit, kEmulatedAny}) {
    (void)image_of(op, DType::kF32);
    folder_.rewrite(kernel);
    reopen();
    images.insert(image_of(op, DType::kF32));
  }
  EXPECT_EQ(images.size(), 3u);
}

TEST_F(GemmTest, AnAlgorithmThatAddsAsItComesIsNotTakenFromAFile) {
  const OpCase op = linear_case(64, 40, 96, true);
  (void)image_of(op, DType::kF32);
  folder_.rewrite(kEmulatedInPlace);
  reopen();
  EXPECT_EQ(image_of(op, DType::kF32), image_of(op, DType::kF32));
}

// Verification takes the library's first choice, whatever was timed, and writes nothing down.
TEST_F(GemmTest, VerificationDoesNotDependOnTheFile) {
  const OpCase op = linear_case(64, 40, 96, true);
  set_mode({"verify", 1, false});
  const std::vector<char> verified = image_of(op, DType::kF32);
  EXPECT_EQ(folder_.text(), "");
  set_mode({"plain", 0, false});
  (void)image_of(op, DType::kF32);
  folder_.rewrite(kEmulatedAny);
  reopen();
  EXPECT_NE(image_of(op, DType::kF32), verified) << "the file has no effect without verification either";
  set_mode({"verify", 1, false});
  EXPECT_EQ(image_of(op, DType::kF32), verified);
}

TEST_F(GemmTest, WhileWorkIsRecordedNothingIsTimed) {
  const OpCase op = linear_case(64, 40, 96, true);
  OpCase recorded = op;  // but for the copies of its arguments, which are not allowed then
  recorded.call = [&](const OpTable& table, Context& context, const std::vector<Tensor>& tensors) {
    if (context.stream != nullptr) context.stream->recording = !planning(context);
    const Status status = op.call(table, context, tensors);
    if (context.stream != nullptr) context.stream->recording = false;
    return status;
  };
  EXPECT_LE(worst(recorded, DType::kBF16, initial_values(op, DType::kBF16)), tolerance_of(DType::kBF16));
  EXPECT_EQ(folder_.text(), "");
}

// With no algorithm but one that adds as it comes, results would change from call to call: the emulator's does.
TEST_F(GemmTest, AnAlgorithmThatAddsAsItComesIsSeen) {
  const cuda::CublasLt* library = nullptr;
  ASSERT_TRUE(cuda::cublas_lt(&library).ok());
  const int64_t size = 48;
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(*device_, size_t{1} << 20, &arena).ok());
  Tensor x, out[2], workspace;
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(size, size), &x).ok());
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(size, size), &out[0]).ok());
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(size, size), &out[1]).ok());
  ASSERT_TRUE(arena->alloc(DType::kF32, Shape(1024), &workspace).ok());
  std::vector<float> values(static_cast<size_t>(size * size)), results[2] = {values, values};
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(random_value(1, static_cast<int64_t>(i)));
  Context& context = rank_->context();
  ASSERT_TRUE(device_->to_device(context, x.data, values.data(), x.size_bytes()).ok());

  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t layout = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  ASSERT_EQ(library->Create(&handle), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(library->MatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(library->MatrixLayoutCreate(&layout, CUDA_R_32F, size, size, size), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(library->MatmulPreferenceCreate(&preference), CUBLAS_STATUS_SUCCESS);
  const uint64_t bytes = 1024;
  ASSERT_EQ(library->MatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, 8),
            CUBLAS_STATUS_SUCCESS);
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  ASSERT_EQ(
      library->MatmulAlgoGetHeuristic(handle, operation, layout, layout, layout, layout, preference, 1, &found, &count),
      CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(count, 1);
  const float one = 1.0f, zero = 0.0f;
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data) + 255) & ~uintptr_t{255});
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(library->Matmul(handle, operation, &one, x.data, layout, x.data, layout, &zero, out[i].data, layout,
                              out[i].data, layout, &found.algo, aligned, bytes, context.stream->handle),
              CUBLAS_STATUS_SUCCESS);
    ASSERT_TRUE(device_->to_host(context, results[i].data(), out[i].data, out[i].size_bytes()).ok());
  }
  ASSERT_TRUE(device_->wait(context).ok());
  EXPECT_NE(results[0], results[1]);
  library->MatmulPreferenceDestroy(preference);
  library->MatrixLayoutDestroy(layout);
  library->MatmulDescDestroy(operation);
  library->Destroy(handle);
}

TEST_F(GemmTest, AFailureIsNamedInTheLibrarysWords) {
  const cuda::CublasLt* library = nullptr;
  ASSERT_TRUE(cuda::cublas_lt(&library).ok());
  EXPECT_TRUE(cuda::cublas_lt_status(*library, CUBLAS_STATUS_SUCCESS, "call").ok());
  const Status refused = cuda::cublas_lt_status(*library, CUBLAS_STATUS_NOT_SUPPORTED, "cublasLtMatmul");
  EXPECT_EQ(refused.code(), MR_INTERNAL);
  EXPECT_TRUE(refused.message().starts_with("cublasLtMatmul failed: the requested")) << refused.message();
  EXPECT_EQ(cuda::cublas_lt_status(*library, CUBLAS_STATUS_ALLOC_FAILED, "call").code(), MR_OUT_OF_MEMORY);
}

TEST_F(GemmTest, AnEmptyBatchIsNothingToDo) {
  for (const DType dtype : kTypes) {
    Context& context = rank_->context();
    std::unique_ptr<Arena> arena;
    ASSERT_TRUE(Arena::create(*device_, size_t{64} << 20, &arena).ok());
    Tensor w, dw;
    ASSERT_TRUE(arena->alloc(dtype, Shape(8, 16), &w).ok());
    ASSERT_TRUE(arena->alloc(wide_dtype(dtype), Shape(8, 16), &dw).ok());
    context.scratch = arena.get();
    Tensor x{w.data, dtype, Shape(0, 16)}, y{w.data, dtype, Shape(0, 8)};
    EXPECT_TRUE(cuda_backend(dtype)->linear_forward(context, y, x, w, Tensor{}).ok());
    EXPECT_TRUE(cuda_backend(dtype)->linear_backward_input(context, x, y, w, false).ok());
    EXPECT_TRUE(cuda_backend(dtype)->linear_backward_weight(context, dw, Tensor{}, y, x).ok());
    context.scratch = nullptr;
  }
}

}  // namespace
}  // namespace millrace::testing
