// gpu-check: does the CUDA backend compute on this machine what the CPU computes? Needs neither Node nor a test
// framework.
//
//   gpu-check [--quick] [--only TEXT] [--seed N] [--backend cuda|cpu|reference] [--json FILE] [--dump DIR]
//
// Prints facts about the card and a row a check. Exit codes: 0 all agree, 1 a check failed, 2 wrong options, 3 there is
// no GPU that can be used. --only runs the checks whose name holds TEXT; --dump writes the op cases for peer_errors.py.
#include "gpu_check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "millrace/device.h"

namespace millrace::testing {

bool CheckReport::all_ok() const {
  for (const CheckRow& row : rows_) {
    if (!row.ok) return false;
  }
  return true;
}

void CheckReport::add(const std::string& name, double worst, double bound, const std::string& note) {
  add_row({name, worst, bound, worst <= bound, note});
}

void CheckReport::fail(const std::string& name, const std::string& why) { add_row({name, 0, 0, false, why}); }

void CheckReport::run(const std::string& name, const std::function<Status()>& check) {
  Status status;
  try {
    status = check();
  } catch (const std::exception& error) {
    status = internal_error(error.what());
  }
  if (!status.ok()) fail(name, status.message());
}

void CheckReport::add_row(CheckRow row) {
  std::printf("%-4s %-52s %10.2e %10.2e  %s\n", row.ok ? "ok" : "FAIL", row.name.c_str(), row.worst, row.bound,
              row.note.c_str());
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

namespace {

constexpr int kWrongOptions = 2;
constexpr int kNoDevice = 3;

struct Command {
  CheckOptions options;
  std::string json;
};

bool parse(int count, char** arguments, Command* out) {
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--quick") {
      out->options.quick = true;
      continue;
    }
    std::string* const text = name == "--only"      ? &out->options.only
                              : name == "--backend" ? &out->options.backend
                              : name == "--json"    ? &out->json
                              : name == "--dump"    ? &out->options.dump_dir
                                                    : nullptr;
    if ((text == nullptr && name != "--seed") || i + 1 == count) {
      std::fprintf(stderr, "expected an option of gpu-check with its value, got %s\n", arguments[i]);
      return false;
    }
    const char* value = arguments[++i];
    if (text != nullptr) {
      *text = value;
    } else {
      out->options.seed = std::strtoull(value, nullptr, 10);
    }
  }
  return true;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void print_facts(const mr_device_facts& facts) {
  std::printf("%s: %d multiprocessors, %.1f GB, %d of the kind\n", facts.name, facts.multiprocessors,
              static_cast<double>(facts.memory_bytes) * 1e-9, facts.count);
  std::printf("CUDA %d (driver %d), cuBLASLt %d, cuDNN %d, NCCL %d (0: not found)\n", facts.runtime, facts.driver,
              facts.cublas_lt, facts.cudnn, facts.nccl);
}

// The figure as JSON has it: there is no infinity and no "not a number".
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9e", value);
  return value - value == 0 ? text : "null";
}

bool write_json(const std::string& path, const mr_device_facts& facts, const CheckReport& report) {
  if (path.empty()) return true;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "expected to write %s, got an error\n", path.c_str());
    return false;
  }
  std::fprintf(file,
               "{\"card\": \"%s\", \"cuda_driver\": %d, \"cuda_runtime\": %d, \"cublas_lt\": %d, \"cudnn\": %d,\n",
               escaped(facts.name).c_str(), facts.driver, facts.runtime, facts.cublas_lt, facts.cudnn);
  std::fprintf(file, " \"nccl\": %d, \"seed\": %llu, \"quick\": %s, \"ok\": %s, \"checks\": [", facts.nccl,
               static_cast<unsigned long long>(report.options().seed), report.options().quick ? "true" : "false",
               report.all_ok() ? "true" : "false");
  bool first = true;
  for (const CheckRow& row : report.rows()) {
    std::fprintf(file, "%s\n  {\"name\": \"%s\", \"worst\": %s, \"bound\": %s, \"ok\": %s, \"note\": \"%s\"}",
                 first ? "" : ",", escaped(row.name).c_str(), number(row.worst).c_str(), number(row.bound).c_str(),
                 row.ok ? "true" : "false", escaped(row.note).c_str());
    first = false;
  }
  std::fprintf(file, "]}\n");
  return std::fclose(file) == 0;
}

int run(int count, char** arguments) {
  Command command;
  if (!parse(count, arguments, &command)) return kWrongOptions;
  const CheckOptions& options = command.options;
  mr_device_facts facts{};
  if (mr_device_facts_of(options.backend.c_str(), 0, &facts) != MR_OK) {
    std::fprintf(stderr, "no device for %s: %s\n", options.backend.c_str(), mr_last_error());
    return kNoDevice;
  }
  print_facts(facts);
  std::printf("seed %llu\n%-4s %-52s %10s %10s  %s\n", static_cast<unsigned long long>(options.seed), "", "check",
              "worst", "bound", "where");
  CheckReport report(options);
  check_ops(report);
  check_masks(report);
  check_attention_engines(report);
  check_communicator(report);
  check_training(report);
  check_replay(report);

  size_t failed = 0;
  for (const CheckRow& row : report.rows()) failed += row.ok ? 0 : 1;
  std::printf("%zu checks, %zu failed\n", report.rows().size(), failed);
  if (!write_json(command.json, facts, report)) return 1;
  // A run that checked nothing agrees with nothing.
  return failed == 0 && !report.rows().empty() ? 0 : 1;
}

}  // namespace

}  // namespace millrace::testing

int main(int count, char** arguments) { return millrace::testing::run(count, arguments); }
