#include "train/finite_watch.h"

#include <algorithm>
#include <string_view>

#include "core/device.h"

namespace millrace {

namespace {

// The names of an op's tensors in the order of its arguments, as a template argument. "<x" is read and not written,
// "+pre" is written before the others, "-maximum" is not looked at: of padding alone the largest logit is infinite.
template <size_t kSize>
struct Names {
  char text[kSize];
  constexpr Names(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }
};

bool is_floating(DType dtype) { return dtype != DType::kI32 && dtype != DType::kI64; }

struct NamedTensor {
  Tensor tensor;
  std::string_view name;  // with its mark
};

// Takes the next name off `names` for a tensor; other arguments have none.
void add_tensor(std::vector<NamedTensor>& list, std::string_view& names, const Tensor& tensor) {
  const size_t end = std::min(names.find(' '), names.size());
  list.push_back({tensor, names.substr(0, end)});
  names.remove_prefix(std::min(end + 1, names.size()));
}
template <class Other>
void add_tensor(std::vector<NamedTensor>&, std::string_view&, const Other&) {}

// What an op read comes first: if that was not finite already, nothing was wrong with the op.
Status look_at(FiniteWatch& watch, const std::vector<NamedTensor>& list) {
  const auto look = [&](char mark, const char* role) -> Status {
    for (const auto& [tensor, name] : list) {
      const bool marked = std::string_view("<+-").find(name.front()) != std::string_view::npos;
      if (tensor.empty() || !is_floating(tensor.dtype) || (marked ? name.front() : ' ') != mark) continue;
      MR_RETURN_IF_ERROR(watch.look(tensor, role, std::string(marked ? name.substr(1) : name)));
    }
    return ok();
  };
  MR_RETURN_IF_ERROR(look('<', "input"));
  MR_RETURN_IF_ERROR(look('+', "output"));
  return look(' ', "output");
}

template <auto kOp, Names kNames, class... Arguments>
Status watched(Context& context, Arguments... arguments) {
  FiniteWatch& watch = static_cast<FiniteWatch&>(context);
  watch.begin_op();
  MR_RETURN_IF_ERROR((watch.inner().*kOp)(context, arguments...));
  if (!watch.looking()) return ok();
  std::vector<NamedTensor> list;
  std::string_view names(kNames.text);
  (add_tensor(list, names, arguments), ...);
  return look_at(watch, list);
}

template <auto kOp, Names kNames, class... Arguments>
void watch_op(OpTable& table, Status (*OpTable::*)(Context&, Arguments...)) {
  table.*kOp = watched<kOp, kNames, Arguments...>;
}

#define MR_WATCH(op, names) watch_op<&OpTable::op, names>(table, &OpTable::op)

// Every op of the forward and the backward pass.
OpTable watched_table(const OpTable& inner) {
  OpTable table = inner;
  MR_WATCH(linear_forward, "y <x <w <bias");
  MR_WATCH(linear_gelu_forward, "y +pre <x <w <bias");
  MR_WATCH(gelu_forward, "y <pre");
  MR_WATCH(linear_backward_input, "dx <dy <w");
  MR_WATCH(linear_gelu_backward_input, "dpre <dy <w <pre");
  MR_WATCH(linear_backward_weight, "dw dbias <dy <x");
  MR_WATCH(layernorm_forward, "y mean rstd <x <gamma <beta");
  MR_WATCH(layernorm_backward, "dx dgamma dbeta <dy <x <mean <rstd <gamma");
  MR_WATCH(residual_layernorm_forward, "+r y mean rstd <residual <x <bias <gamma <beta");
  MR_WATCH(bias_dropout_backward, "dx dbias <dr");
  MR_WATCH(attention_forward, "out lse <qkv");
  MR_WATCH(attention_backward, "dqkv <dout <qkv <out <lse");
  MR_WATCH(embedding_forward, "x <tokens <wte");
  MR_WATCH(position_forward, "x <wpe");
  MR_WATCH(position_backward, "dx dwpe");
  MR_WATCH(embedding_backward, "dwte <dx <tokens");
  MR_WATCH(cross_entropy_max, "-maximum <logits");
  MR_WATCH(cross_entropy_sum, "target sum_exp <logits <maximum <targets");
  MR_WATCH(cross_entropy_loss, "loss <target <sum_exp <targets");
  MR_WATCH(cross_entropy_backward, "logits <maximum <sum_exp <targets -control");
  MR_WATCH(add, "y <x");
  return table;
}

#undef MR_WATCH

bool lies_in(const Tensor& part, const Tensor& whole) {
  const char* begin = whole.as<char>();
  return part.as<char>() >= begin && part.as<char>() < begin + whole.size_bytes();
}

}  // namespace

FiniteWatch::FiniteWatch(RankEnv& env, const ParameterSet& parameters, Tensor counter)
    : Context(*env.context),
      env_(env),
      inner_(env.ops),
      context_(env.context),
      parameters_(parameters),
      counter_(counter),
      ops_(watched_table(*env.ops)) {
  env.ops = &ops_;
  env.context = this;
}

FiniteWatch::~FiniteWatch() {
  env_.ops = inner_;
  env_.context = context_;
}

std::string FiniteWatch::name_of(const Tensor& tensor, const char* role, const std::string& argument) const {
  for (const Parameter& parameter : parameters_.all()) {
    if (lies_in(tensor, parameter.value)) return "parameter " + parameter.spec.name;
    if (lies_in(tensor, parameter.gradient)) return "gradient of " + parameter.spec.name;
  }
  return std::string(role) + " " + argument;
}

Status FiniteWatch::look(const Tensor& tensor, const char* role, const std::string& argument) {
  if (found_at_ != 0) return ok();
  double count = 0;
  MR_RETURN_IF_ERROR(device->to_device(*this, counter_.data, &count, sizeof(count)));
  MR_RETURN_IF_ERROR(inner_->count_non_finite(*this, counter_, tensor));
  MR_RETURN_IF_ERROR(device->to_host(*this, &count, counter_.data, sizeof(count)));
  MR_RETURN_IF_ERROR(device->wait(*this));
  if (count == 0) return ok();
  found_at_ = num_ops_;
  report_ = std::string(env_.operation()) + ", " + name_of(tensor, role, argument) + ": " +
            std::to_string(static_cast<int64_t>(count)) + " of " + std::to_string(tensor.num_elements()) + " values";
  return ok();
}

}  // namespace millrace
