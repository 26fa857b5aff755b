#include "doppel/gallery/line_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "doppel/base/file.h"

namespace doppel::internal {
namespace {

class LineFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "lineXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "g.line"; }

  const PeopleIndex::Drawn drawn_ = {
      OwnLine(OwnLine::Numbers{500, 400, 1.0 / 3, 0.1, 0.9, 0.05, 0.89, 0.06}),
      0.25,
      {0.7, 0.03, 0.75},
      0.5};
  std::filesystem::path folder_;
};

TEST_F(LineFileTest, GivesTheSameLineForTheSameKey) {
  keep_line(drawn_, "gallery 7", file());
  const std::optional<PeopleIndex::Drawn> kept = read_line(file(), "gallery 7");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->line.threshold(0.01), drawn_.line.threshold(0.01));
  EXPECT_EQ(kept->same_person, 0.25);
  EXPECT_EQ(kept->cohorts.mean, 0.7);
  EXPECT_EQ(kept->cohorts.deviation, 0.03);
  EXPECT_EQ(kept->cohorts.without_nearest, 0.75);
  EXPECT_EQ(kept->confused, 0.5);
  EXPECT_FALSE(read_line(file(), "gallery 8"));
}

TEST_F(LineFileTest, TakesNothingThatItCannotHaveWritten) {
  EXPECT_FALSE(read_line(file(), "k"));
  for (const char* bytes :
       {"", "x", "[]", "{}", R"({"version": 2, "key": "k"})",
        R"({"version": 2, "key": "k", "numbers": [1, 2]})",
        R"({"version": 2, "key": "k", "numbers": [9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "1"]})",
        R"({"version": 2, "key": "k", "numbers": [9, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]})",
        R"({"version": 2, "key": 1, "numbers": [9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]})"}) {
    write_file_atomically(file(), bytes);
    EXPECT_FALSE(read_line(file(), "k")) << bytes;
  }
}

TEST_F(LineFileTest, TakesNoLineThatWasDrawnInAnotherWay) {
  keep_line(drawn_, "k", file());
  std::string bytes = read_file(file(), 1000);
  const size_t version = bytes.find("\"version\":2");
  ASSERT_NE(version, std::string::npos);
  write_file_atomically(file(), bytes.replace(version, 11, "\"version\":1"));
  EXPECT_FALSE(read_line(file(), "k"));
}

TEST_F(LineFileTest, APlaceThatCannotBeWrittenIsNoError) {
  EXPECT_NO_THROW(keep_line(drawn_, "k", "/proc/none/g.line"));
}

}  // namespace
}  // namespace doppel::internal
