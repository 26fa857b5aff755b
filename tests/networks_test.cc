// Pre-trained networks, as users of the program meet them. Any model stands in for the one that
// scripts/get_networks installs.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

class Networks : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 20, 4, 7);
    train_briefly("20_people_4_photos");
    fs::create_directories(folder_ / "nets");
    fs::copy_file(folder_ / "m.safetensors", folder_ / "nets/face_recognition.safetensors");
  }
};

TEST_F(Networks, AreWhatANewGalleryIsMadeWithWhereNoModelIsNamed) {
  const std::vector<std::string> enroll = {"enroll", "g", "--name", "s1", "faces/s1/1.pgm"};
  const Finished without = run(enroll);
  EXPECT_EQ(without.code, 2);
  EXPECT_THAT(without.err, HasSubstr("--model says which model the new one is for; "
                                     "scripts/get_networks installs one"));
  const std::string here = "DOPPEL_NETWORKS=nets";
  const Finished made = run(enroll, here);
  ASSERT_EQ(made.code, 0) << made.err;
  // The gallery names the file, wherever it is opened from then on.
  const std::string file = run({"gallery", "list", "g", "--json"}).json()["model"]["file"];
  EXPECT_EQ(file, (fs::canonical(folder_) / "nets/face_recognition.safetensors").string());
  EXPECT_EQ(run({"identify", "g", "faces/s1/1.pgm"}).code, 0);
  EXPECT_EQ(run({"enroll", "g", "--name", "s2", "faces/s2/1.pgm"}).code, 0);
}

TEST_F(Networks, AreListed) {
  const Finished none = run({"networks"});
  EXPECT_EQ(none.code, 0);
  EXPECT_THAT(none.out, HasSubstr("No network is installed; scripts/get_networks gets one"));
  EXPECT_TRUE(run({"networks", "--json"}).json()["face_recognition"].is_null());
  const std::string here = "DOPPEL_NETWORKS=nets";
  EXPECT_THAT(run({"networks"}, here).out, HasSubstr("nets/face_recognition.safetensors"));
  EXPECT_EQ(run({"networks", "--json"}, here).json()["face_recognition"]["file"],
            "nets/face_recognition.safetensors");
}

TEST_F(Networks, AreNotMadeOfOtherFiles) {
  write_file_atomically(folder_ / "text.dat", "no network");
  const Finished text = run({"networks", "convert", "text.dat", "text.dat", "out.safetensors"});
  EXPECT_EQ(text.code, 1);
  EXPECT_THAT(text.err, HasSubstr("text.dat: at byte"));
  const Finished gone = run({"networks", "convert", "gone.dat", "text.dat", "out.safetensors"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("gone.dat"));
  EXPECT_FALSE(fs::exists(folder_ / "out.safetensors"));
}

}  // namespace
}  // namespace doppel::internal
