#include "train/checkpoint_header.h"

#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "train/crc32.h"

namespace millrace {

namespace {

constexpr const char* kFormat = "millrace-checkpoint";
constexpr const char* kVersion = "1";
constexpr const char* kHeaderChecksum = "crc32";  // of the header itself, computed with kNoChecksum in this place
constexpr const char* kNoChecksum = "00000000";

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.17g", value);
  return buffer;
}

std::string checksum_key(const std::string& tensor) { return "crc32." + tensor; }

std::vector<int64_t> shape_of(const ParameterSpec& spec) {
  return spec.dims == 1 ? std::vector<int64_t>{spec.rows} : std::vector<int64_t>{spec.rows, spec.columns};
}

std::string text(const std::vector<int64_t>& shape) {
  std::string list = "[";
  for (size_t i = 0; i < shape.size(); ++i) list += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return list + "]";
}

std::string value_of(const SafetensorsHeader& header, const std::string& key) {
  const auto at = header.metadata.find(key);
  return at == header.metadata.end() ? "none" : at->second;
}

std::map<std::string, std::string> architecture_of(const ModelConfig& model) {
  return {
      {"model.num_layers", std::to_string(model.num_layers)},
      {"model.hidden_size", std::to_string(model.hidden_size)},
      {"model.num_heads", std::to_string(model.num_heads)},
      {"model.context_length", std::to_string(model.context_length)},
      {"model.vocab_size", std::to_string(model.vocab_size)},
      {"model.gelu", model.gelu == Gelu::kTanh ? "tanh" : "erf"},
      {"model.layernorm_epsilon", text(model.layernorm_epsilon)},
  };
}

Status read_count(const SafetensorsHeader& header, const char* key, int64_t* out) {
  const std::string value = value_of(header, key);
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, *out);
  if (error == std::errc{} && stop == end && *out >= 0) return ok();
  return Status(MR_CORRUPT, std::string("expected a count for ") + key + ", got " + value);
}

Status read_scale(const SafetensorsHeader& header, const char* key, double* out) {
  const std::string value = value_of(header, key);
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, *out);
  if (error == std::errc{} && stop == end && *out > 0 && std::isfinite(*out)) return ok();
  return Status(MR_CORRUPT, std::string("expected a positive number for ") + key + ", got " + value);
}

const char* precision_of(const TrainerConfig& config) {
  switch (config.dtype) {
    case DType::kF64:
      return "fp64";
    case DType::kBF16:
      return "bf16";
    case DType::kF16:
      return "fp16";
    default:
      return "fp32";
  }
}

void write_loss_scale(const Progress& progress, std::map<std::string, std::string>* metadata) {
  metadata->insert_or_assign("loss_scale", text(progress.loss_scale));
  metadata->insert_or_assign("loss_scale.good_steps", std::to_string(progress.good_steps));
  metadata->insert_or_assign("loss_scale.hysteresis", std::to_string(progress.hysteresis));
  metadata->insert_or_assign("loss_scale.skipped", std::to_string(progress.skipped));
}

// Scales are for one precision: a run in another begins with its own, as does one from a file that says none.
Status read_loss_scale(const SafetensorsHeader& header, const TrainerConfig& config, Progress* out) {
  *out = Progress::first(config.loss_scale);
  if (value_of(header, "precision") != precision_of(config)) return ok();
  MR_RETURN_IF_ERROR(read_scale(header, "loss_scale", &out->loss_scale));
  MR_RETURN_IF_ERROR(read_count(header, "loss_scale.good_steps", &out->good_steps));
  MR_RETURN_IF_ERROR(read_count(header, "loss_scale.hysteresis", &out->hysteresis));
  return read_count(header, "loss_scale.skipped", &out->skipped);
}

Status check_format(const SafetensorsHeader& header) {
  if (value_of(header, "format") != kFormat) {
    return invalid_argument(std::string("expected ") + kFormat + " for format, got " + value_of(header, "format"));
  }
  if (value_of(header, "version") != kVersion) {
    return invalid_argument(std::string("expected version ") + kVersion + " of the checkpoint format, got " +
                            value_of(header, "version") + "; load it with the release that wrote it");
  }
  SafetensorsHeader blank = header;
  blank.metadata[kHeaderChecksum] = kNoChecksum;
  const std::string bytes = format_safetensors_header(blank);
  const std::string found = checksum_text(crc32(bytes.data(), bytes.size()));
  const std::string stated = value_of(header, kHeaderChecksum);
  if (bytes.size() == header.data_offset && found == stated) return ok();
  return Status(MR_CORRUPT, "expected checksum " + stated + " for the header, got " + found);
}

Status check_tensors(const SafetensorsHeader& header, const ParameterSet& parameters, DType dtype) {
  std::set<std::string> expected_names;
  for (const CheckpointKind& kind : kCheckpointKinds) {
    for (const Parameter& parameter : parameters.all()) {
      const std::string name = kind.prefix + parameter.spec.name;
      expected_names.insert(name);
      const std::vector<int64_t> wanted = shape_of(parameter.spec);
      const SafetensorsEntry* entry = header.find(name);
      const std::string expected =
          std::string("expected ") + safetensors_dtype(dtype) + " " + text(wanted) + " for " + name + ", got ";
      if (entry == nullptr) return invalid_argument(expected + "no such tensor");
      if (entry->shape != wanted || entry->dtype != dtype) {
        return invalid_argument(expected + safetensors_dtype(entry->dtype) + " " + text(entry->shape));
      }
    }
  }
  for (const SafetensorsEntry& entry : header.entries) {
    if (expected_names.erase(entry.name) == 1) continue;
    return invalid_argument("expected no tensor " + entry.name + " for this model, got one");
  }
  return ok();
}

}  // namespace

std::string checksum_text(uint32_t checksum) {
  char buffer[9];
  std::snprintf(buffer, sizeof(buffer), "%08" PRIx32, checksum);
  return buffer;
}

std::string stated_checksum(const SafetensorsHeader& header, const std::string& tensor) {
  const auto at = header.metadata.find(checksum_key(tensor));
  return at == header.metadata.end() ? "" : at->second;
}

SafetensorsHeader checkpoint_header(const TrainerConfig& config, const std::vector<ParameterSpec>& specs,
                                    const Progress& progress) {
  SafetensorsHeader header;
  header.metadata = architecture_of(config.model);
  // Not by operator[]: GCC 12 warns of an overlap in the assignment of a literal of one character.
  header.metadata.emplace("format", kFormat);
  header.metadata.emplace("version", kVersion);
  header.metadata["step"] = std::to_string(progress.steps);
  header.metadata["updates"] = std::to_string(progress.updates);
  header.metadata["seed"] = std::to_string(config.seed);
  header.metadata["precision"] = precision_of(config);
  write_loss_scale(progress, &header.metadata);
  header.metadata[kHeaderChecksum] = kNoChecksum;
  const DType dtype = wide_dtype(config.dtype);
  uint64_t offset = 0;
  for (const CheckpointKind& kind : kCheckpointKinds) {
    for (const ParameterSpec& spec : specs) {
      SafetensorsEntry entry;
      entry.name = kind.prefix + spec.name;
      entry.dtype = dtype;
      entry.shape = shape_of(spec);
      entry.begin = offset;
      offset += static_cast<uint64_t>(spec.num_elements()) * dtype_bytes(dtype);
      entry.end = offset;
      header.metadata[checksum_key(entry.name)] = kNoChecksum;
      header.entries.push_back(std::move(entry));
    }
  }
  header.data_offset = format_safetensors_header(header).size();
  return header;
}

std::string seal_checkpoint_header(SafetensorsHeader& header, const std::vector<uint32_t>& checksums) {
  for (size_t i = 0; i < header.entries.size(); ++i) {
    header.metadata[checksum_key(header.entries[i].name)] = checksum_text(checksums[i]);
  }
  const std::string blank = format_safetensors_header(header);
  header.metadata[kHeaderChecksum] = checksum_text(crc32(blank.data(), blank.size()));
  return format_safetensors_header(header);
}

Status check_checkpoint_header(const SafetensorsHeader& header, const TrainerConfig& config,
                               const ParameterSet& parameters, Progress* progress) {
  MR_RETURN_IF_ERROR(check_format(header));
  MR_RETURN_IF_ERROR(check_tensors(header, parameters, wide_dtype(config.dtype)));
  // Shapes cannot tell the number of heads, the form of GELU or the epsilon.
  for (const auto& [key, wanted] : architecture_of(config.model)) {
    if (value_of(header, key) == wanted) continue;
    return invalid_argument("expected " + wanted + " for " + key + ", got " + value_of(header, key));
  }
  MR_RETURN_IF_ERROR(read_loss_scale(header, config, progress));
  MR_RETURN_IF_ERROR(read_count(header, "step", &progress->steps));
  return read_count(header, "updates", &progress->updates);
}

}  // namespace millrace
