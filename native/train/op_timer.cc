#include "train/op_timer.h"

#include <algorithm>
#include <string_view>

namespace millrace {

namespace {

constexpr const char* kBetween = "between ops";
// Points that are held before they are read: the wait for them is far apart, and their number is bounded.
constexpr size_t kMostLaps = 16384;

// "step 3 layer 2 attention forward" -> "attention forward": a row is one place of the model, not one of each layer.
std::string_view without_numbers(std::string_view operation) {
  for (const std::string_view counted : {std::string_view("step "), std::string_view("layer ")}) {
    if (operation.substr(0, counted.size()) != counted) continue;
    const size_t end = operation.find(' ', counted.size());
    if (end != std::string_view::npos) operation.remove_prefix(end + 1);
  }
  return operation;
}

// The name of an op as a template argument.
template <size_t kSize>
struct Name {
  char text[kSize];
  constexpr Name(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }
};

template <auto kOp, Name kName, class... Arguments>
Status timed(Context& context, Arguments... arguments) {
  OpTimer& timer = static_cast<OpTimer&>(context);
  MR_RETURN_IF_ERROR(timer.begin_op());
  MR_RETURN_IF_ERROR((timer.inner().*kOp)(context, arguments...));
  return timer.end_op(kName.text);
}

template <auto kOp, Name kName, class... Arguments>
void time_op(OpTable& table, Status (*OpTable::*)(Context&, Arguments...)) {
  table.*kOp = timed<kOp, kName, Arguments...>;
}

#define MR_TIME(op) time_op<&OpTable::op, #op>(table, &OpTable::op)

OpTable timed_table(const OpTable& inner) {
  OpTable table = inner;
  MR_TIME(linear_forward);
  MR_TIME(linear_gelu_forward);
  MR_TIME(gelu_forward);
  MR_TIME(linear_backward_input);
  MR_TIME(linear_gelu_backward_input);
  MR_TIME(linear_backward_weight);
  MR_TIME(layernorm_forward);
  MR_TIME(layernorm_backward);
  MR_TIME(residual_layernorm_forward);
  MR_TIME(bias_dropout_backward);
  MR_TIME(attention_forward);
  MR_TIME(attention_backward);
  MR_TIME(embedding_forward);
  MR_TIME(position_forward);
  MR_TIME(position_backward);
  MR_TIME(embedding_backward);
  MR_TIME(cross_entropy_max);
  MR_TIME(cross_entropy_sum);
  MR_TIME(cross_entropy_loss);
  MR_TIME(cross_entropy_backward);
  MR_TIME(fill);
  MR_TIME(add);
  MR_TIME(maximum);
  MR_TIME(scale);
  MR_TIME(sum);
  MR_TIME(sum_squares);
  MR_TIME(count_non_finite);
  MR_TIME(cast);
  MR_TIME(begin_step);
  MR_TIME(decide_step);
  MR_TIME(adamw);
  return table;
}

#undef MR_TIME

}  // namespace

OpTimer::OpTimer(RankEnv& env, std::unique_ptr<Stopwatch> stopwatch)
    : Context(*env.context),
      env_(env),
      inner_(env.ops),
      context_(env.context),
      stopwatch_(std::move(stopwatch)),
      ops_(timed_table(*env.ops)) {
  env.ops = &ops_;
  env.context = this;
}

OpTimer::~OpTimer() {
  env_.ops = inner_;
  env_.context = context_;
}

Status OpTimer::begin_op() {
  if (stopwatch_->num_laps() >= kMostLaps) MR_RETURN_IF_ERROR(collect());
  // The interval that ends here began with the op before; there is none before the first lap.
  if (stopwatch_->num_laps() > 0) pending_.push_back(&rows_[kBetween]);
  return stopwatch_->lap(*this);
}

Status OpTimer::end_op(const char* op) {
  OpTime& row = rows_[std::string(without_numbers(env_.operation())) + ": " + op];
  ++row.calls;
  pending_.push_back(&row);
  return stopwatch_->lap(*this);
}

Status OpTimer::collect() {
  std::vector<double> seconds;
  MR_RETURN_IF_ERROR(stopwatch_->read(*this, &seconds));
  MR_CHECK(seconds.size() == pending_.size());
  for (size_t i = 0; i < seconds.size(); ++i) pending_[i]->seconds += seconds[i];
  pending_.clear();
  return ok();
}

Status OpTimer::rows(std::vector<OpTime>* out) {
  MR_RETURN_IF_ERROR(collect());
  out->clear();
  for (auto& [name, row] : rows_) {
    row.name = name;
    out->push_back(row);
  }
  std::sort(out->begin(), out->end(), [](const OpTime& a, const OpTime& b) { return a.seconds > b.seconds; });
  return ok();
}

}  // namespace millrace
