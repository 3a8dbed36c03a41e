// Names of functions by their addresses.
#ifndef MILLRACE_EMULATOR_SYMBOLS_H_
#define MILLRACE_EMULATOR_SYMBOLS_H_

#include <string>

namespace emulator {

// "layernorm_forward_kernel<float>", from the symbol table of the file that the function was loaded from; its address
// where the table was stripped.
std::string name_of_function(const void* function);

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_SYMBOLS_H_
