// A profiled step is a step: the same result, and rows that name every op with its calls. Devices by name.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "api_config.h"
#include "core/stopwatch.h"
#include "millrace/device.h"

namespace millrace::testing {
namespace {

struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int64_t> samples;

  Batch(const mr_trainer_config& config, int seed) {
    for (int i = 0; i < config.global_batch * (config.sequence_length + 1); ++i) {
      tokens.push_back((i * 31 + seed * 17) % config.model.vocab_size);
    }
    for (int i = 0; i < config.global_batch; ++i) samples.push_back(seed * config.global_batch + i);
  }
};

struct Trainer {
  explicit Trainer(const mr_trainer_config& config) {
    EXPECT_EQ(mr_trainer_create(&config, &handle), MR_OK) << mr_last_error();
  }
  ~Trainer() { mr_trainer_destroy(handle); }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  mr_trainer* handle = nullptr;
};

std::vector<float> parameter(mr_trainer* trainer, const char* name, size_t size) {
  std::vector<float> values(size);
  EXPECT_EQ(mr_trainer_read_tensor(trainer, "parameter", name, values.data(), size), MR_OK) << mr_last_error();
  return values;
}

TEST(Profile, AProfiledStepHasTheBitsOfAStep) {
  const mr_trainer_config config = small_api_config();
  Trainer plain(config), profiled(config);
  for (int step = 1; step <= 3; ++step) {
    const Batch batch(config, step);
    mr_step_result expected, actual;
    const mr_op_time* rows = nullptr;
    int64_t num_rows = 0;
    ASSERT_EQ(mr_trainer_step(plain.handle, batch.tokens.data(), batch.samples.data(), &expected), MR_OK);
    ASSERT_EQ(mr_trainer_profile(profiled.handle, batch.tokens.data(), batch.samples.data(), &actual, &rows, &num_rows),
              MR_OK)
        << mr_last_error();
    EXPECT_EQ(actual.step, step);
    EXPECT_EQ(actual.loss, expected.loss);
    EXPECT_EQ(actual.grad_norm, expected.grad_norm);
  }
  const char* const name = "h.1.mlp.up.weight";
  EXPECT_EQ(parameter(plain.handle, name, 128 * 32), parameter(profiled.handle, name, 128 * 32));
}

TEST(Profile, RowsCountTheCallsOfEveryLayerAndMicroBatchAndTheLongestComesFirst) {
  const mr_trainer_config config = small_api_config();
  Trainer trainer(config);
  const Batch batch(config, 1);
  mr_step_result result;
  const mr_op_time* rows = nullptr;
  int64_t num_rows = 0;
  ASSERT_EQ(mr_trainer_profile(trainer.handle, batch.tokens.data(), batch.samples.data(), &result, &rows, &num_rows),
            MR_OK);
  std::map<std::string, int64_t> calls;
  for (int64_t i = 0; i < num_rows; ++i) {
    calls[rows[i].name] = rows[i].calls;
    EXPECT_GE(rows[i].seconds, 0.0);
    EXPECT_LE(rows[i].seconds, rows[i == 0 ? 0 : i - 1].seconds);
  }
  // Two layers, two micro-batches.
  EXPECT_EQ(calls["mlp up forward: linear_gelu_forward"], 4);
  EXPECT_EQ(calls["attention backward: attention_backward"], 4);
  EXPECT_EQ(calls["embedding forward: embedding_forward"], 2);
  EXPECT_EQ(calls["adamw: adamw"], 2);
  EXPECT_EQ(calls.count("between ops"), 1u);
  EXPECT_EQ(calls.count("layer 0 mlp up forward: linear_gelu_forward"), 0u);
}

TEST(Profile, AStepThatIsSkippedUnderTheClockIsLookedIntoWithoutIt) {
  mr_trainer_config config = small_api_config();
  config.precision = "fp16";
  config.loss_scale = mr_loss_scale{0x1p40, 1, 1000, 2};
  Trainer trainer(config);
  const Batch batch(config, 1);
  mr_step_result result;
  const mr_op_time* rows = nullptr;
  int64_t num_rows = 0;
  ASSERT_EQ(mr_trainer_profile(trainer.handle, batch.tokens.data(), batch.samples.data(), &result, &rows, &num_rows),
            MR_OK)
      << mr_last_error();
  EXPECT_EQ(result.skipped, 1);
  EXPECT_NE(std::string(result.overflow).find("head cross entropy backward"), std::string::npos) << result.overflow;
  EXPECT_GT(num_rows, 10);
}

TEST(Stopwatch, HasOneIntervalFewerThanPointsAndForgetsThem) {
  const auto stopwatch = host_stopwatch();
  Context context;
  std::vector<double> seconds;
  for (const size_t points : {0u, 1u, 5u}) {
    for (size_t i = 0; i < points; ++i) ASSERT_TRUE(stopwatch->lap(context).ok());
    EXPECT_EQ(stopwatch->num_laps(), points);
    ASSERT_TRUE(stopwatch->read(context, &seconds).ok());
    EXPECT_EQ(seconds.size(), points == 0 ? 0 : points - 1);
    EXPECT_EQ(stopwatch->num_laps(), 0u);
  }
}

TEST(DeviceFacts, AreGivenOfEveryBackendThatCanRunAndRefusedWithWhatIsMissing) {
  mr_device_facts facts;
  ASSERT_EQ(mr_device_facts_of("reference", 0, &facts), MR_OK) << mr_last_error();
  EXPECT_STREQ(facts.name, "reference");
  EXPECT_EQ(facts.count, 1);
  EXPECT_EQ(mr_device_facts_of("reference", 1, &facts), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected 0 to 0 for index, got 1");
  if (mr_backend_available("cuda") != 0) {
    ASSERT_EQ(mr_device_facts_of("cuda", 0, &facts), MR_OK) << mr_last_error();
    EXPECT_GT(facts.memory_bytes, 0u);
  } else {
    EXPECT_EQ(mr_device_facts_of("cuda", 0, &facts), MR_NO_DEVICE);
    EXPECT_NE(std::string(mr_last_error()).find(mr_backend_reason("cuda")), std::string::npos) << mr_last_error();
  }
}

TEST(ProductRate, IsAPositiveNumberAndItsArgumentsAreChecked) {
  double rate = 0;
  ASSERT_EQ(mr_device_product_rate("reference", "fp32", 17, 0.0, &rate), MR_OK) << mr_last_error();
  EXPECT_GT(rate, 0.0);
  EXPECT_EQ(mr_device_product_rate("reference", "fp32", 0, 0.0, &rate), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_device_product_rate("reference", "fp12", 17, 0.0, &rate), MR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace millrace::testing
