#include "model/parameters.h"

namespace millrace {

namespace {

// Tensors begin on cache lines, as an arena's own do.
int64_t aligned_elements(int64_t count, DType dtype) {
  const int64_t line = static_cast<int64_t>(Arena::kAlignment / dtype_bytes(dtype));
  return (count + line - 1) / line * line;
}

Tensor view_of(Tensor flat, int64_t offset, Shape shape) {
  return flat.rows(offset, shape.num_elements()).reshaped(shape);
}

}  // namespace

Shape ParameterSpec::local_shape(int size) const {
  int64_t local_rows = padded_rows;
  int64_t local_columns = columns;
  if (split == Split::kRows || split == Split::kHeads) local_rows /= size;
  if (split == Split::kColumns) local_columns /= size;
  return dims == 1 ? Shape(local_rows) : Shape(local_rows, local_columns);
}

Status ParameterSet::allocate(std::vector<ParameterSpec> specs, DType dtype, int tensor_size, Arena& arena) {
  const auto elements_of = [&](const ParameterSpec& spec) {
    return aligned_elements(spec.local_shape(tensor_size).num_elements(), dtype);
  };
  groups_ = {};
  for (const ParameterSpec& spec : specs) {
    groups_[group_of(spec.decays, spec.split == Split::kReplicated)].count += elements_of(spec);
  }
  int64_t total = 0;
  for (FlatRange& group : groups_) {
    group.begin = total;
    total += group.count;
  }
  const DType wide = wide_dtype(dtype);
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(total), &values_));
  masters_ = values_;
  if (wide != dtype) MR_RETURN_IF_ERROR(arena.alloc(wide, Shape(total), &masters_));
  MR_RETURN_IF_ERROR(arena.alloc(wide, Shape(total), &gradients_));
  MR_RETURN_IF_ERROR(arena.alloc(wide, Shape(total), &first_moments_));
  MR_RETURN_IF_ERROR(arena.alloc(wide, Shape(total), &second_moments_));

  parameters_.clear();
  parameters_.reserve(specs.size());
  std::array<int64_t, 4> next{};
  for (size_t i = 0; i < groups_.size(); ++i) next[i] = groups_[i].begin;
  for (ParameterSpec& spec : specs) {
    const Shape shape = spec.local_shape(tensor_size);
    int64_t& offset = next[group_of(spec.decays, spec.split == Split::kReplicated)];
    Parameter parameter;
    parameter.value = view_of(values_, offset, shape);
    parameter.master = view_of(masters_, offset, shape);
    parameter.gradient = view_of(gradients_, offset, shape);
    parameter.first_moment = view_of(first_moments_, offset, shape);
    parameter.second_moment = view_of(second_moments_, offset, shape);
    parameter.num_shards = spec.shards_of_rank(tensor_size);
    offset += elements_of(spec);
    parameter.spec = std::move(spec);
    parameters_.push_back(std::move(parameter));
  }
  return ok();
}

FlatRange ParameterSet::range(bool decays) const {
  const FlatRange split = range(decays, false);
  return FlatRange{split.begin, split.count + range(decays, true).count};
}

const Parameter* ParameterSet::find(const std::string& name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.spec.name == name) return &parameter;
  }
  return nullptr;
}

int64_t ParameterSet::num_parameters() const {
  int64_t total = 0;
  for (const Parameter& parameter : parameters_) total += parameter.spec.padded_rows * parameter.spec.columns;
  return total;
}

}  // namespace millrace
