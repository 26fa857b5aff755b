// Photos unlike those that a model was calibrated on are noticed wherever they come in.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "doppel/data/synthetic.h"
#include "doppel/image/encode.h"
#include "doppel/image/resize.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;

class PhotoWarningsOfAll : public ProgramTest {
 protected:
  // 20 synthetic people to train on; another 30 in people/, one photo each; the same as a bad
  // camera takes them in blurred/, and from farther away in small/.
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 20, 4, 7);
    train_briefly("20_people_4_photos");
    const auto write = [&](const char* folder, const std::string& name, const Image& image) {
      fs::create_directories(folder_ / folder);
      std::ofstream(folder_ / folder / name, std::ios::binary) << encode_pgm(image);
    };
    for (uint32_t i = 0; i < 30; ++i) {
      const Image face = synthetic_face(7, 100 + i, 0);
      const std::string name = std::string("p").append(std::to_string(i)) + ".pgm";
      write("people", name, face);
      write("blurred", name, resize(resize(face, 18, 22), face.width, face.height));
      Image wall{face.width, face.height, std::vector<float>(face.pixels.size(), 0.5F)};
      const Image small = resize(face, face.width / 2, face.height / 2);
      for (int y = 0; y < small.height; ++y) {
        for (int x = 0; x < small.width; ++x) {
          wall.at(face.height / 4 + y, face.width / 4 + x) = small.at(y, x);
        }
      }
      write("small", name, wall);
    }
  }

  Finished enroll(const std::string& gallery, const std::string& folder) const {
    return run(
        {"enroll", gallery, "--model", "m.safetensors", "--folder", folder, "--force", "--json"});
  }
};

TEST_F(PhotoWarningsOfAll, NothingIsSaidOfPhotosLikeTheModelS) {
  const Finished enrolled = enroll("g", "people");
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  EXPECT_THAT(enrolled.json()["warnings"], IsEmpty());
  EXPECT_THAT(run({"gallery", "list", "g", "--json"}).json()["warnings"], IsEmpty());
  const Finished identified = run({"identify", "g", "people", "--json"});
  EXPECT_THAT(identified.json()["warnings"], IsEmpty()) << identified.err;
  EXPECT_THAT(run({"identify", "g", "people/p1.pgm"}).err, Not(HasSubstr("Warning")));
}

TEST_F(PhotoWarningsOfAll, EnrolledPhotosThatAreUnlikeAreSaid) {
  const Finished enrolled = enroll("g", "blurred");
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  EXPECT_THAT(enrolled.json()["warnings"],
              ElementsAre(AllOf(HasSubstr("The enrolled photos are unlike"),
                                HasSubstr("less sharp"), HasSubstr("doppel eval --open-set"))));
}

// Later on the templates tell it, without any photo.
TEST_F(PhotoWarningsOfAll, EnrolledTemplatesThatAreUnlikeAreSaid) {
  ASSERT_EQ(enroll("g", "small").code, 0);
  const std::string warning = "Warning: The photos in the gallery are unlike";
  EXPECT_THAT(run({"gallery", "list", "g"}).err, HasSubstr(warning));
  EXPECT_THAT(run({"identify", "g", "small/p1.pgm"}).err, HasSubstr(warning));
  const Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  EXPECT_TRUE(serving.complained(warning, std::chrono::seconds(60)));
}

TEST_F(PhotoWarningsOfAll, PhotosSearchedForThatAreUnlikeAreSaid) {
  ASSERT_EQ(enroll("g", "people").code, 0);
  const Finished identified = run({"identify", "g", "blurred", "--json"});
  ASSERT_EQ(identified.code, 0) << identified.err;
  const nlohmann::json warnings = identified.json()["warnings"];
  ASSERT_FALSE(warnings.empty());
  EXPECT_THAT(warnings[0],
              AllOf(HasSubstr("The photos searched for are unlike"), HasSubstr("less sharp")));
  EXPECT_THAT(identified.err, HasSubstr("Warning: The photos searched for are unlike"));
}

// Also of those that come one by one, when they are decided alone and when a visit is.
TEST_F(PhotoWarningsOfAll, PhotosThatComeToAFolderAreSaid) {
  ASSERT_EQ(enroll("g", "people").code, 0);
  for (const char* visit : {"1", "5"}) {
    fs::create_directories(folder_ / "door");
    Running watching(folder_, {"watch", "g", "door", "--visit", visit, "--gap", "0.1"}, "");
    ASSERT_TRUE(watching.complained("Ctrl-C ends it", std::chrono::seconds(60)));
    for (const fs::directory_entry& photo : fs::directory_iterator(folder_ / "blurred")) {
      fs::copy(photo.path(), folder_ / "door");
    }
    EXPECT_TRUE(watching.complained("Warning: The photos searched for are unlike",
                                    std::chrono::seconds(60)));
    watching.signal(SIGINT);
    watching.wait();
    fs::remove_all(folder_ / "door");
  }
}

// The AT&T faces are no drawings.
TEST_F(PhotoWarningsOfAll, AnotherCollectionIsSaid) {
  if (att_faces().empty()) GTEST_SKIP() << "the AT&T faces are not there";
  const Finished enrolled = enroll("g", att_faces().string());
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  EXPECT_EQ(enrolled.json()["warnings"].size(), 1u);
}

}  // namespace
}  // namespace doppel::internal
