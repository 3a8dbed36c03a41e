#include "cuda/gemm.h"

#include "cuda/gemm_plan.h"

namespace millrace::cuda {

namespace {

constexpr int kCandidates = 32;

// To verify, bits must not depend on what was the fastest here.
bool verifying(const Context& context) { return context.work_parts != 0; }

bool nothing_to_do(const Gemm& gemm) {
  return gemm.rows == 0 || gemm.columns == 0 || (gemm.depth == 0 && gemm.accumulate);
}

Status create_state(Context& context, GemmState** out) {
  const CublasLt* library = nullptr;
  MR_RETURN_IF_ERROR(cublas_lt(&library));
  Stream& stream = stream_of(context);
  cuda::Owned<GemmState> state(new GemmState(*library), [](GemmState* ended) { delete ended; });
  MR_RETURN_IF_CUBLAS_LT_ERROR(*library, Create, &state->handle);
  cudaDeviceProp properties{};
  MR_CUDA(cudaGetDeviceProperties(&properties, stream.gpu));
  // Cards of one name may have fewer multiprocessors enabled, and then other algorithms are best.
  state->cache = &gemm_cache(std::string(properties.name) + " " + std::to_string(stream.num_multiprocessors) + " SMs",
                             library->GetVersion());
  *out = state.get();
  stream.gemm = std::move(state);
  return ok();
}

// The algorithm by name from the cache, by timing, or the library's first.
Status choose_algorithm(Context& context, GemmState& state, const GemmKey& key, const Gemm& gemm, GemmPlan& plan) {
  const std::string name = "algorithm " + key.text();
  std::string known;
  if (!key.pinned && state.cache->find(name, &known) && parse_algorithm(known, &plan.algorithm.algo) &&
      plan.check(state.handle, &plan.algorithm)) {
    plan.offered = true;
    return ok();
  }
  std::vector<Algorithm> candidates;
  MR_RETURN_IF_ERROR(plan.candidates(state.handle, kCandidates, &candidates));
  if (candidates.empty()) return ok();
  plan.offered = true;
  plan.algorithm = candidates.front();
  if (key.pinned || stream_of(context).recording) return ok();
  size_t winner = 0;
  bool measured = false;
  const Status timed = fastest(context, state, plan, gemm, candidates, &winner, &measured);
  if (!timed.ok()) {
    // An epilogue that the library offers and then refuses is none that it has.
    plan.offered = false;
    return key.epilogue == Epilogue::kNone ? timed : ok();
  }
  if (!measured) return ok();
  plan.algorithm = candidates[winner];
  // Another rank may have measured at the same time: all take what was written down first.
  const std::string stands = state.cache->put(name, algorithm_text(state.library, plan.algorithm.algo));
  Algorithm agreed = plan.algorithm;
  if (parse_algorithm(stands, &agreed.algo) && plan.check(state.handle, &agreed)) plan.algorithm = agreed;
  return ok();
}

}  // namespace

Status alloc_workspace(Context& context, void** out) {
  Tensor bytes;
  MR_RETURN_IF_ERROR(context.scratch->alloc(
      DType::kF32, Shape((kGemmWorkspaceBytes + kGemmWorkspaceAlignment) / int64_t{sizeof(float)}), &bytes));
  const uintptr_t address = reinterpret_cast<uintptr_t>(bytes.data);
  *out = reinterpret_cast<void*>((address + kGemmWorkspaceAlignment - 1) & ~uintptr_t{kGemmWorkspaceAlignment - 1});
  return ok();
}

Status gemm_state(Context& context, GemmState** out) {
  if (stream_of(context).gemm == nullptr) return create_state(context, out);
  *out = stream_of(context).gemm.get();
  return ok();
}

Status plan_of(Context& context, GemmState& state, const Gemm& gemm, const GemmPlan** out) {
  const GemmKey key(context, gemm);
  std::unique_ptr<GemmPlan>& kept = state.plans[key];
  if (kept == nullptr) {
    auto plan = std::make_unique<GemmPlan>(state.library);
    MR_RETURN_IF_ERROR(plan->create(key));
    MR_RETURN_IF_ERROR(choose_algorithm(context, state, key, gemm, *plan));
    kept = std::move(plan);
  }
  *out = kept.get();
  return ok();
}

Status gemm(Context& context, const Gemm& gemm) {
  void* workspace = nullptr;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(alloc_workspace(context, &workspace));
  context.scratch->release(mark);
  if (planning(context) || nothing_to_do(gemm)) return ok();
  GemmState* state = nullptr;
  MR_RETURN_IF_ERROR(gemm_state(context, &state));
  const GemmPlan* plan = nullptr;
  MR_RETURN_IF_ERROR(plan_of(context, *state, gemm, &plan));
  if (!plan->offered) {
    return internal_error("cuBLASLt has no algorithm for " + GemmKey(context, gemm).text());
  }
  return plan->run(stream_of(context), state->handle, gemm, gemm.out.data, plan->algorithm, workspace);
}

Status gemm_offers(Context& context, const Gemm& gemm, bool* out) {
  *out = false;
  if (planning(context) || nothing_to_do(gemm)) return ok();
  GemmState* state = nullptr;
  MR_RETURN_IF_ERROR(gemm_state(context, &state));
  const GemmPlan* plan = nullptr;
  MR_RETURN_IF_ERROR(plan_of(context, *state, gemm, &plan));
  *out = plan->offered;
  return ok();
}

Status prefer_fused(Context& context, const Gemm& fused, const Gemm& plain, const std::function<Status()>& rest,
                    bool* out) {
  *out = false;
  if (planning(context) || nothing_to_do(fused) || verifying(context)) return ok();
  GemmState* state = nullptr;
  MR_RETURN_IF_ERROR(gemm_state(context, &state));
  const GemmKey key(context, fused);
  if (const auto known = state->fused.find(key); known != state->fused.end()) {
    *out = known->second;
    return ok();
  }
  const GemmPlan* fused_plan = nullptr;
  MR_RETURN_IF_ERROR(plan_of(context, *state, fused, &fused_plan));
  const std::string name = "fused " + key.text();
  std::string known;
  if (fused_plan->offered && state->cache->find(name, &known)) {
    *out = known == "yes";
  } else if (fused_plan->offered && !stream_of(context).recording) {
    const GemmPlan* plain_plan = nullptr;
    MR_RETURN_IF_ERROR(plan_of(context, *state, plain, &plain_plan));
    float fused_time = 0, plain_time = 0, rest_time = 0;
    bool measured = false;
    if (plain_plan->offered) {
      MR_RETURN_IF_ERROR(time_of(context, *state, *fused_plan, fused, &fused_time, &measured));
    }
    if (measured) MR_RETURN_IF_ERROR(time_of(context, *state, *plain_plan, plain, &plain_time, &measured));
    if (measured) {
      MR_RETURN_IF_ERROR(time_of(stream_of(context), rest, &rest_time));
      const bool faster = fused_time <= plain_time + rest_time;
      *out = state->cache->put(name, faster ? "yes" : "no") == "yes";
    } else {
      *out = true;
    }
  }
  state->fused[key] = *out;
  return ok();
}

}  // namespace millrace::cuda
