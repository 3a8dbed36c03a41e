// What the ops cost: the cases of op_cases.h at the sizes of a GPT-2 layer, in every table of this build. A program and
// no test, because a time is no law. Usage: op-speed [THREADS]; prints the names of the tables and a line a case, with
// milliseconds by table, between tabs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/backend.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

constexpr double kLeastSeconds = 0.1;
constexpr size_t kArenaBytes = size_t{1} << 30;

// gpt2-124m: hidden size 768, 12 heads of 64; 256 rows, a tensor-parallel quarter of the vocabulary.
std::vector<OpCase> speed_cases() {
  return {
      linear_case(256, 2304, 768, true),
      mlp_case(Gelu::kTanh, 256, 3072, 768),
      layernorm_case(256, 768),
      residual_case(1, 256, 768, 0.1f, true, true),
      attention_case(heads(1, 256, 12, 64, 0, 12), 0.1f),
      embedding_case(1, 256, 768, 12672, VocabRange{0, 50257}, 0.1f),
      cross_entropy_case(256, 12672, 12672),
      elementwise_case(1 << 20, Type::kTable),
      sum_squares_case(1 << 20),
      adamw_case(1 << 20, 7),
  };
}

// The least time of a call, which accumulating arguments may turn into large numbers but never into others.
Status seconds_of(const OpCase& op, const OpTable& table, int num_threads, double* seconds) {
  Rank rank(num_threads, kArenaBytes);
  const Values before = initial_values(op, table.dtype);
  std::vector<Tensor> tensors;
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    tensors.push_back(rank.alloc(op.arguments[a].dtype(table.dtype), op.arguments[a].shape));
    for (size_t i = 0; i < before[a].size(); ++i) set(tensors[a], static_cast<int64_t>(i), before[a][i]);
  }
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  *seconds = 0;
  do {
    const auto begin = Clock::now();
    MR_RETURN_IF_ERROR(op.call(table, rank.context, tensors));
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    if (*seconds == 0 || took < *seconds) *seconds = took;
  } while (std::chrono::duration<double>(Clock::now() - start).count() < kLeastSeconds);
  return ok();
}

int run(int num_threads) {
  struct Column {
    const char* name;
    const OpTable* table;
  };
  const Column columns[] = {{"reference fp32", reference_backend(DType::kF32)},
                            {"cpu fp32", cpu_backend(DType::kF32)},
                            {"cpu bf16", cpu_backend(DType::kBF16)},
                            {"cpu fp16", cpu_backend(DType::kF16)}};
  std::printf("op");
  for (const Column& column : columns) {
    if (column.table != nullptr) std::printf("\t%s", column.name);
  }
  std::printf("\n");
  for (const OpCase& op : speed_cases()) {
    std::printf("%s", op.name.c_str());
    for (const Column& column : columns) {
      if (column.table == nullptr) continue;
      double seconds = 0;
      const Status status = seconds_of(op, *column.table, num_threads, &seconds);
      if (!status.ok()) {
        std::fprintf(stderr, "\n%s: %s\n", op.name.c_str(), status.message().c_str());
        return 1;
      }
      std::printf("\t%.3f", seconds * 1e3);
    }
    std::printf("\n");
  }
  return 0;
}

}  // namespace
}  // namespace millrace::testing

int main(int argc, char** argv) { return millrace::testing::run(argc > 1 ? std::atoi(argv[1]) : 1); }
