// Cases for the kernels of native/cuda that are neither products nor attention: those of op_cases.h, and shapes at the
// edges of how the kernels cut their work.
#ifndef MILLRACE_TEST_GPU_KERNEL_CASES_H_
#define MILLRACE_TEST_GPU_KERNEL_CASES_H_

#include <string>
#include <utility>
#include <vector>

#include "op_cases.h"

namespace millrace::testing {

inline OpCase gelu_case(Gelu gelu, int64_t n) {
  OpCase op;
  op.name = label(gelu == Gelu::kTanh ? "gelu tanh" : "gelu erf", {n});
  const auto wide = [](int64_t i) { return 20.0 * random_value(77, i + 1); };  // far beyond both tails
  op.arguments = {{"pre", Role::kIn, Shape(n), wide}, {"y", Role::kOut, Shape(n), {}}};
  op.call = [gelu](const OpTable& table, Context& context, const std::vector<Tensor>& t) {
    return table.gelu_forward(context, gelu, t[1], t[0]);
  };
  return op;
}

// One rank's part of a vocabulary, perhaps without a true id: the maximum over all ranks is given.
inline OpCase cross_entropy_part_case(int64_t n, int64_t v, VocabRange range) {
  OpCase op = cross_entropy_case(n, v, std::max<int64_t>(1, range.size));
  op.name = label("cross entropy of a part", {n, v, range.begin, range.size});
  op.arguments.push_back({"given maximum", Role::kIn, Shape(n), [](int64_t) { return 8.0; }, Type::kWide});
  op.call = [=](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(table.cross_entropy_max(context, t[2], t[0], range));
    MR_RETURN_IF_ERROR(table.cross_entropy_sum(context, t[3], t[4], t[0], t[7], t[1], range));
    MR_RETURN_IF_ERROR(table.add(context, t[4], t[7]));  // other ranks' part: no sum is zero
    MR_RETURN_IF_ERROR(table.cross_entropy_loss(context, t[5], t[3], t[4], t[1]));
    return table.cross_entropy_backward(context, t[0], t[7], t[4], t[1], range, t[6]);
  };
  return op;
}

// The tokens of a batch as `token` names them.
template <class Token>
OpCase tokens_case(const std::string& name, int64_t b, int64_t t, int64_t c, int64_t v, VocabRange range,
                   const Token& token) {
  OpCase op = embedding_case(b, t, c, v, range, 0.0f);
  op.name += ", " + name;
  op.arguments[0].value = [token](int64_t i) { return static_cast<double>(token(i)); };
  return op;
}

// dx is dr: without dropout there is nothing to write.
inline OpCase bias_in_place_case(int64_t b, int64_t t, int64_t c) {
  OpCase op;
  op.name = label("bias_dropout_backward in place", {b, t, c});
  op.arguments = {{"dr", Role::kIn, Shape(b, t, c), {}}, {"dbias", Role::kInOut, Shape(c), {}, Type::kWide}};
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& a) {
    return table.bias_dropout_backward(context, a[0], a[1], a[0], Dropout{});
  };
  return op;
}

// Every tensor one element past an address that vectors may be read from. What was element i is element i + 1.
inline OpCase unaligned(const OpCase& aligned) {
  OpCase op = aligned;
  op.name += ", unaligned";
  op.loss = {};
  op.gradients.clear();
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    Argument& argument = op.arguments[a];
    argument.shape = Shape(argument.shape.num_elements() + 1);
    if (argument.role == Role::kOut) argument.role = Role::kInOut;  // the element before the first is not written
    const auto value = argument.value;
    argument.value = [value, a](int64_t i) {
      if (i == 0) return 0.0;
      return value ? value(i - 1) : random_value(a + 1, i - 1);
    };
  }
  op.call = [aligned](const OpTable& table, Context& context, const std::vector<Tensor>& tensors) {
    std::vector<Tensor> views;
    for (size_t a = 0; a < tensors.size(); ++a) {
      views.push_back(tensors[a].rows(1, tensors[a].num_elements() - 1).reshaped(aligned.arguments[a].shape));
    }
    return aligned.call(table, context, views);
  };
  return op;
}

inline std::vector<OpCase> kernel_cases() {
  std::vector<OpCase> cases;
  for (OpCase& op : all_cases()) {
    const bool elsewhere = op.name.starts_with("linear") || op.name.starts_with("mlp") || op.name.starts_with("atten");
    if (!elsewhere) cases.push_back(std::move(op));
  }
  // A row is in one warp to 1024 columns, in a block to 8192 (backward 4096), then in several passes.
  for (const int64_t c : {7, 8, 256, 513, 1023, 1024, 1025, 2056, 4096, 4100, 8200}) {
    cases.push_back(residual_case(1, 3, c, 0.1f, c % 2 == 1, true));
  }
  cases.push_back(residual_case(6, 5, 1, 0.5f, true, false));    // the norm of one value is noise
  cases.push_back(residual_case(2, 300, 24, 0.1f, true, true));  // more rows than parts of a sum
  cases.push_back(residual_case(7, 3, 9, 0.2f, true, true));     // samples begin inside a block of Philox
  cases.push_back(bias_in_place_case(3, 17, 40));
  cases.push_back(embedding_case(7, 3, 7, 5, VocabRange{0, 5}, 0.3f));
  cases.push_back(embedding_case(1, 1, 1, 1, VocabRange{0, 1}, 0.5f));
  // Runs of one token: longer than a warp takes, none, and numbers of two and of three digits.
  cases.push_back(tokens_case("one token", 2, 150, 264, 3, VocabRange{0, 3}, [](int64_t) { return 2; }));
  cases.push_back(tokens_case("32 and 33", 1, 65, 9, 2, VocabRange{0, 2}, [](int64_t i) { return i < 32 ? 0 : 1; }));
  cases.push_back(tokens_case("of other ranks", 2, 5, 8, 4, VocabRange{4, 12}, [](int64_t i) { return 8 * (i % 2); }));
  cases.push_back(tokens_case("scattered", 3, 700, 3, 300, VocabRange{0, 300}, [](int64_t i) { return i * 7 % 300; }));
  cases.push_back(tokens_case("a large vocabulary", 2, 40, 2, 70000, VocabRange{100, 70100},
                              [](int64_t i) { return i * i * 91 % 70200; }));
  cases.push_back(cross_entropy_case(1, 1, 1));
  cases.push_back(cross_entropy_case(3, 7, 6));
  cases.push_back(cross_entropy_case(2, 50257, 50257));
  cases.push_back(cross_entropy_case(2, 50304, 50257));
  cases.push_back(cross_entropy_part_case(6, 40, VocabRange{40, 63}));
  cases.push_back(cross_entropy_part_case(6, 33, VocabRange{66, 60}));  // padding alone
  for (const int64_t n : {32767, 32768, 32769}) {                       // a chunk of a sum
    cases.push_back(sum_case(n));
    cases.push_back(sum_squares_case(n));
  }
  for (const Gelu kind : {Gelu::kTanh, Gelu::kErf}) {
    for (const int64_t n : {1, 8, 4099}) cases.push_back(gelu_case(kind, n));
  }
  cases.push_back(adamw_case(8, 100000));
  return cases;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_KERNEL_CASES_H_
