// Rows of tokens that a small model can learn in a few steps: each token mostly decides the next.
#ifndef MILLRACE_TEST_LEARNABLE_TEXT_H_
#define MILLRACE_TEST_LEARNABLE_TEXT_H_

#include <cstdint>
#include <vector>

namespace millrace::testing {

// The batch of step `step`: tokens(rows, time + 1), and sample numbers that are global and never repeat.
struct LearnableText {
  std::vector<int32_t> tokens;
  std::vector<int64_t> samples;

  LearnableText(int64_t rows, int64_t time, int64_t vocab_size, int64_t step) {
    uint32_t state = static_cast<uint32_t>(step) * 747796405u + 2891336453u;
    const auto next = [&state] { return (state = state * 1664525u + 1013904223u) >> 8; };
    const uint32_t vocab = static_cast<uint32_t>(vocab_size);
    for (int64_t row = 0; row < rows; ++row) {
      samples.push_back(step * rows + row);
      uint32_t token = next() % vocab;
      for (int64_t t = 0; t <= time; ++t) {
        tokens.push_back(static_cast<int32_t>(token));
        token = next() % 4 == 0 ? next() % vocab : (token * 5 + 3) % vocab;
      }
    }
  }
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_LEARNABLE_TEXT_H_
