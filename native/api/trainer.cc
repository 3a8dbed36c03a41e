// The trainer's C API, apart from its steps: checks what comes in and hands each call to all ranks.
#include "millrace/trainer.h"

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "api/backend.h"
#include "api/guard.h"
#include "api/trainer_config.h"
#include "api/trainer_handle.h"

using millrace::guarded;
using millrace::invalid_argument;
using millrace::not_null;
using millrace::OpTable;
using millrace::Parameter;
using millrace::Rank;
using millrace::Status;
using millrace::TrainerConfig;

namespace {

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

int32_t mr_backend_available(const char* backend) { return mr_backend_reason(backend)[0] == '\0' ? 1 : 0; }

const char* mr_backend_reason(const char* backend) {
  thread_local std::string reason;
  try {
    reason = millrace::backend_reason(backend == nullptr ? "nothing" : backend);
    return reason.c_str();
  } catch (const std::exception&) {
    return "out of memory";
  }
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
    millrace::RanksHere here;
    MR_RETURN_IF_ERROR(millrace::read_trainer_config(*config, &checked));
    MR_RETURN_IF_ERROR(millrace::RanksHere::find(checked, &here));
    MR_RETURN_IF_ERROR(millrace::Fault::parse(std::getenv("MILLRACE_FAULT"), &checked.fault));
    MR_RETURN_IF_ERROR(millrace::find_backend(*config, &ops));
    MR_RETURN_IF_ERROR(millrace::open_status_page(config->status_page, config->status_page_bytes, here.count, &rows));
    auto trainer = std::make_unique<mr_trainer>(checked, here, rows);
    MR_RETURN_IF_ERROR(trainer->create_ranks(*ops));
    *out = trainer.release();
    return millrace::ok();
  });
}

void mr_trainer_destroy(mr_trainer* trainer) { delete trainer; }

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
    MR_RETURN_IF_ERROR(trainer->need_all_ranks("read_tensor"));
    MR_RETURN_IF_ERROR(trainer->settled("read_tensor"));
    return trainer->run_apart([&](Rank& rank) { return rank.read_tensor(wanted == "gradient", name, out); });
  });
}

mr_code mr_trainer_write_parameter(mr_trainer* trainer, const char* name, const float* values, size_t num_elements) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(not_null(trainer, "trainer"));
    MR_RETURN_IF_ERROR(not_null(name, "name"));
    MR_RETURN_IF_ERROR(not_null(values, "values"));
    MR_RETURN_IF_ERROR(find_parameter(*trainer, name, num_elements));
    MR_RETURN_IF_ERROR(trainer->need_all_ranks("write_parameter"));
    MR_RETURN_IF_ERROR(trainer->settled("write_parameter"));
    return trainer->run_apart([&](Rank& rank) { return rank.write_parameter(name, values); });
  });
}

}  // extern "C"
