// doppel eval --open-set: what a gallery of these people would answer.
#include <gmock/gmock.h>

#include "doppel/data/synthetic.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class OpenSetCommand : public ProgramTest {
 protected:
  // 20 synthetic people to train on; 30 others with 4 photos each: badges/ has two of each of the
  // first 24, door/ the other two of everybody.
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 20, 4, 7);
    train_briefly("20_people_4_photos");
    write_synthetic(folder_ / "all", 30, 4, 8);
    for (int i = 1; i <= 30; ++i) {
      const std::string drawn = std::string("s").append(std::to_string(i));
      const std::string person = "person " + std::to_string(i);
      for (int k = 1; k <= 4; ++k) {
        if (k <= 2 && i > 24) continue;
        const fs::path to = folder_ / (k <= 2 ? "badges" : "door") / person;
        const std::string photo = std::to_string(k) + ".pgm";
        fs::create_directories(to);
        fs::rename(folder_ / "all" / drawn / photo, to / photo);
      }
    }
  }
};

TEST_F(OpenSetCommand, SearchesForThePhotosOfAnotherCamera) {
  const Finished finished = run({"eval", "m.safetensors", "badges", "--open-set", "--searched",
                                 "door", "--enrolled", "20", "--draws", "3", "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const nlohmann::json document = finished.json();
  EXPECT_EQ(document["searched"]["images"], 60);
  const nlohmann::json row = document["open_set"][0];
  EXPECT_EQ(row["people"], 20);
  EXPECT_EQ(row["mated_searches"], 3 * 20 * 2);
  EXPECT_EQ(row["stranger_searches"], 3 * 10 * 2);
  // Two photos each can be enrolled, as none of them is searched for.
  EXPECT_EQ(document["open_set"][1]["photos"], 2);
  const Finished text =
      run({"eval", "m.safetensors", "badges", "--open-set", "--searched", "door", "--draws", "2"});
  EXPECT_THAT(text.out,
              HasSubstr("All 60 photos of door are searched for; 6 people of it who are not"));
}

TEST_F(OpenSetCommand, RefusesPhotosOfNobodyOfThem) {
  fs::create_directories(folder_ / "others");
  fs::rename(folder_ / "door" / "person 1", folder_ / "others" / "Ada");
  fs::rename(folder_ / "door" / "person 2", folder_ / "others" / "Bob");
  const Finished others =
      run({"eval", "m.safetensors", "badges", "--open-set", "--searched", "others"});
  EXPECT_EQ(others.code, 1);
  EXPECT_THAT(others.err, HasSubstr("--searched others: photos of people of badges"));
  EXPECT_EQ(run({"eval", "m.safetensors", "badges", "--searched", "door"}).code, 2);
  const Finished same =
      run({"eval", "m.safetensors", "badges", "--open-set", "--searched", "badges"});
  EXPECT_EQ(same.code, 1);
  EXPECT_THAT(same.err, HasSubstr("48 pictures would be searched for among themselves"));
}

}  // namespace
}  // namespace doppel::internal
