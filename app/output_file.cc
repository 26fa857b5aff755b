#include "output_file.h"

#include <filesystem>

#include "doppel/error.h"

namespace doppel::internal::app {

void check_writable(const std::string& option, const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) {
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error) {
      throw Error(ErrorKind::io,
                  option + " " + path + ": its folder cannot be made: " + error.message());
    }
  }
  if (std::filesystem::is_directory(path)) {
    throw Error(ErrorKind::bad_argument,
                option + " " + path + ": a file was expected, not a folder");
  }
}

}  // namespace doppel::internal::app
