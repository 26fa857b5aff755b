#include "doppel/onnx/backend.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/onnx/library_place.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;

const OnnxBackend& load_backend() {
  std::vector<fs::path> places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!error) places = {program, program.parent_path() / "lib" / "doppel"};
  places.emplace_back(kOnnxBuildFolder);
  for (const fs::path& place : places) {
    const fs::path file = place / kOnnxLibrary;
    if (!fs::exists(file, error)) continue;
    // Never closed: networks that it made may live to the end of the program.
    void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      throw Error(ErrorKind::io, std::string("ONNX: ") + dlerror());
    }
    using Entry = const OnnxBackend* (*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(library, "doppel_onnx_backend"));
    if (entry == nullptr) {
      throw Error(ErrorKind::io, file.string() + ": no library for ONNX: " + dlerror());
    }
    return *entry();
  }
  throw Error(ErrorKind::io, std::string("ONNX: the library ") + kOnnxLibrary +
                                 " was expected beside the program or in ../lib/doppel");
}

}  // namespace

const OnnxBackend& onnx_backend() {
  static const OnnxBackend& backend = load_backend();
  return backend;
}

}  // namespace doppel
