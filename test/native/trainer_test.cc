// The trainer's C API: every field checked by name, results through it, the status page, and failures that name rank
// and operation.
#include "millrace/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "api_config.h"
#include "millrace/status_page.h"

namespace {

using millrace::testing::small_api_config;

std::vector<int32_t> tokens_of(int64_t rows, int64_t columns) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < rows * columns; ++i) tokens.push_back(static_cast<int32_t>((i * i + 3 * i) % 97));
  return tokens;
}

class Trainer {
 public:
  explicit Trainer(const mr_trainer_config& config) : config_(config) {
    code = mr_trainer_create(&config, &handle);
    if (code != MR_OK) error = mr_last_error();
  }
  ~Trainer() { mr_trainer_destroy(handle); }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  mr_step_result step() {
    const std::vector<int32_t> tokens = tokens_of(config_.global_batch, config_.sequence_length + 1);
    const std::vector<int64_t> samples(static_cast<size_t>(config_.global_batch), 5);
    mr_step_result result{};
    code = mr_trainer_step(handle, tokens.data(), samples.data(), &result);
    if (code != MR_OK) error = mr_last_error();
    return result;
  }

  mr_trainer* handle = nullptr;
  mr_code code = MR_OK;
  std::string error;

 private:
  mr_trainer_config config_;
};

std::string refusal(const std::function<void(mr_trainer_config&)>& change) {
  mr_trainer_config config = small_api_config();
  change(config);
  mr_memory_plan plan;
  EXPECT_EQ(mr_trainer_plan(&config, &plan), MR_INVALID_ARGUMENT);
  const std::string planned = mr_last_error();
  const Trainer trainer(config);
  EXPECT_EQ(trainer.code, MR_INVALID_ARGUMENT);
  EXPECT_EQ(trainer.error, planned) << "planning and creating refuse alike";
  return planned;
}

TEST(TrainerConfig, RefusesEveryFieldByNameWithWhatWasExpected) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  using Config = mr_trainer_config;
  EXPECT_EQ(refusal([](Config& c) { c.model.num_layers = 0; }), "expected at least 1 for num_layers, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.model.hidden_size = 30; }),
            "expected a multiple of 4 (num_heads) for hidden_size, got 30");
  EXPECT_EQ(refusal([](Config& c) { c.model.num_heads = 1; }),
            "expected a multiple of 2 (tensor_parallel: heads are split whole) for num_heads, got 1");
  EXPECT_EQ(refusal([](Config& c) { c.model.context_length = 0; }), "expected at least 1 for context_length, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.model.vocab_size = 0; }), "expected at least 1 for vocab_size, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.model.padded_vocab_size = 99; }),
            "expected at least 100 for padded_vocab_size, got 99");
  EXPECT_EQ(refusal([](Config& c) { c.model.padded_vocab_size = 128; }),
            "expected a multiple of 256 (128 * tensor_parallel) for padded_vocab_size, got 128");
  EXPECT_EQ(refusal([](Config& c) { c.model.gelu = static_cast<mr_gelu>(7); }),
            "expected tanh (0) or erf (1) for gelu, got 7");
  EXPECT_EQ(refusal([](Config& c) { c.model.layernorm_epsilon = 0; }),
            "expected a positive number for layernorm_epsilon, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.model.hidden_size = 1 << 30; }),
            "expected at most 2^56 parameters for model, got 2.76701e+19");
  EXPECT_EQ(refusal([](Config& c) { c.backend = "gpu"; }), "expected cpu, reference or cuda for backend, got gpu");
  EXPECT_EQ(refusal([](Config& c) { c.backend = nullptr; }),
            "expected cpu, reference or cuda for backend, got nothing");
  EXPECT_EQ(refusal([](Config& c) { c.precision = "fp8"; }),
            "expected fp32, bf16, fp16 or fp64 for precision, got fp8");
  EXPECT_EQ(refusal([](Config& c) { c.loss_scale.window = 1; }),
            "expected nothing but with precision fp16 for loss_scale, got one");
  const auto scaled = [](mr_loss_scale scale) {
    return refusal([scale](Config& c) {
      c.precision = "fp16";
      c.loss_scale = scale;
    });
  };
  EXPECT_EQ(scaled({3, 1, 1, 1}), "expected a power of two for loss_scale.initial, got 3");
  EXPECT_EQ(scaled({4, -1, 1, 1}), "expected a power of two for loss_scale.minimum, got -1");
  EXPECT_EQ(scaled({4, 8, 1, 1}), "expected at most loss_scale.initial (4) for loss_scale.minimum, got 8");
  EXPECT_EQ(scaled({4, 1, 0, 1}), "expected at least 1 for loss_scale.window, got 0");
  EXPECT_EQ(scaled({4, 1, 1, 0}), "expected at least 1 for loss_scale.hysteresis, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.tensor_parallel = 0; }), "expected at least 1 for tensor_parallel, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.data_parallel = -1; }), "expected at least 1 for data_parallel, got -1");
  EXPECT_EQ(refusal([](Config& c) { c.threads = -1; }), "expected at least 0 for threads, got -1");
  EXPECT_EQ(refusal([](Config& c) { c.sequence_length = 17; }),
            "expected at most 16 (context_length) for sequence_length, got 17");
  EXPECT_EQ(refusal([](Config& c) { c.micro_batch = 0; }), "expected at least 1 for micro_batch, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.global_batch = 3; }),
            "expected a multiple of 2 (micro_batch * data_parallel) for global_batch, got 3");
  EXPECT_EQ(refusal([](Config& c) { c.recompute = static_cast<mr_recompute>(3); }),
            "expected none (0), selective (1) or full (2) for recompute, got 3");
  EXPECT_EQ(refusal([](Config& c) { c.dropout = 1; }), "expected a number in [0, 1) for dropout, got 1");
  EXPECT_EQ(refusal([](Config& c) { c.dropout = 1 - 1e-12; }), "expected a number in [0, 1) for dropout, got 1");
  EXPECT_EQ(refusal([=](Config& c) { c.init_std = nan; }), "expected a number of at least 0 for init_std, got nan");
  EXPECT_EQ(refusal([](Config& c) { c.learning_rate = -1; }),
            "expected a number of at least 0 for learning_rate, got -1");
  EXPECT_EQ(refusal([](Config& c) { c.min_learning_rate = 1; }),
            "expected at most learning_rate (0.001) for min_learning_rate, got 1");
  EXPECT_EQ(refusal([](Config& c) { c.schedule = static_cast<mr_schedule>(3); }),
            "expected cosine (0), linear (1) or constant (2) for schedule, got 3");
  EXPECT_EQ(refusal([](Config& c) { c.warmup_steps = -1; }), "expected at least 0 for warmup_steps, got -1");
  EXPECT_EQ(refusal([](Config& c) { c.decay_steps = 1; }), "expected at least 2 for decay_steps, got 1");
  EXPECT_EQ(refusal([](Config& c) { c.beta1 = 1; }), "expected a number in [0, 1) for beta1, got 1");
  EXPECT_EQ(refusal([](Config& c) { c.beta2 = -0.5; }), "expected a number in [0, 1) for beta2, got -0.5");
  EXPECT_EQ(refusal([](Config& c) { c.epsilon = 0; }), "expected a positive number for epsilon, got 0");
  EXPECT_EQ(refusal([](Config& c) { c.weight_decay = -1; }),
            "expected a number of at least 0 for weight_decay, got -1");
  EXPECT_EQ(refusal([](Config& c) { c.clip_norm = -1; }), "expected a number of at least 0 for clip_norm, got -1");
}

TEST(Trainer, LearnsEvaluatesAndGivesLogits) {
  const mr_trainer_config config = small_api_config();
  Trainer trainer(config);
  ASSERT_EQ(trainer.code, MR_OK) << trainer.error;
  const mr_step_result first = trainer.step();
  EXPECT_EQ(first.step, 1);
  EXPECT_EQ(first.num_tokens, 32);
  EXPECT_NEAR(first.loss, std::log(100.0), 0.2);
  mr_step_result last{};
  for (int i = 0; i < 60; ++i) last = trainer.step();
  EXPECT_LT(last.loss, first.loss - 0.5);

  // Five sequences: the last micro-batch is not full.
  const std::vector<int32_t> tokens = tokens_of(5, 9);
  double loss_sum = 0;
  int64_t num_tokens = 0;
  ASSERT_EQ(mr_trainer_evaluate(trainer.handle, tokens.data(), 5, &loss_sum, &num_tokens), MR_OK);
  EXPECT_EQ(num_tokens, 40);
  // The same from logits: the loss of each target is its negative log softmax.
  double sum = 0;
  std::vector<float> logits(100);
  for (int64_t row = 0; row < 5; ++row) {
    for (int64_t length = 1; length <= 8; ++length) {
      ASSERT_EQ(mr_trainer_logits(trainer.handle, tokens.data() + row * 9, length, logits.data()), MR_OK);
      double total = 0;
      for (const float logit : logits) total += std::exp(static_cast<double>(logit));
      sum += std::log(total) -
             static_cast<double>(logits[static_cast<size_t>(tokens[static_cast<size_t>(row * 9 + length)])]);
    }
  }
  EXPECT_NEAR(sum, loss_sum, 1e-3);
}

TEST(Trainer, SaysWhereAnOverflowBeganAndScalesBackTheGradientsThatItGives) {
  mr_trainer_config config = small_api_config();
  config.precision = "fp16";
  config.loss_scale = mr_loss_scale{0x1p30, 1, 1000, 1};
  Trainer scaled(config);
  config.loss_scale.initial = 0x1p6;
  Trainer plain(config);
  const mr_step_result skipped = scaled.step();
  EXPECT_EQ(skipped.skipped, 1);
  EXPECT_EQ(skipped.loss_scale, 0x1p30);
  ASSERT_NE(skipped.overflow, nullptr);
  EXPECT_EQ(std::string(skipped.overflow).substr(0, 26), "head cross entropy backwar");
  const mr_step_result taken = plain.step();
  EXPECT_EQ(taken.skipped, 0);
  EXPECT_EQ(taken.overflow, nullptr);
  std::vector<float> gradient(32);
  ASSERT_EQ(mr_trainer_read_tensor(plain.handle, "gradient", "ln_f.bias", gradient.data(), gradient.size()), MR_OK);
  double squares = 0;
  for (const float value : gradient) squares += static_cast<double>(value * value);
  EXPECT_GT(std::sqrt(squares), 1e-4);
  EXPECT_LT(std::sqrt(squares), taken.grad_norm) << "one tensor's part of the unscaled norm";
}

TEST(Trainer, RefusesTokensOutsideTheVocabulary) {
  Trainer trainer(small_api_config());
  std::vector<int32_t> tokens = tokens_of(4, 9);
  const std::vector<int64_t> samples(4, 0);
  mr_step_result result;
  tokens[12] = 100;
  EXPECT_EQ(mr_trainer_step(trainer.handle, tokens.data(), samples.data(), &result), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected an id in [-1, 100) for tokens[1][3], got 100");
  std::fill(tokens.begin(), tokens.end(), -1);
  EXPECT_EQ(mr_trainer_step(trainer.handle, tokens.data(), samples.data(), &result), MR_INVALID_ARGUMENT);
  float logits[100];
  EXPECT_EQ(mr_trainer_logits(trainer.handle, tokens.data(), 9, logits), MR_INVALID_ARGUMENT);
  EXPECT_EQ(trainer.step().step, 1) << "a refused batch is no step";
}

TEST(Trainer, ReadsAndWritesLogicalTensors) {
  Trainer trainer(small_api_config());
  int64_t count = 0;
  ASSERT_EQ(mr_trainer_tensor_count(trainer.handle, &count), MR_OK);
  EXPECT_EQ(count, 2 + 2 * 12 + 2);
  for (int64_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int64_t rows = 0, columns = 0;
    ASSERT_EQ(mr_trainer_tensor_info(trainer.handle, i, &name, &rows, &columns), MR_OK);
    std::vector<float> written(static_cast<size_t>(rows * columns));
    for (size_t k = 0; k < written.size(); ++k) written[k] = static_cast<float>(k) + 0.5f;
    ASSERT_EQ(mr_trainer_write_parameter(trainer.handle, name, written.data(), written.size()), MR_OK);
    std::vector<float> read(written.size());
    ASSERT_EQ(mr_trainer_read_tensor(trainer.handle, "parameter", name, read.data(), read.size()), MR_OK);
    EXPECT_EQ(read, written) << name;
  }
  float value = 0;
  EXPECT_EQ(mr_trainer_read_tensor(trainer.handle, "parameter", "h.9.ln_1.bias", &value, 1), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_trainer_read_tensor(trainer.handle, "moment", "ln_f.bias", &value, 1), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_trainer_read_tensor(trainer.handle, "gradient", "ln_f.bias", &value, 1), MR_INVALID_ARGUMENT);
}

TEST(Trainer, PlansWithoutAllocating) {
  mr_trainer_config config = small_api_config();
  // 8.3 billion parameters on 8 ranks: far beyond this machine.
  config.model = mr_model_config{72, 3072, 24, 1024, 50257, 51200, MR_GELU_TANH, 1e-5};
  config.tensor_parallel = 8;
  config.sequence_length = 1024;
  mr_memory_plan plan;
  ASSERT_EQ(mr_trainer_plan(&config, &plan), MR_OK) << mr_last_error();
  EXPECT_EQ(plan.num_parameters, 8317040640u);  // 12 l h^2 + 13 l h + (V + s) h + 2 h
  // l ((12 h^2 + 7 h) / p + 6 h) + V h / p + s h + 2 h of one rank, and the gaps between tensors.
  EXPECT_NEAR(static_cast<double>(plan.parameter_bytes), 4.0 * 1.0435e9, 4.0 * 1e6);
}

TEST(Trainer, AFailedRankEndsTheStepNamingRankAndOperation) {
  for (const char* rank : {"0", "1"}) {
    ASSERT_EQ(::setenv("MILLRACE_FAULT", (std::string("fail:rank=") + rank + ",step=2").c_str(), 1), 0);
    std::vector<uint64_t> page(128 + 256);
    mr_trainer_config config = small_api_config();
    config.status_page = page.data();
    config.status_page_bytes = page.size() * sizeof(uint64_t);
    Trainer trainer(config);
    ::unsetenv("MILLRACE_FAULT");
    trainer.step();
    ASSERT_EQ(trainer.code, MR_OK);
    trainer.step();
    EXPECT_NE(trainer.code, MR_OK);
    EXPECT_EQ(trainer.error.rfind(std::string("rank ") + rank + ", step 2 ", 0), 0u) << trainer.error;
    EXPECT_NE(trainer.error.find("MILLRACE_FAULT"), std::string::npos) << trainer.error;
    trainer.step();
    EXPECT_EQ(trainer.code, MR_COMM) << "a failed trainer stays failed, and says why";
    EXPECT_NE(trainer.error.find("MILLRACE_FAULT"), std::string::npos) << trainer.error;
    const auto* rows = reinterpret_cast<const mr_status_row*>(page.data() + 16);
    EXPECT_EQ(rows[std::atoi(rank)].state, static_cast<uint32_t>(MR_RANK_FAILED));
    EXPECT_EQ(std::string(rows[std::atoi(rank)].operation).rfind("step 2 ", 0), 0u);
  }
}

TEST(Trainer, RefusesAFaultThatItCannotRead) {
  for (const char* text : {"melt:rank=0,step=1", "fail:rank=0", "fail:rank=0,step=1x", "freeze"}) {
    ASSERT_EQ(::setenv("MILLRACE_FAULT", text, 1), 0);
    const Trainer trainer(small_api_config());
    EXPECT_EQ(trainer.code, MR_INVALID_ARGUMENT) << text;
    EXPECT_NE(trainer.error.find(text), std::string::npos) << trainer.error;
  }
  ::unsetenv("MILLRACE_FAULT");
}

TEST(StatusPage, ShowsEachRanksStepAndState) {
  std::vector<uint64_t> page(128 + 256);
  mr_trainer_config config = small_api_config();
  config.status_page = page.data();
  config.status_page_bytes = page.size() * sizeof(uint64_t);
  Trainer trainer(config);
  trainer.step();
  trainer.step();
  const auto* header = reinterpret_cast<const mr_status_header*>(page.data());
  EXPECT_EQ(header->magic, MR_STATUS_MAGIC);
  EXPECT_EQ(header->num_ranks, 2u);
  EXPECT_EQ(header->process_id, static_cast<uint64_t>(::getpid()));
  const auto* rows = reinterpret_cast<const mr_status_row*>(page.data() + 16);
  for (int r = 0; r < 2; ++r) {
    EXPECT_EQ(rows[r].state, static_cast<uint32_t>(MR_RANK_IDLE));
    EXPECT_EQ(rows[r].step, 2u);
    EXPECT_GT(rows[r].ticks, 100u);
    // Two steps of two micro-batches: 2 + 2 a layer, embedding, head and three of the loss; and the norm once a step.
    EXPECT_EQ(rows[r].collective_seq, 2u * (2u * (2u * 4u + 5u) + 1u));
  }
  config.status_page_bytes = 128;
  EXPECT_EQ(Trainer(config).code, MR_INVALID_ARGUMENT);
}

TEST(Trainer, NullHandlesAreRefusedOrIgnored) {
  mr_trainer_destroy(nullptr);
  EXPECT_EQ(mr_trainer_create(nullptr, nullptr), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_trainer_save(nullptr, "x"), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_backend_available("reference"), 1);
  EXPECT_EQ(mr_backend_available("abacus"), 0);
}

}  // namespace
