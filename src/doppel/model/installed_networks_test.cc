#include "doppel/model/installed_networks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

// Each test is a process of its own, so that its environment is nobody else's.
class InstalledNetworks : public testing::Test {
 protected:
  InstalledNetworks() {
    fs::create_directories(folder_ / "doppel");
    unsetenv("DOPPEL_NETWORKS");
    setenv("XDG_DATA_HOME", folder_.c_str(), 1);
  }
  ~InstalledNetworks() override { fs::remove_all(folder_); }

  fs::path install(const fs::path& in) const {
    write_file_atomically(in / kFaceNetwork, "a network");
    return in / kFaceNetwork;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("doppel_installed_networks" + std::to_string(getpid()));
};

TEST_F(InstalledNetworks, AreFoundInTheFirstFolderThatHasThem) {
  EXPECT_EQ(network_folders()[0], folder_ / "doppel");
  EXPECT_EQ(network_folders()[1], "/usr/local/share/doppel");
  const fs::path users = install(folder_ / "doppel");
  EXPECT_EQ(installed_network(kFaceNetwork), users);
  EXPECT_EQ(named_or_installed("", "a model was expected"), users);
  EXPECT_EQ(named_or_installed("mine.safetensors", "a model was expected"), "mine.safetensors");
  setenv("DOPPEL_NETWORKS", folder_.c_str(), 1);
  EXPECT_EQ(installed_network(kFaceNetwork), std::nullopt) << "DOPPEL_NETWORKS alone counts";
  const fs::path named = install(folder_);
  EXPECT_EQ(installed_network(kFaceNetwork), named);
}

TEST_F(InstalledNetworks, AreInTheHomeFolderWhereNothingElseIsSaid) {
  setenv("HOME", folder_.c_str(), 1);
  for (const char* none : {"", "relative"}) {
    setenv("XDG_DATA_HOME", none, 1);
    EXPECT_EQ(network_folders()[0], folder_ / ".local/share/doppel") << none;
  }
  unsetenv("XDG_DATA_HOME");
  unsetenv("HOME");
  EXPECT_EQ(network_folders().size(), 1u);
}

TEST_F(InstalledNetworks, OfWhichThereIsNoneAreSaidToBeMissing) {
  setenv("DOPPEL_NETWORKS", "/nonexistent", 1);
  try {
    named_or_installed("", "--model was expected");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_EQ(std::string(error.what()),
              "--model was expected; scripts/get_networks installs one that recognises people "
              "without training");
  }
}

}  // namespace
}  // namespace doppel::internal
