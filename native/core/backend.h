// The backend registry: api/ names backends, everything else takes a table.
#ifndef MILLRACE_CORE_BACKEND_H_
#define MILLRACE_CORE_BACKEND_H_

#include "core/ops.h"

namespace millrace {

// Each backend library defines its own. Null when this build or this machine cannot run it.
const OpTable* reference_backend(DType dtype);  // every floating dtype
const OpTable* cpu_backend(DType dtype);        // kF32, kBF16, kF16; null without a BLAS library

}  // namespace millrace

#endif  // MILLRACE_CORE_BACKEND_H_
