#include "train/messages.h"

#include <algorithm>
#include <array>

#include "core/device.h"
#include "train/results.h"

namespace millrace {

namespace {

constexpr int64_t kWords = 32;
constexpr size_t kBytes = kWords * sizeof(int64_t);

}  // namespace

Status Messages::allocate(Arena& arena) { return arena.alloc(DType::kI64, Shape(kWords), &words_); }

Status Messages::largest(RankEnv& env, const Place& place, int64_t* value, const char* name) const {
  if (place.world() == 1) return ok();
  Context& context = *env.context;
  const Tensor word = words_.rows(0, 1);
  MR_RETURN_IF_ERROR(context.device->to_device(context, word.data, value, sizeof(*value)));
  MR_RETURN_IF_ERROR(env.all_reduce(place.world_group, place.world(), word, ReduceOp::kMax, name));
  MR_RETURN_IF_ERROR(context.device->to_host(context, value, word.data, sizeof(*value)));
  return await_results(place, context);
}

Status Messages::tell(RankEnv& env, const Place& place, int from, std::string* text, const char* name) const {
  std::array<char, kBytes> bytes{};
  std::copy_n(text->data(), std::min(text->size(), kBytes - 1), bytes.data());
  if (place.world() > 1) {
    Context& context = *env.context;
    MR_RETURN_IF_ERROR(context.device->to_device(context, words_.data, bytes.data(), kBytes));
    MR_RETURN_IF_ERROR(place.world_group->broadcast(context, words_, from, env.enter("%s", name)));
    MR_RETURN_IF_ERROR(context.device->to_host(context, bytes.data(), words_.data, kBytes));
    MR_RETURN_IF_ERROR(await_results(place, context));
  }
  *text = bytes.data();
  return ok();
}

}  // namespace millrace
