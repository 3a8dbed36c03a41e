#include "dump.h"

#include <filesystem>
#include <sstream>
#include <system_error>

namespace millrace::testing {

namespace {

const char* name_of(Type type) {
  switch (type) {
    case Type::kTable:
      return "table";
    case Type::kWide:
      return "wide";
    case Type::kF64:
      return "f64";
    case Type::kI32:
      return "i32";
    case Type::kI64:
      break;
  }
  return "i64";
}

template <class Values>
std::string list_text(const Values& values, size_t count) {
  std::ostringstream text;
  for (size_t i = 0; i < count; ++i) text << (i == 0 ? "[" : ", ") << values[i];
  text << (count == 0 ? "[]" : "]");
  return text.str();
}

// What dropout_of() of op_cases.h makes.
std::string dropout_text(const RandomCase& one) {
  const Dropout dropout = dropout_of(one.p, one.site, Tensor{});
  const Argument samples = sample_numbers(one.numbers[0]);
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < one.numbers[0]; ++i) numbers.push_back(static_cast<int64_t>(samples.value(i)));
  std::ostringstream text;
  text << R"("dropout": {"p": )" << dropout.p << R"(, "seed": ")" << dropout.key.seed << R"(", "step": )"
       << dropout.key.step << R"(, "layer": )" << dropout.key.layer << R"(, "site": )"
       << static_cast<uint32_t>(one.site) << R"(, "samples": )" << list_text(numbers, numbers.size()) << "}, ";
  return text.str();
}

std::string offset_text(int64_t offset) { return offset < 0 ? "null" : std::to_string(offset); }

Status io_error(const std::string& path) { return Status(MR_IO, "expected to write " + path + ", got an error"); }

}  // namespace

Status Dump::create(const std::string& dir, const std::string& precision, Dump* out) {
  out->folder_ = dir + "/" + precision;
  std::error_code error;
  std::filesystem::create_directories(out->folder_, error);
  out->values_ = std::fopen((out->folder_ + "/values.f64").c_str(), "wb");
  out->index_ = "{\"precision\": \"" + precision + "\", \"cases\": [";
  return out->values_ == nullptr ? io_error(out->folder_) : ok();
}

Status Dump::write(const Values& values, size_t argument, bool present, int64_t* offset) {
  *offset = -1;
  if (!present) return ok();
  const std::vector<double>& v = values[argument];
  if (std::fwrite(v.data(), sizeof(double), v.size(), values_) != v.size()) return io_error(folder_);
  *offset = num_values_;
  num_values_ += static_cast<int64_t>(v.size());
  return ok();
}

Status Dump::add(const RandomCase& one, const Values& before, const Values& expected, const Values& actual) {
  const OpCase& op = one.op_case;
  std::ostringstream text;
  text << (index_.back() == '[' ? "\n" : ",\n") << R"( {"op": ")" << one.op << R"(", "name": ")" << op.name
       << R"(", "numbers": )" << list_text(one.numbers, one.numbers.size()) << ", "
       << (one.p > 0 ? dropout_text(one) : "") << R"("arguments": [)";
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    const Argument& argument = op.arguments[a];
    const bool written = argument.role != Role::kIn;
    int64_t offsets[3];
    MR_RETURN_IF_ERROR(write(before, a, argument.role != Role::kOut, &offsets[0]));
    MR_RETURN_IF_ERROR(write(expected, a, written, &offsets[1]));
    MR_RETURN_IF_ERROR(write(actual, a, written, &offsets[2]));
    text << (a == 0 ? "\n" : ",\n") << R"(  {"name": ")" << argument.name << R"(", "type": ")" << name_of(argument.type)
         << R"(", "shape": )" << list_text(argument.shape.dims, static_cast<size_t>(argument.shape.rank))
         << R"(, "before": )" << offset_text(offsets[0]) << R"(, "expected": )" << offset_text(offsets[1])
         << R"(, "actual": )" << offset_text(offsets[2]) << "}";
  }
  text << "]}";
  index_ += text.str();
  return ok();
}

Status Dump::finish() {
  if (std::fclose(values_) != 0) return io_error(folder_);
  values_ = nullptr;
  std::FILE* file = std::fopen((folder_ + "/cases.json").c_str(), "w");
  if (file == nullptr) return io_error(folder_);
  const bool written = std::fputs((index_ + "]}\n").c_str(), file) >= 0;
  return std::fclose(file) == 0 && written ? ok() : io_error(folder_);
}

}  // namespace millrace::testing
