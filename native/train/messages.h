// What ranks tell each other besides tensors: a number, a line of text. Communicators take tensors, so both pass
// through a few words of the device's memory. A group of one is told nothing.
#ifndef MILLRACE_TRAIN_MESSAGES_H_
#define MILLRACE_TRAIN_MESSAGES_H_

#include <cstdint>
#include <string>

#include "model/rank_env.h"
#include "train/place.h"

namespace millrace {

class Messages {
 public:
  Status allocate(Arena& arena);

  // *value becomes the largest that a rank of the world has.
  Status largest(RankEnv&, const Place&, int64_t* value, const char* name) const;
  // *text becomes the first 255 bytes of that of rank `from`.
  Status tell(RankEnv&, const Place&, int from, std::string* text, const char* name) const;

 private:
  Tensor words_;  // (32) i64
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_MESSAGES_H_
