#include "doppel/model/installed_networks.h"

#include <cstdlib>
#include <system_error>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

// Of the environment; empty where it is not set.
std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::vector<fs::path> network_folders() {
  if (const std::string named = setting("DOPPEL_NETWORKS"); !named.empty()) return {named};
  std::vector<fs::path> folders;
  if (const std::string data = setting("XDG_DATA_HOME"); fs::path(data).is_absolute()) {
    folders.push_back(fs::path(data) / "doppel");
  } else if (const std::string home = setting("HOME"); !home.empty()) {
    folders.push_back(fs::path(home) / ".local/share/doppel");
  }
  folders.emplace_back("/usr/local/share/doppel");
  return folders;
}

std::optional<fs::path> installed_network(const std::string& file) {
  for (const fs::path& folder : network_folders()) {
    std::error_code ignored;
    if (fs::exists(folder / file, ignored)) return folder / file;
  }
  return {};
}

std::string named_or_installed(const std::string& named, const std::string& missing) {
  if (!named.empty()) return named;
  if (const auto installed = installed_network(kFaceNetwork)) {
    return fs::absolute(*installed).string();
  }
  throw Error(ErrorKind::bad_argument,
              missing +
                  "; scripts/get_networks installs one that recognises people without "
                  "training");
}

}  // namespace doppel::internal
