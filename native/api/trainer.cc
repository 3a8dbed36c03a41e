// The trainer's C API: checks what comes in and hands each call to all ranks.
#include "millrace/trainer.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/guard.h"
#include "api/trainer_config.h"
#include "api/trainer_handle.h"
#include "core/backend.h"

using millrace::guarded;
using millrace::invalid_argument;
using millrace::not_null;
using millrace::OpTable;
using millrace::Parameter;
using millrace::Rank;
using millrace::Status;
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

Status find_parameter(const mr_trainer& trainer, const char* name, size_t num_elements) {
  for (const Parameter& parameter : trainer.parameters()) {
    if (parameter.spec.name != name) continue;
    const size_t wanted = static_cast<size_t>(parameter.spec.num_elements());
    if (wanted == num_elements) return millrace::ok();
    return invalid_argument("expected " + std::to_string(wanted) + " elements for " + name + ", got " +
                            std::to_string(num_elements));
  }
  return invalid_argument(std::string("expected the name of a parameter for name, got ") + name);
}

}  // namespace

extern "C" {

int32_t mr_backend_available(const char* backend) {
  const std::string_view name = backend == nullptr ? "" : backend;
  if (name == "cpu") return millrace::cpu_backend(millrace::DType::kF32) != nullptr ? 1 : 0;
  return name == "reference" && millrace::reference_backend(millrace::DType::kF32) != nullptr ? 1 : 0;
}

mr_code mr_trainer_plan(const mr_trainer_config* config, mr_memory_plan* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(config, "config"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    TrainerConfig checked;
    const OpTable* ops = nullptr;
    millrace::MemoryPlan plan;
    MR_RETURN_IF_ERROR(millrace::read_trainer_config(*config, &checked));
    MR_RETURN_IF_ERROR(millrace::find_backend(*config, &ops));
    MR_RETURN_IF_ERROR(Rank::plan(checked, *ops, &plan));
    *out = mr_memory_plan{plan.parameter_bytes,
                          plan.gradient_bytes,
                          plan.optimizer_bytes,
                          plan.activation_bytes,
                          plan.total_bytes,
                          plan.snapshot_bytes,
                          static_cast<uint64_t>(plan.num_parameters)};
    return millrace::ok();
  });
}

mr_code mr_trainer_create(const mr_trainer_config* config, mr_trainer** out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(config, "config"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    TrainerConfig checked;
    const OpTable* ops = nullptr;
    mr_status_row* rows = nullptr;
    MR_RETURN_IF_ERROR(millrace::read_trainer_config(*config, &checked));
    MR_RETURN_IF_ERROR(millrace::Fault::parse(std::getenv("MILLRACE_FAULT"), &checked.fault));
    MR_RETURN_IF_ERROR(millrace::find_backend(*config, &ops));
    MR_RETURN_IF_ERROR(
        millrace::open_status_page(config->status_page, config->status_page_bytes, checked.world(), &rows));
    auto trainer = std::make_unique<mr_trainer>(checked, rows);
    MR_RETURN_IF_ERROR(trainer->create_ranks(*ops));
    *out = trainer.release();
    return millrace::ok();
  });
}

void mr_trainer_destroy(mr_trainer* trainer) { delete trainer; }

mr_code mr_trainer_step(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples, mr_step_result* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(tokens, "tokens"));
    MR_RETURN_IF_ERROR(not_null(samples, "samples"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    const TrainerConfig& config = trainer->config();
    const int64_t columns = config.sequence_length + 1;
    MR_RETURN_IF_ERROR(check_tokens(tokens, config.global_batch, columns, config.model.vocab_size, -1));
    if (!any_target(tokens, config.global_batch, columns)) {
      return invalid_argument("expected at least one counted target for tokens, got none");
    }
    millrace::StepResult result;
    MR_RETURN_IF_ERROR(trainer->run_together([&](Rank& rank) -> Status {
      millrace::StepResult own;
      MR_RETURN_IF_ERROR(rank.step(tokens, samples, &own));
      if (rank.place().rank == 0) result = own;
      return millrace::ok();
    }));
    *out = mr_step_result{result.step,
                          result.loss,
                          result.gradient_norm,
                          result.learning_rate,
                          result.loss_scale,
                          result.num_tokens,
                          result.skipped ? 1 : 0,
                          result.skipped ? trainer->keep_overflow(std::move(result.overflow)) : nullptr,
                          result.seconds,
                          result.communication_seconds};
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
      if (rank.place().rank == 0) {
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

mr_code mr_trainer_tensor_count(const mr_trainer* trainer, int64_t* out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    *out = static_cast<int64_t>(trainer->parameters().size());
    return millrace::ok();
  });
}

mr_code mr_trainer_tensor_info(const mr_trainer* trainer, int64_t index, const char** name, int64_t* rows,
                               int64_t* columns) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(name, "name"));
    MR_RETURN_IF_ERROR(not_null(rows, "rows"));
    MR_RETURN_IF_ERROR(not_null(columns, "columns"));
    const int64_t count = static_cast<int64_t>(trainer->parameters().size());
    if (index < 0 || index >= count) {
      return invalid_argument("expected 0 to " + std::to_string(count - 1) + " for index, got " +
                              std::to_string(index));
    }
    const millrace::ParameterSpec& spec = trainer->parameters()[static_cast<size_t>(index)].spec;
    *name = spec.name.c_str();
    *rows = spec.rows;
    *columns = spec.columns;
    return millrace::ok();
  });
}

mr_code mr_trainer_read_tensor(mr_trainer* trainer, const char* kind, const char* name, float* out,
                               size_t num_elements) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(kind, "kind"));
    MR_RETURN_IF_ERROR(not_null(name, "name"));
    MR_RETURN_IF_ERROR(not_null(out, "out"));
    const std::string wanted = kind;
    if (wanted != "parameter" && wanted != "gradient") {
      return invalid_argument("expected parameter or gradient for kind, got " + wanted);
    }
    MR_RETURN_IF_ERROR(find_parameter(*trainer, name, num_elements));
    return trainer->run_apart([&](Rank& rank) { return rank.read_tensor(wanted == "gradient", name, out); });
  });
}

mr_code mr_trainer_write_parameter(mr_trainer* trainer, const char* name, const float* values, size_t num_elements) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(name, "name"));
    MR_RETURN_IF_ERROR(not_null(values, "values"));
    MR_RETURN_IF_ERROR(find_parameter(*trainer, name, num_elements));
    return trainer->run_apart([&](Rank& rank) { return rank.write_parameter(name, values); });
  });
}

}  // extern "C"
