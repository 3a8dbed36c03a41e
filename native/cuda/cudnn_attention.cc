// The only file that knows cuDNN: its graphs of attention through the header-only library cudnn-frontend, a plan for
// each shape and direction, kept with the rank's stream. Exceptions of those headers end here.
#include "cuda/cudnn_attention.h"

#include <dlfcn.h>

#include <array>
#include <exception>
#include <map>
#include <tuple>
#include <unordered_map>

#include "cuda/libraries.h"
#include "cuda/runtime.h"

#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

namespace cudnn_frontend {

void* cudnn_dlhandle = nullptr;  // what the headers find the library's functions in

}  // namespace cudnn_frontend

namespace millrace::cuda {

namespace fe = cudnn_frontend;

// A rank's handle of the library and its plans.
struct AttentionState {
  struct Plan {
    std::unique_ptr<fe::graph::Graph> graph;  // null: the library has none that fits
  };
  using Key = std::tuple<DType, int64_t, int64_t, int64_t, int64_t, bool, bool>;

  cudnnHandle_t handle = nullptr;
  std::map<Key, Plan> plans;
};

namespace {

using fe::graph::Graph;
using fe::graph::Tensor_attributes;
using TensorHandle = std::shared_ptr<Tensor_attributes>;

enum Uid : int64_t { kQ = 1, kK, kV, kOut, kLse, kDout, kDq, kDk, kDv };

// Beyond this our own kernels, whose workspace is a few bytes a row, are the better use of the memory.
constexpr int64_t kMostWorkspace = int64_t{1} << 30;
// For what the library may want besides what the formula counts.
constexpr int64_t kSpareWorkspace = int64_t{4} << 20;
// Where its workspace begins: as memory from the driver does.
constexpr int64_t kWorkspaceAlignment = 256;

int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// Calls what may throw; `call` returns a Status.
template <class Call>
Status guarded(const Call& call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return internal_error(std::string("cuDNN: ") + error.what());
  }
}

#define MR_CUDNN(expression)                                                                      \
  do {                                                                                            \
    fe::error_t mr_cudnn_error = (expression);                                                    \
    if (mr_cudnn_error.is_bad()) return internal_error("cuDNN: " + mr_cudnn_error.get_message()); \
  } while (false)

Status load() {
  // The headers open the runtime by its name, which finds it once it is here.
  Library runtime, cudnn;
  MR_RETURN_IF_ERROR(Library::open("libcudart.so.13", &runtime));
  MR_RETURN_IF_ERROR(Library::open("libcudnn.so.9", &cudnn));
  fe::cudnn_dlhandle = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_NOLOAD);
  return fe::cudnn_dlhandle == nullptr ? Status(MR_NO_DEVICE, "libcudnn.so.9 has another name of its own") : ok();
}

void end_state(AttentionState* state) {
  state->plans.clear();  // before the handle that they were made with
  if (state->handle != nullptr) (void)fe::detail::destroy_handle(state->handle);
  delete state;
}

// The rank's state; null where the library is not found or refuses.
AttentionState* state_of(Stream& stream) {
  static const bool loaded = load().ok();
  if (!loaded) return nullptr;
  if (stream.attention == nullptr) {
    stream.attention = Owned<AttentionState>(new AttentionState, end_state);
    const Status created = guarded([&] {
      return fe::detail::create_handle(&stream.attention->handle) == CUDNN_STATUS_SUCCESS
                 ? ok()
                 : internal_error("cudnnCreate failed");
    });
    if (!created.ok()) stream.attention->handle = nullptr;
  }
  return stream.attention->handle == nullptr ? nullptr : stream.attention.get();
}

// (B,H,T,D) as it lies in memory: rows of `row` elements from one t to the next.
Tensor_attributes heads_of(const AttentionShape& s, const char* name, Uid uid, int64_t row) {
  return Tensor_attributes()
      .set_name(name)
      .set_uid(uid)
      .set_dim({s.batch, s.heads, s.time, s.head_size})
      .set_stride({s.time * row, s.head_size, row, 1});
}
Tensor_attributes lse_of(const AttentionShape& s) {
  return Tensor_attributes()
      .set_name("lse")
      .set_uid(kLse)
      .set_dim({s.batch, s.heads, s.time, 1})
      .set_stride({s.heads * s.time, s.time, 1, 1})
      .set_data_type(fe::DataType_t::FLOAT);
}

// Strides and number of an output that the graph made.
void place_output(const AttentionShape& s, const TensorHandle& output, Uid uid, int64_t row) {
  output->set_output(true)
      .set_uid(uid)
      .set_dim({s.batch, s.heads, s.time, s.head_size})
      .set_stride({s.time * row, s.head_size, row, 1});
}

void describe_forward(Graph& graph, const AttentionShape& s) {
  const int64_t part = s.heads * s.head_size;
  auto options = fe::graph::SDPA_attributes()
                     .set_name("attention")
                     .set_generate_stats(true)  // max + ln(sum exp) of the scaled scores: our lse
                     .set_attn_scale(attention_factors(s, Dropout{}).score);
  if (s.causal) options.set_causal_mask(true);
  const auto [out, lse] =
      graph.sdpa(graph.tensor(heads_of(s, "q", kQ, 3 * part)), graph.tensor(heads_of(s, "k", kK, 3 * part)),
                 graph.tensor(heads_of(s, "v", kV, 3 * part)), options);
  place_output(s, out, kOut, part);
  lse->set_output(true)
      .set_uid(kLse)
      .set_dim({s.batch, s.heads, s.time, 1})
      .set_stride({s.heads * s.time, s.time, 1, 1})
      .set_data_type(fe::DataType_t::FLOAT);
}

void describe_backward(Graph& graph, const AttentionShape& s) {
  const int64_t part = s.heads * s.head_size;
  auto options = fe::graph::SDPA_backward_attributes()
                     .set_name("attention_backward")
                     .set_attn_scale(attention_factors(s, Dropout{}).score)
                     .set_deterministic_algorithm(true);
  if (s.causal) options.set_causal_mask(true);
  const auto [dq, dk, dv] =
      graph.sdpa_backward(graph.tensor(heads_of(s, "q", kQ, 3 * part)), graph.tensor(heads_of(s, "k", kK, 3 * part)),
                          graph.tensor(heads_of(s, "v", kV, 3 * part)), graph.tensor(heads_of(s, "out", kOut, part)),
                          graph.tensor(heads_of(s, "dout", kDout, part)), graph.tensor(lse_of(s)), options);
  place_output(s, dq, kDq, 3 * part);
  place_output(s, dk, kDk, 3 * part);
  place_output(s, dv, kDv, 3 * part);
}

Status build(const AttentionState& state, const Stream& stream, DType dtype, const AttentionShape& s, bool backward,
             std::unique_ptr<Graph>* out) {
  auto graph = std::make_unique<Graph>();
  graph->set_io_data_type(dtype == DType::kBF16 ? fe::DataType_t::BFLOAT16 : fe::DataType_t::HALF)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT)
      .set_sm_version(stream.compute_capability);
  if (backward) {
    describe_backward(*graph, s);
  } else {
    describe_forward(*graph, s);
  }
  MR_CUDNN(graph->build(state.handle, {fe::HeurMode_t::A}));
  int64_t bytes = 0;
  MR_CUDNN(graph->get_workspace_size(bytes));
  if (bytes + kWorkspaceAlignment > cudnn_attention_workspace(s, backward)) {
    return internal_error("cuDNN: a workspace larger than planned");
  }
  *out = std::move(graph);
  return ok();
}

// Null while a step is recorded, if the plan was not made before, or if there is none.
Graph* plan_of(Context& context, DType dtype, const AttentionShape& s, bool backward) {
  Stream& stream = stream_of(context);
  AttentionState* const state = state_of(stream);
  if (state == nullptr) return nullptr;
  const AttentionState::Key key{dtype, s.batch, s.time, s.heads, s.head_size, s.causal, backward};
  const auto known = state->plans.find(key);
  if (known != state->plans.end()) return known->second.graph.get();
  if (stream.recording) return nullptr;
  AttentionState::Plan& plan = state->plans[key];
  const Status built = guarded([&] { return build(*state, stream, dtype, s, backward, &plan.graph); });
  return built.ok() ? plan.graph.get() : nullptr;
}

Status execute(Context& context, DType dtype, const AttentionShape& s, bool backward,
               std::unordered_map<int64_t, void*> pointers) {
  Tensor workspace;
  const size_t mark = context.scratch->mark();
  // Arenas count elements; four bytes each.
  MR_RETURN_IF_ERROR(
      context.scratch->alloc(DType::kI32, Shape(cudnn_attention_workspace(s, backward) / 4), &workspace));
  context.scratch->release(mark);
  const int64_t address = static_cast<int64_t>(reinterpret_cast<intptr_t>(workspace.data));
  void* const aligned = workspace.as<char>() + (round_up(address, kWorkspaceAlignment) - address);
  Graph* const graph = plan_of(context, dtype, s, backward);
  MR_CHECK(graph != nullptr);
  Stream& stream = stream_of(context);
  return guarded([&]() -> Status {
    MR_CHECK(fe::detail::set_stream(stream.attention->handle, stream.handle) == CUDNN_STATUS_SUCCESS);
    MR_CUDNN(graph->execute(stream.attention->handle, pointers, aligned));
    return ok();
  });
}

// Q, K and V of qkv, or their gradients, as the library is given them.
void add_parts(const AttentionShape& s, const Tensor& qkv, const std::array<Uid, 3>& uids,
               std::unordered_map<int64_t, void*>* pointers) {
  for (size_t i = 0; i < 3; ++i) {
    pointers->emplace(uids[i], qkv.as<uint16_t>() + static_cast<int64_t>(i) * s.heads * s.head_size);
  }
}

}  // namespace

// Backward, with the deterministic setting: the gradients of all probabilities, 16 bits each, in tiles of 64 x 128
// (cudnn-frontend 1.32, CompositeSDPABackwardNode), and the row sums of dout * out in f32.
int64_t cudnn_attention_workspace(const AttentionShape& s, bool backward) {
  const int64_t heads = s.batch * s.heads;
  const int64_t rows = round_up(heads * s.time * 4, 256);
  const int64_t probabilities = backward ? heads * round_up(s.time, 64) * round_up(s.time, 128) * 2 : 0;
  const int64_t bytes = rows + probabilities + kSpareWorkspace;
  return heads * s.time == 0 || bytes > kMostWorkspace ? 0 : bytes;
}

bool cudnn_attention_takes(Context& context, DType dtype, const AttentionShape& s, bool backward) {
  // Backward, the headers put f32 row sums in front of the library's own workspace and do not round up their size; what
  // copies tiles needs 16 bytes.
  if (backward && s.batch * s.heads * s.time % 4 != 0) return false;
  return cudnn_attention_workspace(s, backward) > 0 && plan_of(context, dtype, s, backward) != nullptr;
}

Status cudnn_attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv) {
  std::unordered_map<int64_t, void*> pointers{{kOut, out.data}, {kLse, lse.data}};
  add_parts(s, qkv, {kQ, kK, kV}, &pointers);
  return execute(context, out.dtype, s, false, std::move(pointers));
}

Status cudnn_attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv,
                                Tensor out, Tensor lse) {
  std::unordered_map<int64_t, void*> pointers{{kOut, out.data}, {kLse, lse.data}, {kDout, dout.data}};
  add_parts(s, qkv, {kQ, kK, kV}, &pointers);
  add_parts(s, dqkv, {kDq, kDk, kDv}, &pointers);
  return execute(context, out.dtype, s, true, std::move(pointers));
}

}  // namespace millrace::cuda
