// GPT-2's table of logical tensors: names, shapes, how ranks share them, decay and initialisation.
#include <cmath>
#include <string>
#include <utility>

#include "model/gpt2.h"

namespace millrace {

namespace {

ParameterSpec matrix(std::string name, int64_t rows, int64_t columns, Split split, double std) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.rows = spec.padded_rows = rows;
  spec.columns = columns;
  spec.dims = 2;
  spec.split = split;
  spec.decays = true;
  spec.init_std = std;
  return spec;
}

ParameterSpec vector(std::string name, int64_t rows, Split split, double value) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.rows = spec.padded_rows = rows;
  spec.split = split;
  spec.init_value = value;
  return spec;
}

}  // namespace

std::vector<ParameterSpec> gpt2_parameters(const ModelConfig& config, double init_std) {
  const int64_t channels = config.hidden_size;
  const int64_t wide = config.feed_forward_size();
  const double residual_std = init_std / std::sqrt(2.0 * static_cast<double>(config.num_layers));
  std::vector<ParameterSpec> table;
  table.push_back(matrix("wte.weight", config.vocab_size, channels, Split::kRows, init_std));
  table.back().padded_rows = config.padded_vocab_size;
  table.push_back(matrix("wpe.weight", config.context_length, channels, Split::kReplicated, init_std));
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    const std::string prefix = "h." + std::to_string(layer) + ".";
    table.push_back(vector(prefix + "ln_1.weight", channels, Split::kReplicated, 1.0));
    table.push_back(vector(prefix + "ln_1.bias", channels, Split::kReplicated, 0.0));
    table.push_back(matrix(prefix + "attn.qkv.weight", 3 * channels, channels, Split::kHeads, init_std));
    table.push_back(vector(prefix + "attn.qkv.bias", 3 * channels, Split::kHeads, 0.0));
    table.push_back(matrix(prefix + "attn.out.weight", channels, channels, Split::kColumns, residual_std));
    table.push_back(vector(prefix + "attn.out.bias", channels, Split::kReplicated, 0.0));
    table.push_back(vector(prefix + "ln_2.weight", channels, Split::kReplicated, 1.0));
    table.push_back(vector(prefix + "ln_2.bias", channels, Split::kReplicated, 0.0));
    table.push_back(matrix(prefix + "mlp.up.weight", wide, channels, Split::kRows, init_std));
    table.push_back(vector(prefix + "mlp.up.bias", wide, Split::kRows, 0.0));
    table.push_back(matrix(prefix + "mlp.down.weight", channels, wide, Split::kColumns, residual_std));
    table.push_back(vector(prefix + "mlp.down.bias", channels, Split::kReplicated, 0.0));
  }
  table.push_back(vector("ln_f.weight", channels, Split::kReplicated, 1.0));
  table.push_back(vector("ln_f.bias", channels, Split::kReplicated, 0.0));
  return table;
}

}  // namespace millrace
