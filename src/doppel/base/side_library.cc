#include "doppel/base/side_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "doppel/base/build_folder.h"
#include "doppel/base/error.h"

namespace doppel {

namespace fs = std::filesystem;

void* side_library_entry(const std::string& name, const std::string& entry,
                         const std::string& purpose) {
  std::vector<fs::path> places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!error) places = {program, program.parent_path() / "lib" / "doppel"};
  // The tests' programs lie deeper. Elsewhere that folder is anybody's.
  if (program.string().starts_with(kBuildFolder)) places.emplace_back(kBuildFolder);
  const std::string library = "lib" + name + ".so";
  for (const fs::path& place : places) {
    const fs::path file = place / library;
    if (!fs::exists(file, error)) continue;
    void* const opened = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) throw Error(ErrorKind::io, purpose + ": " + dlerror());
    void* const address = dlsym(opened, entry.c_str());
    if (address == nullptr) {
      throw Error(ErrorKind::io, purpose + ": " + file.string() +
                                     " is of another version of the program: " + dlerror());
    }
    return address;
  }
  throw Error(ErrorKind::io, purpose + ": the library " + library +
                                 " was expected beside the program or in ../lib/doppel");
}

}  // namespace doppel
