// The table: every op of core/ops.h as a case. Included by the tests that run them; see op_case.h for the words.
#ifndef MILLRACE_TEST_NATIVE_OP_CASES_H_
#define MILLRACE_TEST_NATIVE_OP_CASES_H_

#include <algorithm>
#include <cstring>

#include "core/step_control.h"
#include "op_case.h"

namespace millrace::testing {

inline double weighted_sum(const std::vector<double>& a, const std::vector<double>& weights) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * weights[i];
  return sum;
}

inline std::string label(const std::string& op, std::initializer_list<int64_t> numbers) {
  std::string text = op;
  for (const int64_t number : numbers) text.append(" ").append(std::to_string(number));
  return text;
}

// Sample numbers of the rows of a batch, as far apart as a shuffled data set has them. An argument like any other: ops
// read them in the memory of their device.
inline Argument sample_numbers(int64_t batch) {
  constexpr double kNumbers[] = {7, 3000000011, 0, 12345, 99, 4294967296};
  return {"samples", Role::kIn, Shape(batch), [=](int64_t i) { return kNumbers[i % 6] + static_cast<double>(i / 6); },
          Type::kI64};
}

inline Dropout dropout_of(float p, Site site, const Tensor& samples) {
  Dropout dropout;
  dropout.p = p;
  dropout.key = PhiloxKey{0x0123456789abcdefu, 5, 3, site};
  dropout.sample = samples.as<int64_t>();
  return dropout;
}

// A StepControl is fields of 8 bytes: whole numbers stand in it as the bits of an f64.
inline Argument control_argument(Role role, const StepControl& control) {
  const auto field = [control](int64_t i) {
    double value = 0;
    std::memcpy(&value, reinterpret_cast<const char*>(&control) + 8 * i, sizeof(value));
    return value;
  };
  return {"control", role, Shape(kStepControlFields), field, Type::kF64};
}

inline OpCase linear_case(int64_t n, int64_t o, int64_t i, bool with_bias) {
  OpCase op;
  op.name = label(with_bias ? "linear with bias" : "linear", {n, o, i});
  op.arguments = {{"x", Role::kIn, Shape(n, i), {}},
                  {"w", Role::kIn, Shape(o, i), {}},
                  {"bias", Role::kIn, Shape(o), {}},
                  {"y", Role::kOut, Shape(n, o), {}},
                  {"dy", Role::kIn, Shape(n, o), {}},
                  {"dx", Role::kOut, Shape(n, i), {}},
                  {"dx more", Role::kInOut, Shape(n, i), {}},
                  {"dw", Role::kInOut, Shape(o, i), {}, Type::kWide},
                  {"dbias", Role::kInOut, Shape(o), {}, Type::kWide}};
  op.call = [with_bias](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    const Tensor bias = with_bias ? t[2] : Tensor{};
    const Tensor dbias = with_bias ? t[8] : Tensor{};
    MR_RETURN_IF_ERROR(table.linear_forward(context, t[3], t[0], t[1], bias));
    MR_RETURN_IF_ERROR(table.linear_backward_input(context, t[5], t[4], t[1], false));
    MR_RETURN_IF_ERROR(table.linear_backward_input(context, t[6], t[4], t[1], true));
    return table.linear_backward_weight(context, t[7], dbias, t[4], t[0]);
  };
  op.loss = [](const Values&, const Values& after) { return weighted_sum(after[3], after[4]); };
  op.gradients = {{0, 5, false}, {0, 6, true}, {1, 7, true}, {2, 8, true}};
  return op;
}

// x -> linear, gelu -> linear: the two fused ops need each other.
inline OpCase mlp_case(Gelu gelu, int64_t n, int64_t f, int64_t c) {
  OpCase op;
  op.name = label(gelu == Gelu::kTanh ? "mlp gelu tanh" : "mlp gelu erf", {n, f, c});
  const auto wide = [](int64_t i) { return 6.0 * random_value(77, i); };  // reaches both tails of gelu
  op.arguments = {{"x", Role::kIn, Shape(n, c), wide},
                  {"w1", Role::kIn, Shape(f, c), {}},
                  {"bias", Role::kIn, Shape(f), {}},
                  {"pre", Role::kOut, Shape(n, f), {}},
                  {"y", Role::kOut, Shape(n, f), {}},
                  {"w2", Role::kIn, Shape(c, f), {}},
                  {"z", Role::kOut, Shape(n, c), {}},
                  {"dz", Role::kIn, Shape(n, c), {}},
                  {"dpre", Role::kOut, Shape(n, f), {}},
                  {"dx", Role::kOut, Shape(n, c), {}},
                  {"dw1", Role::kInOut, Shape(f, c), {}, Type::kWide},
                  {"dbias", Role::kInOut, Shape(f), {}, Type::kWide},
                  {"y again", Role::kOut, Shape(n, f), {}}};
  op.call = [gelu](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(table.linear_gelu_forward(context, gelu, t[4], t[3], t[0], t[1], t[2]));
    MR_RETURN_IF_ERROR(table.gelu_forward(context, gelu, t[12], t[3]));
    MR_RETURN_IF_ERROR(table.linear_forward(context, t[6], t[4], t[5], Tensor{}));
    MR_RETURN_IF_ERROR(table.linear_gelu_backward_input(context, gelu, t[8], t[7], t[5], t[3]));
    MR_RETURN_IF_ERROR(table.linear_backward_input(context, t[9], t[8], t[1], false));
    return table.linear_backward_weight(context, t[10], t[11], t[8], t[0]);
  };
  op.loss = [](const Values&, const Values& after) { return weighted_sum(after[6], after[7]); };
  op.gradients = {{0, 9, false}, {1, 10, true}, {2, 11, true}};
  return op;
}

inline OpCase layernorm_case(int64_t n, int64_t c) {
  OpCase op;
  op.name = label("layernorm", {n, c});
  const auto shifted = [](int64_t i) { return 3.0 + random_value(5, i); };
  op.arguments = {{"x", Role::kIn, Shape(n, c), shifted},
                  {"gamma", Role::kIn, Shape(c), {}},
                  {"beta", Role::kIn, Shape(c), {}},
                  {"y", Role::kOut, Shape(n, c), {}},
                  {"mean", Role::kOut, Shape(n), {}, Type::kWide},
                  {"rstd", Role::kOut, Shape(n), {}, Type::kWide},
                  {"dy", Role::kIn, Shape(n, c), {}},
                  {"dx", Role::kInOut, Shape(n, c), {}},
                  {"dgamma", Role::kInOut, Shape(c), {}, Type::kWide},
                  {"dbeta", Role::kInOut, Shape(c), {}, Type::kWide}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(table.layernorm_forward(context, t[3], t[4], t[5], t[0], t[1], t[2], 1e-5));
    return table.layernorm_backward(context, t[7], t[8], t[9], t[6], t[0], t[4], t[5], t[1]);
  };
  op.loss = [](const Values&, const Values& after) { return weighted_sum(after[3], after[6]); };
  op.gradients = {{0, 7, true}, {1, 8, true}, {2, 9, true}};
  return op;
}

inline OpCase residual_case(int64_t b, int64_t t, int64_t c, float p, bool with_bias, bool with_norm) {
  OpCase op;
  op.name = label("residual layernorm", {b, t, c, with_bias, with_norm}) + (p > 0 ? " dropout" : "");
  op.arguments = {{"residual", Role::kIn, Shape(b, t, c), {}},
                  {"x", Role::kIn, Shape(b, t, c), {}},
                  {"bias", Role::kIn, Shape(c), {}},
                  {"gamma", Role::kIn, Shape(c), {}},
                  {"beta", Role::kIn, Shape(c), {}},
                  {"r", Role::kOut, Shape(b, t, c), {}},
                  {"y", Role::kInOut, Shape(b, t, c), {}},
                  {"mean", Role::kInOut, Shape(b * t), {}, Type::kWide},
                  {"rstd", Role::kInOut, Shape(b * t), {}, Type::kWide},
                  {"dy", Role::kIn, Shape(b, t, c), {}},
                  {"dr", Role::kInOut, Shape(b, t, c), {}},
                  {"dgamma", Role::kInOut, Shape(c), {}, Type::kWide},
                  {"dbeta", Role::kInOut, Shape(c), {}, Type::kWide},
                  {"dx", Role::kOut, Shape(b, t, c), {}},
                  {"dbias", Role::kInOut, Shape(c), {}, Type::kWide},
                  sample_numbers(b)};
  if (with_norm) {
    for (const size_t out : {6, 7, 8}) op.arguments[out].role = Role::kOut;
  }
  op.call = [=](const OpTable& table, Context& context, const std::vector<Tensor>& a) -> Status {
    const Dropout dropout = dropout_of(p, Site::kMlpOutput, a[15]);
    const Tensor none;
    const Tensor bias = with_bias ? a[2] : none;
    if (with_norm) {
      MR_RETURN_IF_ERROR(table.residual_layernorm_forward(context, a[5], a[6], a[7], a[8], a[0], a[1], bias, a[3], a[4],
                                                          1e-5, dropout));
      MR_RETURN_IF_ERROR(table.layernorm_backward(context, a[10], a[11], a[12], a[9], a[5], a[7], a[8], a[3]));
    } else {
      MR_RETURN_IF_ERROR(table.residual_layernorm_forward(context, a[5], none, none, none, a[0], a[1], bias, none, none,
                                                          1e-5, dropout));
    }
    return table.bias_dropout_backward(context, a[13], with_bias ? a[14] : none, a[10], dropout);
  };
  op.loss = [with_norm](const Values& before, const Values& after) {
    return weighted_sum(after[5], before[10]) + (with_norm ? weighted_sum(after[6], after[9]) : 0.0);
  };
  op.gradients = {{0, 10, false}, {1, 13, false}, {2, 14, true}, {3, 11, true}, {4, 12, true}};
  return op;
}

inline OpCase attention_case(AttentionShape s, float p) {
  OpCase op;
  op.name = label(s.causal ? "attention causal" : "attention full",
                  {s.batch, s.time, s.heads, s.head_size, s.head_begin, s.heads_total}) +
            (p > 0 ? " dropout" : "");
  const int64_t width = s.heads * s.head_size;
  const auto strong = [](int64_t i) { return 2.0 * random_value(31, i); };
  op.arguments = {{"qkv", Role::kIn, Shape(s.batch, s.time, 3 * width), strong},
                  {"out", Role::kOut, Shape(s.batch, s.time, width), {}},
                  {"lse", Role::kOut, Shape(s.batch, s.heads, s.time), {}, Type::kWide},
                  {"dout", Role::kIn, Shape(s.batch, s.time, width), {}},
                  {"dqkv", Role::kOut, Shape(s.batch, s.time, 3 * width), {}},
                  sample_numbers(s.batch)};
  op.call = [=](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    const Dropout dropout = dropout_of(p, Site::kAttention, t[5]);
    MR_RETURN_IF_ERROR(table.attention_forward(context, s, t[1], t[2], t[0], dropout));
    return table.attention_backward(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
  };
  op.loss = [](const Values&, const Values& after) { return weighted_sum(after[1], after[3]); };
  op.gradients = {{0, 4, false}};
  return op;
}

// Tokens repeat and some belong to other ranks.
inline OpCase embedding_case(int64_t b, int64_t t, int64_t c, int64_t v, VocabRange range, float p) {
  OpCase op;
  op.name = label("embedding", {b, t, c, v, range.begin}) + (p > 0 ? " dropout" : "");
  const auto token = [=](int64_t i) {
    return std::floor((random_value(8, i) + 1.0) / 2.0 * static_cast<double>(range.size));
  };
  op.arguments = {{"tokens", Role::kIn, Shape(b, t), token, Type::kI32},
                  {"wte", Role::kIn, Shape(v, c), {}},
                  {"wpe", Role::kIn, Shape(t + 3, c), {}},
                  {"x", Role::kOut, Shape(b, t, c), {}},
                  {"dx", Role::kInOut, Shape(b, t, c), {}},
                  {"dwpe", Role::kInOut, Shape(t + 3, c), {}, Type::kWide},
                  {"dwte", Role::kInOut, Shape(v, c), {}, Type::kWide},
                  sample_numbers(b)};
  op.call = [=](const OpTable& table, Context& context, const std::vector<Tensor>& a) -> Status {
    const Dropout dropout = dropout_of(p, Site::kEmbedding, a[7]);
    MR_RETURN_IF_ERROR(table.embedding_forward(context, a[3], a[0], a[1], range));
    MR_RETURN_IF_ERROR(table.position_forward(context, a[3], a[2], dropout));
    MR_RETURN_IF_ERROR(table.position_backward(context, a[4], a[5], dropout));
    return table.embedding_backward(context, a[6], a[4], a[0], range);
  };
  op.loss = [](const Values& before, const Values& after) { return weighted_sum(after[3], before[4]); };
  op.gradients = {{1, 6, true}, {2, 5, true}};
  return op;
}

// One rank owns the whole vocabulary; rows without a target and padding ids included.
inline OpCase cross_entropy_case(int64_t n, int64_t v, int64_t true_size) {
  constexpr double kScale = 0.37;
  OpCase op;
  op.name = label("cross entropy", {n, v, true_size});
  const auto wide = [](int64_t i) { return 8.0 * random_value(13, i); };
  StepControl control{};
  control.loss_scale = 1;
  control.share = kScale;
  const auto target = [=](int64_t i) { return i % 4 == 3 ? -1.0 : static_cast<double>((i * 7919) % true_size); };
  op.arguments = {{"logits", Role::kInOut, Shape(n, v), wide},
                  {"targets", Role::kIn, Shape(n), target, Type::kI32},
                  {"maximum", Role::kOut, Shape(n), {}, Type::kWide},
                  {"target", Role::kOut, Shape(n), {}, Type::kWide},
                  {"sum_exp", Role::kOut, Shape(n), {}, Type::kWide},
                  {"loss", Role::kOut, Shape(n), {}, Type::kWide},
                  control_argument(Role::kIn, control)};
  op.call = [=](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    const VocabRange range{0, true_size};
    MR_RETURN_IF_ERROR(table.cross_entropy_max(context, t[2], t[0], range));
    MR_RETURN_IF_ERROR(table.cross_entropy_sum(context, t[3], t[4], t[0], t[2], t[1], range));
    MR_RETURN_IF_ERROR(table.cross_entropy_loss(context, t[5], t[3], t[4], t[1]));
    return table.cross_entropy_backward(context, t[0], t[2], t[4], t[1], range, t[6]);
  };
  op.loss = [](const Values&, const Values& after) {
    double sum = 0.0;
    for (const double loss : after[5]) sum += loss;
    return kScale * sum;
  };
  op.gradients = {{0, 0, false}};
  return op;
}

inline OpCase elementwise_case(int64_t n, Type type) {
  OpCase op;
  op.name = label(type == Type::kTable ? "fill add maximum scale" : "fill add maximum scale of wide tensors", {n});
  op.arguments = {{"filled", Role::kOut, Shape(n), {}, type},
                  {"y", Role::kInOut, Shape(n), {}, type},
                  {"x", Role::kIn, Shape(n), {}, type},
                  {"larger", Role::kInOut, Shape(n), {}, type},
                  {"scaled", Role::kInOut, Shape(n), {}, type}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(table.fill(context, t[0], 0.25));
    MR_RETURN_IF_ERROR(table.add(context, t[1], t[2]));
    MR_RETURN_IF_ERROR(table.maximum(context, t[3], t[2]));
    return table.scale(context, t[4], 1.7);
  };
  return op;
}

inline OpCase sum_squares_case(int64_t n) {
  OpCase op;
  op.name = label("sum_squares", {n});
  op.arguments = {{"sum", Role::kInOut, Shape(1), {}, Type::kF64}, {"x", Role::kIn, Shape(n), {}, Type::kWide}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    return table.sum_squares(context, t[0], t[1]);
  };
  return op;
}

// Of losses, or of partial sums, which are f64 in every table.
inline OpCase sum_case(int64_t n, Type type = Type::kWide) {
  OpCase op;
  op.name = label(type == Type::kWide ? "sum" : "sum of f64", {n});
  op.arguments = {{"sum", Role::kInOut, Shape(1), {}, Type::kF64}, {"x", Role::kIn, Shape(n), {}, type}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    return table.sum(context, t[0], t[1]);
  };
  return op;
}

// Every seventh element is infinite, of either sign.
inline OpCase count_non_finite_case(int64_t n, Type type) {
  OpCase op;
  op.name = label(type == Type::kTable ? "count_non_finite" : "count_non_finite of a wide tensor", {n});
  const auto value = [](int64_t i) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return i % 7 == 3 ? (i % 2 == 0 ? kInfinity : -kInfinity) : random_value(4, i);
  };
  op.arguments = {{"count", Role::kInOut, Shape(1), {}, Type::kF64}, {"x", Role::kIn, Shape(n), value, type}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    return table.count_non_finite(context, t[0], t[1]);
  };
  return op;
}

inline OpCase cast_case(int64_t n) {
  OpCase op;
  op.name = label("cast", {n});
  op.arguments = {{"wide", Role::kIn, Shape(n), {}, Type::kWide},
                  {"narrow", Role::kOut, Shape(n), {}},
                  {"wide again", Role::kOut, Shape(n), {}, Type::kWide},
                  {"copy", Role::kOut, Shape(n), {}}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(table.cast(context, t[1], t[0]));
    MR_RETURN_IF_ERROR(table.cast(context, t[2], t[1]));
    return table.cast(context, t[3], t[1]);
  };
  return op;
}

// Nothing may change where the step was not applied.
inline OpCase adamw_case(int64_t n, int64_t step, StepVerdict verdict = StepVerdict::kApplied) {
  const bool applied = verdict == StepVerdict::kApplied;
  OpCase op;
  op.name = label(applied ? "adamw" : "adamw of a skipped step", {n, step});
  StepControl control{};
  control.updates = step;
  control.learning_rate = 1e-2;
  control.gradient_factor = 0.5;
  control.verdict = static_cast<int64_t>(verdict);
  const auto positive = [](int64_t i) { return 0x1p-7 * (random_value(3, i) + 1.0); };
  const Role state = applied ? Role::kInOut : Role::kIn;
  op.arguments = {{"value", applied ? Role::kOut : Role::kIn, Shape(n), {}},
                  {"master", state, Shape(n), {}, Type::kWide},
                  {"m", state, Shape(n), {}, Type::kWide},
                  {"v", state, Shape(n), positive, Type::kWide},
                  {"grad", Role::kIn, Shape(n), {}, Type::kWide},
                  control_argument(Role::kIn, control)};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    AdamW options;
    options.weight_decay = 0.1;
    return table.adamw(context, t[0], t[1], t[2], t[3], t[4], options, t[5]);
  };
  return op;
}

inline AttentionShape heads(int64_t b, int64_t t, int64_t h, int64_t d, int64_t begin, int64_t total,
                            bool causal = true) {
  return AttentionShape{b, t, h, d, begin, total, causal};
}

inline std::vector<OpCase> all_cases() {
  return {
      linear_case(1, 1, 1, true),
      linear_case(3, 5, 7, true),
      linear_case(17, 33, 65, false),
      linear_case(130, 257, 129, true),
      mlp_case(Gelu::kTanh, 1, 1, 1),
      mlp_case(Gelu::kTanh, 19, 67, 33),
      mlp_case(Gelu::kErf, 19, 67, 33),
      layernorm_case(1, 2),
      layernorm_case(33, 17),
      layernorm_case(70, 128),
      residual_case(1, 1, 3, 0.0f, true, true),
      residual_case(3, 5, 17, 0.0f, false, true),
      residual_case(3, 5, 17, 0.1f, true, true),
      residual_case(2, 37, 130, 0.5f, true, false),
      attention_case(heads(1, 1, 1, 1, 0, 1), 0.0f),
      attention_case(heads(2, 5, 2, 3, 0, 2), 0.2f),
      attention_case(heads(1, 63, 3, 16, 1, 8), 0.0f),
      attention_case(heads(2, 129, 2, 8, 2, 4), 0.1f),
      attention_case(heads(2, 70, 2, 5, 0, 2, false), 0.1f),
      embedding_case(1, 1, 1, 4, VocabRange{0, 4}, 0.0f),
      embedding_case(3, 7, 33, 16, VocabRange{0, 16}, 0.1f),
      embedding_case(2, 9, 130, 16, VocabRange{16, 29}, 0.0f),
      cross_entropy_case(1, 2, 2),
      cross_entropy_case(5, 131, 127),
      cross_entropy_case(9, 5000, 4999),
      elementwise_case(1, Type::kTable),
      elementwise_case(100003, Type::kTable),
      elementwise_case(1037, Type::kWide),
      sum_case(1),
      sum_case(100003),
      sum_case(8, Type::kF64),
      sum_squares_case(1),
      sum_squares_case(100003),
      count_non_finite_case(100003, Type::kTable),
      count_non_finite_case(1037, Type::kWide),
      cast_case(1037),
      adamw_case(1, 1),
      adamw_case(1037, 7),
      adamw_case(1037, 7, StepVerdict::kSkipped),
  };
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_NATIVE_OP_CASES_H_
