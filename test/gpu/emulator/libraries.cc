#include "emulator/libraries.h"

#include <mutex>
#include <set>
#include <utility>

#include "cuda/libraries.h"

namespace {

using Functions = std::map<std::string, void*>;

struct Shelf {
  std::mutex mutex;
  std::map<std::string, Functions> libraries;
  std::set<std::string> hidden;
};

Shelf& shelf() {
  static Shelf* one = new Shelf;
  return *one;
}

}  // namespace

namespace emulator {

EmulatedLibrary::EmulatedLibrary(const char* file, std::map<std::string, void*> functions) {
  shelf().libraries[file] = std::move(functions);
}

void hide_library(const std::string& file, bool hidden) {
  const std::lock_guard lock(shelf().mutex);
  if (hidden) {
    shelf().hidden.insert(file);
  } else {
    shelf().hidden.erase(file);
  }
}

}  // namespace emulator

namespace millrace::cuda {

Status Library::open(const char* file, Library* out) {
  const std::lock_guard lock(shelf().mutex);
  const auto found = shelf().libraries.find(file);
  if (found == shelf().libraries.end() || shelf().hidden.count(file) != 0) {
    return Status(MR_NO_DEVICE, std::string("expected ") + file + ", which is not emulated");
  }
  out->handle_ = &found->second;
  out->file_ = file;
  return ok();
}

void* Library::symbol(const char* name) const {
  if (handle_ == nullptr) return nullptr;
  const auto& functions = *static_cast<const Functions*>(handle_);
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

Status Library::missing(const char* name) const {
  return Status(MR_NO_DEVICE, std::string("expected ") + name + " in the emulated " + file_ + ", found none");
}

}  // namespace millrace::cuda
