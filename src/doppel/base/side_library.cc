#include "doppel/base/side_library.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

// Of the program or the shared library that holds this code; empty where it cannot be told.
fs::path own_folder() {
  Dl_info info;
  link_map* module = nullptr;
  if (dladdr1(reinterpret_cast<void*>(&own_folder), &info, reinterpret_cast<void**>(&module),
              RTLD_DL_LINKMAP) == 0 ||
      module == nullptr) {
    return {};
  }
  std::error_code error;
  const std::string name = module->l_name;  // of the program itself it is empty
  if (name.empty()) return fs::read_symlink("/proc/self/exe", error).parent_path();
  // A relative one was meant for the folder of that time, which may be another one now.
  if (!name.starts_with('/')) return {};
  return fs::canonical(name, error).parent_path();
}

}  // namespace

void* side_library_entry(const std::string& name, const std::string& entry,
                         const std::string& purpose) {
  const std::string library = "lib" + name + ".so";
  const fs::path beside = own_folder() / library;
  std::error_code error;
  const std::string file =
      beside.is_absolute() && fs::exists(beside, error) ? beside.string() : library;
  void* const opened = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    throw Error(ErrorKind::unavailable, purpose + " takes the library " + library +
                                            ", which cannot be loaded: " + dlerror());
  }
  const auto symbol = [&](const std::string& wanted) {
    void* const address = dlsym(opened, wanted.c_str());
    if (address != nullptr) return address;
    throw Error(ErrorKind::unavailable,
                purpose + ": " + file + " is no library of this program: " + dlerror());
  };
  using Version = const char* (*)();
  const char* const told = reinterpret_cast<Version>(symbol("doppel_side_library_version"))();
  const std::string version = told != nullptr ? told : "unknown";
  if (version != DOPPEL_VERSION) {
    throw Error(ErrorKind::unavailable, purpose + ": " + file + " is of version " + version +
                                            ", and this is version " DOPPEL_VERSION +
                                            "; install both from one package");
  }
  return symbol(entry);
}

}  // namespace doppel::internal
