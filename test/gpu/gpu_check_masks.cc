// Dropout masks: every element is kept exactly where core/philox.h says, in every op that draws and every precision.
// What becomes of ones shows the masks of rows; with V (forward) or the gradient (backward) an identity matrix, those
// of attention.
#include <memory>

#include "core/backend.h"
#include "device_case.h"
#include "gpu_check.h"
#include "gpu_device.h"
#include "op_cases.h"

namespace millrace::testing {

namespace {

constexpr float kP = 0.25f;

// An op that draws: argument `masked` afterwards is zero where nothing is kept. element(i) is the logical element of i,
// or -1 where something else than dropout makes a zero.
struct MaskCase {
  OpCase op;
  Site site;
  size_t masked;
  std::function<int64_t(int64_t i, const int64_t* samples)> element;
};

Argument ones(const std::string& name, Role role, Shape shape) {
  return {name, role, shape, [](int64_t) { return 1.0; }};
}
Argument zeros(const std::string& name, Role role, Shape shape, Type type = Type::kTable) {
  return {name, role, shape, [](int64_t) { return 0.0; }, type};
}

std::function<int64_t(int64_t, const int64_t*)> row_elements(int64_t sample_size) {
  return [=](int64_t i, const int64_t* samples) { return samples[i / sample_size] * sample_size + i % sample_size; };
}

MaskCase bias_dropout_mask(int64_t b, int64_t t, int64_t c) {
  MaskCase mask{{}, Site::kMlpOutput, 1, row_elements(t * c)};
  mask.op.name = label("bias_dropout_backward", {b, t, c});
  mask.op.arguments = {
      ones("dr", Role::kIn, Shape(b, t, c)), {"dx", Role::kOut, Shape(b, t, c), {}}, sample_numbers(b)};
  mask.op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& a) {
    return table.bias_dropout_backward(context, a[1], Tensor{}, a[0], dropout_of(kP, Site::kMlpOutput, a[2]));
  };
  return mask;
}

MaskCase residual_mask(int64_t b, int64_t t, int64_t c) {
  MaskCase mask{{}, Site::kAttentionOutput, 2, row_elements(t * c)};
  mask.op.name = label("residual_layernorm_forward", {b, t, c});
  mask.op.arguments = {zeros("residual", Role::kIn, Shape(b, t, c)),
                       ones("x", Role::kIn, Shape(b, t, c)),
                       {"r", Role::kOut, Shape(b, t, c), {}},
                       sample_numbers(b)};
  mask.op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& a) {
    const Tensor none;
    return table.residual_layernorm_forward(context, a[2], none, none, none, a[0], a[1], none, none, none, 1e-5,
                                            dropout_of(kP, Site::kAttentionOutput, a[3]));
  };
  return mask;
}

MaskCase position_mask(int64_t b, int64_t t, int64_t c, bool backward) {
  MaskCase mask{{}, Site::kEmbedding, 0, row_elements(t * c)};
  mask.op.name = label(backward ? "position_backward" : "position_forward", {b, t, c});
  mask.op.arguments = {ones("x", Role::kInOut, Shape(b, t, c)),
                       zeros("wpe", Role::kInOut, Shape(t, c), backward ? Type::kWide : Type::kTable),
                       sample_numbers(b)};
  mask.op.call = [backward](const OpTable& table, Context& context, const std::vector<Tensor>& a) {
    const Dropout dropout = dropout_of(kP, Site::kEmbedding, a[2]);
    return backward ? table.position_backward(context, a[0], a[1], dropout)
                    : table.position_forward(context, a[0], a[1], dropout);
  };
  return mask;
}

// One element of dqkv or qkv is of V: (b, t, 2, h, d). T is D here.
struct OfV {
  int64_t b, t, h, d;
  bool is_v;
};
OfV place_in_qkv(const AttentionShape& s, int64_t i) {
  const int64_t d = i % s.head_size, h = i / s.head_size % s.heads, part = i / s.head_size / s.heads % 3;
  const int64_t t = i / s.head_size / s.heads / 3 % s.time, b = i / s.head_size / s.heads / 3 / s.time;
  return {b, t, h, d, part == 2};
}

// Where row `query`, column `key` of head h of sample b stands, if the causal mask lets it be.
int64_t attention_element(const AttentionShape& s, const int64_t* samples, int64_t b, int64_t h, int64_t query,
                          int64_t key) {
  if (key > query) return -1;
  return ((samples[b] * s.heads_total + s.head_begin + h) * s.time + query) * s.time + key;
}

MaskCase attention_mask(const AttentionShape& s, bool backward) {
  const int64_t width = s.heads * s.head_size;
  MaskCase mask{{}, Site::kAttention, backward ? size_t{4} : size_t{1}, {}};
  mask.op.name = label(backward ? "attention_backward" : "attention_forward",
                       {s.batch, s.time, s.heads, s.head_size, s.head_begin, s.heads_total});
  const auto identity_v = [=](int64_t i) {
    const OfV at = place_in_qkv(s, i);
    return at.is_v && at.t == at.d ? 1.0 : 0.0;
  };
  const auto identity = [=](int64_t i) { return i / width % s.time == i % s.head_size ? 1.0 : 0.0; };
  mask.op.arguments = {{"qkv", Role::kIn, Shape(s.batch, s.time, 3 * width), identity_v},
                       {"out", Role::kOut, Shape(s.batch, s.time, width), {}},
                       {"lse", Role::kOut, Shape(s.batch, s.heads, s.time), {}, Type::kWide},
                       {"dout", Role::kIn, Shape(s.batch, s.time, width), identity},
                       {"dqkv", Role::kOut, Shape(s.batch, s.time, 3 * width), {}},
                       sample_numbers(s.batch)};
  mask.op.call = [s](const OpTable& table, Context& context, const std::vector<Tensor>& a) -> Status {
    const Dropout dropout = dropout_of(kP, Site::kAttention, a[5]);
    MR_RETURN_IF_ERROR(table.attention_forward(context, s, a[1], a[2], a[0], dropout));
    return table.attention_backward(context, s, a[4], a[3], a[0], a[1], a[2], dropout);
  };
  mask.element = [s, width, backward](int64_t i, const int64_t* samples) -> int64_t {
    if (!backward) {
      // out[query, key] of V = identity is the masked probability.
      const int64_t b = i / width / s.time, query = i / width % s.time;
      return attention_element(s, samples, b, i % width / s.head_size, query, i % s.head_size);
    }
    // dV[key, query] of dout = identity is, too; the other parts are something else.
    const OfV at = place_in_qkv(s, i);
    return at.is_v ? attention_element(s, samples, at.b, at.h, at.d, at.t) : -1;
  };
  return mask;
}

std::vector<MaskCase> mask_cases(bool quick) {
  std::vector<MaskCase> cases = {bias_dropout_mask(3, 37, 130), residual_mask(3, 37, 130),
                                 position_mask(3, 37, 130, false), position_mask(3, 37, 130, true)};
  for (const int64_t size : {int64_t{64}, int64_t{80}, int64_t{96}, int64_t{128}}) {
    for (const bool backward : {false, true}) {
      cases.push_back(attention_mask(heads(quick ? 1 : 3, size, 2, size, 1, 4), backward));
      if (quick && size != 64) break;
    }
  }
  return cases;
}

// Elements that are kept and should not be, or the other way round.
Status count_wrong(const MaskCase& mask, const OpTable& table, DeviceRank& rank, int64_t* wrong, int64_t* dropped) {
  const Values before = initial_values(mask.op, table.dtype);
  CaseResult result;
  MR_RETURN_IF_ERROR(run_on_device(mask.op, table, rank, before, &result));
  std::vector<int64_t> samples;
  for (const double sample : before.back()) samples.push_back(static_cast<int64_t>(sample));
  const Dropout dropout = dropout_of(kP, mask.site, Tensor{});
  const std::vector<double>& values = result.after[mask.masked];
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t element = mask.element(static_cast<int64_t>(i), samples.data());
    if (element < 0) continue;
    const bool kept = philox_word(dropout.key, static_cast<uint64_t>(element)) >= dropout.threshold();
    *wrong += kept == (values[i] != 0.0) ? 0 : 1;
    *dropped += kept ? 0 : 1;
  }
  return ok();
}

}  // namespace

void check_masks(CheckReport& report) {
  for (const auto& [name, dtype] : {std::pair{"fp32", DType::kF32}, {"bf16", DType::kBF16}, {"fp16", DType::kF16}}) {
    const std::string title = std::string("masks are the CPU's ") + name;
    if (!report.wanted(title)) continue;
    report.run(title, [&, dtype = dtype]() -> Status {
      std::shared_ptr<Device> device;
      MR_RETURN_IF_ERROR(open_device(report.options().backend, true, &device));
      DeviceRank rank(*device);
      int64_t wrong = 0, dropped = 0;
      std::string where;
      for (const MaskCase& mask : mask_cases(report.options().quick)) {
        const int64_t before = wrong;
        MR_RETURN_IF_ERROR(count_wrong(mask, *backend_of(report.options().backend, dtype), rank, &wrong, &dropped));
        if (wrong > before) where = "; " + mask.op.name;
      }
      // Without a dropped element nothing was seen.
      report.add(title, dropped > 0 ? static_cast<double>(wrong) : 1.0, 0,
                 std::to_string(dropped) + " elements dropped" + where);
      return ok();
    });
  }
}

}  // namespace millrace::testing
