// The trainer's C API: steps, evaluation and logits. Checks what comes in and hands each call to all ranks.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/guard.h"
#include "api/trainer_handle.h"
#include "millrace/trainer.h"

using millrace::guarded;
using millrace::invalid_argument;
using millrace::not_null;
using millrace::OpTime;
using millrace::Rank;
using millrace::Status;
using millrace::StepResult;
using millrace::TrainerConfig;

namespace {

// Ids of the vocabulary, or -1: an input that embeds as nothing and a target that is not counted.
Status check_tokens(const int32_t* tokens, int64_t rows, int64_t columns, int64_t vocab_size, int32_t least) {
  for (int64_t i = 0; i < rows * columns; ++i) {
    if (tokens[i] >= least && tokens[i] < vocab_size) continue;
    return invalid_argument("expected an id in [" + std::to_string(least) + ", " + std::to_string(vocab_size) +
                            ") for tokens[" + std::to_string(i / columns) + "][" + std::to_string(i % columns) +
                            "], got " + std::to_string(tokens[i]));
  }
  return millrace::ok();
}

bool any_target(const int32_t* tokens, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows * columns; ++i) {
    if (i % columns != 0 && tokens[i] >= 0) return true;
  }
  return false;
}

Status check_batch(const mr_trainer& trainer, const int32_t* tokens, const int64_t* samples) {
  MR_RETURN_IF_ERROR(not_null(tokens, "tokens"));
  MR_RETURN_IF_ERROR(not_null(samples, "samples"));
  const TrainerConfig& config = trainer.config();
  const int64_t columns = config.sequence_length + 1;
  MR_RETURN_IF_ERROR(check_tokens(tokens, config.global_batch, columns, config.model.vocab_size, -1));
  if (any_target(tokens, config.global_batch, columns)) return millrace::ok();
  return invalid_argument("expected at least one counted target for tokens, got none");
}

Status submit(mr_trainer& trainer, const int32_t* tokens, const int64_t* samples) {
  MR_RETURN_IF_ERROR(check_batch(trainer, tokens, samples));
  return trainer.run_together([&](Rank& rank) { return rank.submit(tokens, samples); });
}

// The result that `finish` gives on rank 0.
Status finish_step(mr_trainer& trainer, const std::function<Status(Rank&, StepResult*)>& finish, mr_step_result* out) {
  StepResult result;
  MR_RETURN_IF_ERROR(trainer.run_together([&](Rank& rank) -> Status {
    StepResult own;
    MR_RETURN_IF_ERROR(finish(rank, &own));
    if (trainer.is_first_here(rank)) result = std::move(own);
    return millrace::ok();
  }));
  *out = mr_step_result{result.step,
                        result.loss,
                        result.gradient_norm,
                        result.learning_rate,
                        result.loss_scale,
                        result.num_tokens,
                        result.skipped ? 1 : 0,
                        result.skipped ? trainer.keep_overflow(std::move(result.overflow)) : nullptr,
                        result.seconds,
                        result.communication_seconds};
  return millrace::ok();
}

Status collect(mr_trainer& trainer, mr_step_result* out) {
  return finish_step(
      trainer, [](Rank& rank, StepResult* own) { return rank.collect(own); }, out);
}

}  // namespace

extern "C" {

mr_code mr_trainer_steps_ahead(const mr_trainer* trainer, int32_t* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    *out = trainer->steps_ahead();
    return millrace::ok();
  });
}

mr_code mr_trainer_submit(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    if (trainer->num_outstanding() > trainer->steps_ahead()) {
      return invalid_argument("expected at most " + std::to_string(trainer->steps_ahead() + 1) +
                              " steps to be outstanding, got one more; collect one first");
    }
    return submit(*trainer, tokens, samples);
  });
}

mr_code mr_trainer_collect(mr_trainer* trainer, mr_step_result* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    if (trainer->num_outstanding() == 0) return invalid_argument("expected a submitted step for collect, got none");
    return collect(*trainer, out);
  });
}

mr_code mr_trainer_step(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples, mr_step_result* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    MR_RETURN_IF_ERROR(trainer->settled("step"));
    MR_RETURN_IF_ERROR(submit(*trainer, tokens, samples));
    return collect(*trainer, out);
  });
}

mr_code mr_trainer_profile(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples, mr_step_result* out,
                           const mr_op_time** rows, int64_t* num_rows) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    MR_RETURN_IF_ERROR(not_null(rows, "rows"));
    MR_RETURN_IF_ERROR(not_null(num_rows, "num_rows"));
    MR_RETURN_IF_ERROR(trainer->settled("profile"));
    MR_RETURN_IF_ERROR(check_batch(*trainer, tokens, samples));
    std::vector<OpTime> times;
    const auto profiled = [&](Rank& rank, StepResult* own) -> Status {
      std::vector<OpTime> own_times;
      MR_RETURN_IF_ERROR(rank.profile(tokens, samples, own, &own_times));
      if (trainer->is_first_here(rank)) times = std::move(own_times);
      return millrace::ok();
    };
    MR_RETURN_IF_ERROR(finish_step(*trainer, profiled, out));
    const std::vector<mr_op_time>& kept = trainer->keep_profile(std::move(times));
    *rows = kept.data();
    *num_rows = static_cast<int64_t>(kept.size());
    return millrace::ok();
  });
}

mr_code mr_trainer_evaluate(mr_trainer* trainer, const int32_t* tokens, int64_t num_sequences, double* loss_sum,
                            int64_t* num_tokens) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(tokens, "tokens"));
    MR_RETURN_IF_ERROR(not_null(loss_sum, "loss_sum"));
    MR_RETURN_IF_ERROR(not_null(num_tokens, "num_tokens"));
    MR_RETURN_IF_ERROR(trainer->settled("evaluate"));
    const TrainerConfig& config = trainer->config();
    if (num_sequences < 0) {
      return invalid_argument("expected at least 0 for num_sequences, got " + std::to_string(num_sequences));
    }
    MR_RETURN_IF_ERROR(check_tokens(tokens, num_sequences, config.sequence_length + 1, config.model.vocab_size, -1));
    double sum = 0;
    int64_t count = 0;
    MR_RETURN_IF_ERROR(trainer->run_together([&](Rank& rank) -> Status {
      double own_sum = 0;
      int64_t own_count = 0;
      MR_RETURN_IF_ERROR(rank.evaluate(tokens, num_sequences, &own_sum, &own_count));
      if (trainer->is_first_here(rank)) {
        sum = own_sum;
        count = own_count;
      }
      return millrace::ok();
    }));
    *loss_sum = sum;
    *num_tokens = count;
    return millrace::ok();
  });
}

mr_code mr_trainer_logits(mr_trainer* trainer, const int32_t* tokens, int64_t length, float* logits) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(tokens, "tokens"));
    MR_RETURN_IF_ERROR(not_null(logits, "logits"));
    MR_RETURN_IF_ERROR(trainer->need_all_ranks("logits"));
    MR_RETURN_IF_ERROR(trainer->settled("logits"));
    const TrainerConfig& config = trainer->config();
    if (length < 1 || length > config.sequence_length) {
      return invalid_argument("expected 1 to " + std::to_string(config.sequence_length) + " for length, got " +
                              std::to_string(length));
    }
    MR_RETURN_IF_ERROR(check_tokens(tokens, 1, length, config.model.vocab_size, 0));
    return trainer->run_together([&](Rank& rank) { return rank.logits(tokens, length, logits); });
  });
}

mr_code mr_trainer_step_count(const mr_trainer* trainer, int64_t* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    *out = trainer->progress().steps;
    return millrace::ok();
  });
}

}  // extern "C"
