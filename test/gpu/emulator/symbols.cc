#include "emulator/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

namespace emulator {

namespace {

// Kernels are local to their files, so the dynamic linker does not know them: the static table does.
std::string mangled_name(const std::string& file, uintptr_t offset) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (bytes.size() < sizeof(ElfW(Ehdr))) return {};
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(bytes.data());
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(bytes.data() + header->e_shoff);
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(bytes.data() + sections[s].sh_offset);
    const char* names = bytes.data() + sections[sections[s].sh_link].sh_offset;
    for (size_t i = 0; i < sections[s].sh_size / sizeof(ElfW(Sym)); ++i) {
      if (symbols[i].st_value == offset && (symbols[i].st_info & 0xf) == STT_FUNC) return names + symbols[i].st_name;
    }
  }
  return {};
}

// "void millrace::cuda::(anonymous namespace)::kernel<float>(float*)" -> "kernel<float>".
std::string shortened(std::string name) {
  for (const char* scope : {"(anonymous namespace)::", "millrace::cuda::", "millrace::", "void "}) {
    const std::string word = scope;
    for (size_t at = name.find(word); at != std::string::npos; at = name.find(word)) name.erase(at, word.size());
  }
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

}  // namespace

std::string name_of_function(const void* function) {
  char address[32];
  std::snprintf(address, sizeof(address), "%p", function);
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(function, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return address;
  // The main program's own entry has no file name.
  const std::string file = map->l_name == nullptr || *map->l_name == '\0' ? "/proc/self/exe" : map->l_name;
  const std::string mangled = mangled_name(file, reinterpret_cast<uintptr_t>(function) - map->l_addr);
  if (mangled.empty()) return address;
  char* demangled = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, nullptr);
  const std::string name = demangled == nullptr ? mangled : shortened(demangled);
  std::free(demangled);
  return name;
}

}  // namespace emulator
