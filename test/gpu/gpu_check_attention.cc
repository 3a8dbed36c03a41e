// The engines of attention on the device against its plain kernels: from the same inputs, forward and backward, at the
// head sizes of models. The op's own choice is checked against f64 with all other ops.
#include "gpu_check.h"

#if defined(MILLRACE_CUDA)

#include <cmath>
#include <memory>

#include "cuda/attention.h"
#include "device_case.h"
#include "gpu_device.h"
#include "op_cases.h"

#endif

namespace millrace::testing {

#if defined(MILLRACE_CUDA)

namespace {

// A case that calls the engine itself, whatever the op would choose.
template <class T>
OpCase with_plain(const AttentionShape& s, float p) {
  OpCase op = attention_case(s, p);
  op.call = [=](const OpTable&, Context& context, const std::vector<Tensor>& t) -> Status {
    const Dropout dropout = dropout_of(p, Site::kAttention, t[5]);
    MR_RETURN_IF_ERROR(cuda::plain_attention_forward<T>(context, s, t[1], t[2], t[0], dropout));
    return cuda::plain_attention_backward<T>(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
  };
  return op;
}

template <class T>
OpCase with_flash(const AttentionShape& s, float p) {
  OpCase op = attention_case(s, p);
  op.call = [=](const OpTable&, Context& context, const std::vector<Tensor>& t) -> Status {
    const Dropout dropout = dropout_of(p, Site::kAttention, t[5]);
    MR_RETURN_IF_ERROR(cuda::flash_attention_forward<T>(context, s, t[1], t[2], t[0], dropout));
    return cuda::flash_attention_backward<T>(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
  };
  return op;
}

// By what is chosen on this machine, which may be the library's.
std::string chosen_engines(Device& device, DType dtype, const AttentionShape& s, float p) {
  DeviceRank rank(device);
  std::unique_ptr<Arena> scratch;
  if (!Arena::create(device, size_t{256} << 20, &scratch).ok()) return "no memory";
  rank.context().scratch = scratch.get();
  Dropout dropout;
  dropout.p = p;
  std::string names;
  for (const bool backward : {false, true}) {
    names += std::string(backward ? ", backward " : "forward ") +
             cuda::attention_engine_name(cuda::choose_attention_engine(rank.context(), dtype, s, dropout, backward));
  }
  return names;
}

template <class T>
Status check_engine(CheckReport& report, const char* precision, double bound) {
  const OpTable* table = cuda_backend(sizeof(T) == 2 && bound > 0.005 ? DType::kBF16 : DType::kF16);
  std::shared_ptr<Device> device;
  MR_RETURN_IF_ERROR(open_device("cuda", true, &device));
  DeviceRank rank(*device);
  const bool quick = report.options().quick;
  for (const int64_t size : {int64_t{64}, int64_t{80}, int64_t{96}, int64_t{128}}) {
    double worst = 0;
    for (const float p : {0.0f, 0.1f}) {
      for (const int64_t time : {int64_t{1}, int64_t{63}, quick ? int64_t{70} : int64_t{257}}) {
        const AttentionShape s = heads(2, time, 2, size, 1, 4, time != 63);
        const OpCase plain = with_plain<T>(s, p), flash = with_flash<T>(s, p);
        const Values before = initial_values(plain, table->dtype);
        CaseResult expected, actual;
        MR_RETURN_IF_ERROR(run_on_device(plain, *table, rank, before, &expected));
        MR_RETURN_IF_ERROR(run_on_device(flash, *table, rank, before, &actual));
        for (const size_t argument : {1, 2, 4}) {
          worst = std::max(worst, relative_difference(expected.after[argument], actual.after[argument]));
        }
        if (!expected.faults.empty() || !actual.faults.empty()) worst = INFINITY;
      }
    }
    report.add("attention flash against plain, heads of " + std::to_string(size) + " " + precision, worst, bound,
               "the op takes: " + chosen_engines(*device, table->dtype, heads(2, 1024, 2, size, 0, 2), 0.0f));
  }
  return ok();
}

}  // namespace

void check_attention_engines(CheckReport& report) {
  if (report.options().backend != "cuda") return;
  // Both round what they store, and probabilities before the product with V.
  if (report.wanted("attention engines bf16")) {
    report.run("attention engines bf16", [&] { return check_engine<BFloat16>(report, "bf16", 3 * 0x1p-8); });
  }
  if (report.wanted("attention engines fp16")) {
    report.run("attention engines fp16", [&] { return check_engine<Float16>(report, "fp16", 3 * 0x1p-11); });
  }
}

#else

void check_attention_engines(CheckReport&) {}

#endif

}  // namespace millrace::testing
