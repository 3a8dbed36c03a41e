#include "train/schedule.h"

#include <algorithm>
#include <cmath>

namespace millrace {

double LearningRateSchedule::at(int64_t update) const {
  if (update <= warmup_steps) return peak * static_cast<double>(update) / static_cast<double>(warmup_steps);
  const double length = static_cast<double>(std::max<int64_t>(1, decay_steps - warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(update - warmup_steps) / length);
  constexpr double kPi = 3.14159265358979323846;
  switch (decay) {
    case Decay::kCosine:
      return std::max(floor, 0.5 * peak * (1.0 + std::cos(kPi * progress)));
    case Decay::kLinear:
      return std::max(floor, peak * (1.0 - progress));
    case Decay::kConstant:
      break;
  }
  return peak;
}

}  // namespace millrace
