// Stopwatch: when a rank's stream passed the points that were marked in it, by the device's own clock: for profiles.
// Marking does not wait, so what is measured runs as it would.
#ifndef MILLRACE_CORE_STOPWATCH_H_
#define MILLRACE_CORE_STOPWATCH_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "core/context.h"
#include "core/status.h"

namespace millrace {

class Stopwatch {
 public:
  virtual ~Stopwatch() = default;

  // Marks the point that the stream has reached once all that was enqueued is done.
  virtual Status lap(Context&) = 0;
  virtual size_t num_laps() const = 0;
  // Waits for the stream, gives the seconds from each point to the next and forgets all points.
  virtual Status read(Context&, std::vector<double>* seconds) = 0;
};

// For a device whose calls return when their work is done.
std::unique_ptr<Stopwatch> host_stopwatch();

}  // namespace millrace

#endif  // MILLRACE_CORE_STOPWATCH_H_
