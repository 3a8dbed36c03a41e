// Every op of the backend against the f64 reference, at the fixed cases of op_cases.h and at random shapes: errors,
// what ops must not touch, and the same bits twice.
#include <cmath>
#include <map>
#include <memory>

#include "core/backend.h"
#include "device_case.h"
#include "dump.h"
#include "gpu_check.h"
#include "gpu_device.h"
#include "random_cases.h"

namespace millrace::testing {

namespace {

struct Precision {
  const char* name;
  DType dtype;
  double bound;
};

// f32 loses about sqrt(n) roundings of 6e-8 in a sum of n terms, here at most 5,000, and more where terms cancel. A
// 16-bit case runs up to five ops, each of which rounds what it writes once (2^-8 or 2^-11 between neighbours) and
// reads what the one before rounded.
constexpr Precision kPrecisions[] = {
    {"fp32", DType::kF32, 3e-5}, {"bf16", DType::kBF16, 3 * 0x1p-8}, {"fp16", DType::kF16, 3 * 0x1p-11}};

struct Worst {
  double error = 0;
  std::string where;
  int cases = 0;

  void take(double value, const std::string& place) {
    if (value > error || !(value == value)) {
      error = value;
      where = place;
    }
  }
};

// "linear with bias" of "linear with bias 3 5 7".
std::string kind_of(const std::string& name) {
  size_t end = name.find(' ');
  while (end + 1 < name.size() && (name[end + 1] < '0' || name[end + 1] > '9')) end = name.find(' ', end + 1);
  return name.substr(0, end);
}

// The fixed cases, and the random ones that can be dumped.
std::vector<RandomCase> all_checked_cases(const CheckOptions& options) {
  std::vector<RandomCase> cases = random_cases(options.seed, options.quick ? 1 : 6, options.quick);
  for (OpCase& op : all_cases()) cases.push_back({"", {}, 0, Site::kInit, std::move(op)});
  return cases;
}

class OpCheck {
 public:
  OpCheck(CheckReport& report, Device& device, const Precision& precision, const OpTable& table)
      : report_(report), precision_(precision), table_(table), rank_(device), oracle_(2, size_t{512} << 20) {}

  Status run(const std::vector<RandomCase>& cases) {
    const std::string& dir = report_.options().dump_dir;
    if (!dir.empty()) MR_RETURN_IF_ERROR(Dump::create(dir, precision_.name, &dump_));
    for (const RandomCase& one : cases) {
      const Status status = run_case_of(one, !dir.empty() && !one.op.empty());
      if (status.ok()) continue;
      report_.fail(std::string("op ") + one.op_case.name + " " + precision_.name, status.message());
    }
    for (const auto& [kind, worst] : errors_) {
      report_.add("op " + kind + " " + precision_.name, worst.error, precision_.bound,
                  std::to_string(worst.cases) + " cases; " + worst.where);
    }
    report_.add(std::string("ops touch nothing else ") + precision_.name, num_faults_, 0, fault_);
    report_.add(std::string("ops give the same bits twice ") + precision_.name, num_different_, 0, different_);
    return dir.empty() ? ok() : dump_.finish();
  }

 private:
  Status run_case_of(const RandomCase& one, bool dumped) {
    const OpCase& op = one.op_case;
    const Values before = initial_values(op, table_.dtype);
    Values expected;
    CaseResult actual, again;
    std::vector<char> image, second_image;
    MR_RETURN_IF_ERROR(run_case(op, *reference_backend(DType::kF64), oracle_, before, &expected));
    MR_RETURN_IF_ERROR(run_on_device(op, table_, rank_, before, &actual, &image));
    MR_RETURN_IF_ERROR(run_on_device(op, table_, rank_, before, &again, &second_image));
    Worst& worst = errors_[kind_of(op.name)];
    ++worst.cases;
    for (size_t a = 0; a < op.arguments.size(); ++a) {
      worst.take(relative_difference(expected[a], actual.after[a]), op.name + ", " + op.arguments[a].name);
    }
    for (const std::string& fault : actual.faults) {
      ++num_faults_;
      fault_ = op.name + ": " + fault;
    }
    if (image != second_image) {
      ++num_different_;
      different_ = op.name;
    }
    return dumped ? dump_.add(one, before, expected, actual.after) : ok();
  }

  CheckReport& report_;
  const Precision& precision_;
  const OpTable& table_;
  DeviceRank rank_;
  Rank oracle_;
  Dump dump_;
  std::map<std::string, Worst> errors_;
  double num_faults_ = 0, num_different_ = 0;
  std::string fault_, different_;
};

}  // namespace

void check_ops(CheckReport& report) {
  const std::vector<RandomCase> cases = all_checked_cases(report.options());
  for (const Precision& precision : kPrecisions) {
    const std::string name = std::string("ops ") + precision.name;
    if (!report.wanted(name)) continue;
    report.run(name, [&]() -> Status {
      const OpTable* table = backend_of(report.options().backend, precision.dtype);
      if (table == nullptr) return Status(MR_NO_DEVICE, "this build has no such table");
      std::shared_ptr<Device> device;
      MR_RETURN_IF_ERROR(open_device(report.options().backend, true, &device));
      OpCheck check(report, *device, precision, *table);
      return check.run(cases);
    });
  }
}

}  // namespace millrace::testing
