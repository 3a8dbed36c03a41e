// Sums over rows, each in double: a float that takes a thousand rows in turn is off by several times of what PyTorch
// is.
#ifndef MILLRACE_REFERENCE_COLUMN_SUMS_H_
#define MILLRACE_REFERENCE_COLUMN_SUMS_H_

#include <cstdint>

namespace millrace::reference {

// sums[c] += sum over n < rows of value(n, c), for c < columns.
template <class Sum, class Value>
void add_column_sums(Sum* sums, int64_t rows, int64_t columns, const Value& value) {
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0.0;
    for (int64_t n = 0; n < rows; ++n) sum += static_cast<double>(value(n, c));
    sums[c] = static_cast<Sum>(sums[c] + sum);
  }
}

}  // namespace millrace::reference

#endif  // MILLRACE_REFERENCE_COLUMN_SUMS_H_
