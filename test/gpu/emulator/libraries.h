// Emulated libraries: what native/cuda/libraries.h finds in place of NVIDIA's. A file that emulates one names its
// functions in a static EmulatedLibrary.
#ifndef MILLRACE_EMULATOR_LIBRARIES_H_
#define MILLRACE_EMULATOR_LIBRARIES_H_

#include <map>
#include <string>

namespace emulator {

struct EmulatedLibrary {
  // `functions` by name, as void pointers.
  EmulatedLibrary(const char* file, std::map<std::string, void*> functions);
};

// As if the library were not installed, or again installed.
void hide_library(const std::string& file, bool hidden);

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_LIBRARIES_H_
