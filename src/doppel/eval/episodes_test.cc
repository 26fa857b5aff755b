#include "doppel/eval/episodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;

const std::string kTwoRuns =
    "run01/test/item01.png run01/training/class10.png\n"
    "run01/test/item02.png run01/training/class2.png\n"
    "run02/test/item01.png run02/training/class1.png\r\n"
    "\n"
    "run02/test/item02.png\trun02/training/class2.png\n"
    "run01/test/item03.png run01/training/class2.png";

TEST(Episodes, AreGroupedByRunWithTheirReferencesInNaturalOrder) {
  const std::vector<Episode> episodes = parse_episodes(kTwoRuns, "class_labels.txt");
  ASSERT_EQ(episodes.size(), 2u);
  EXPECT_EQ(episodes[0].name, "run01");
  EXPECT_THAT(episodes[0].references,
              ElementsAre("run01/training/class2.png", "run01/training/class10.png"));
  EXPECT_THAT(episodes[0].answer, ElementsAre(1, 0, 0));
  EXPECT_THAT(episode_images(episodes[1]),
              ElementsAre("run02/test/item01.png", "run02/test/item02.png",
                          "run02/training/class1.png", "run02/training/class2.png"));
}

TEST(Episodes, TheNearestReferenceAnswersAndTiesCountInPart) {
  const std::vector<Episode> episodes = parse_episodes(kTwoRuns, "class_labels.txt");
  Matrix first(5, 1), second(4, 1);
  first.values = {9, 2, 5, 0, 10};  // right, right, as far from both
  second.values = {2, 2, 1, 2};     // wrong, right
  const EpisodeScores scores = score_episodes(episodes, std::vector<Matrix>{first, second});
  EXPECT_THAT(scores.runs, ElementsAre(2.5 / 3, 0.5));
  EXPECT_DOUBLE_EQ(scores.mean, (2.5 / 3 + 0.5) / 2);
  EXPECT_EQ(scores.trials, 5u);
  // By cosine all of one sign are alike, and zero is at a right angle to everything.
  EXPECT_DOUBLE_EQ(
      score_episodes(episodes, std::vector<Matrix>{first, second}, {EnergyKind::cosine, {}, 0})
          .mean,
      ((1 + 0 + 0) / 3.0 + 0.5) / 2);
}

TEST(Episodes, AnEmbeddingThatTellsNothingApartScoresChance) {
  const std::vector<Episode> episodes = parse_episodes(kTwoRuns, "class_labels.txt");
  EXPECT_EQ(score_episodes(episodes, std::vector<Matrix>{Matrix(5, 3), Matrix(4, 3)}).mean, 0.5);
}

TEST(Episodes, RefuseEmbeddingsOfOtherImages) {
  const std::vector<Episode> episodes = parse_episodes(kTwoRuns, "class_labels.txt");
  EXPECT_THROW(score_episodes(episodes, std::vector<Matrix>{Matrix(5, 3)}), Error);
  EXPECT_THROW(score_episodes(episodes, std::vector<Matrix>{Matrix(5, 3), Matrix(5, 3)}), Error);
  Matrix nan(4, 1);
  nan.values[1] = std::numeric_limits<float>::quiet_NaN();
  try {
    score_episodes(episodes, std::vector<Matrix>{Matrix(5, 1), nan});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_THAT(error.what(), testing::HasSubstr("run02/test/item02.png"));
  }
}

TEST(Episodes, RefuseListsThatAreNone) {
  const auto refused = [](const std::string& text, const std::string& words) {
    try {
      parse_episodes(text, "class_labels.txt");
      ADD_FAILURE() << "accepted, though: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), testing::StartsWith("class_labels.txt: " + words));
    }
  };
  refused("", "empty, episodes were expected");
  refused("r/a.png\n", "line 1: a test image and the reference of its class were expected");
  refused("r/a.png r/b.png r/c.png\n", "line 1: a test image");
  refused("a.png b.png\n", "line 1: a test image");
  refused("r/a.png s/b.png\n", "line 1: a test image");
  for (const char* path : {"/etc/passwd", "r/../../x.png", "../x.png", "r//x.png", "r/./x", "r/"}) {
    refused("r/1 r/x\nr/a.png " + std::string(path) + "\n", "line 2: a test image");
    refused("r/1 r/x\n" + std::string(path) + " r/a.png\n", "line 2: a test image");
  }
  refused("r/1 r/x\nr/1 r/y\n", "line 2: r/1 comes twice");
  refused("r/1 r/x\ns/1 s/x\ns/2 s/y\n", "line 1: at least two references were expected in r");
  refused(std::string(kMostEpisodeListBytes + 1, '\n'), "larger than the 4194304 bytes");
  std::string many;
  for (size_t i = 0; i <= kMostEpisodeTests; ++i) {
    many += "r/" + std::to_string(i) + " r/x" + std::to_string(i % 2) + "\n";
  }
  refused(many, "line 10001: at most 10000 tests of a run were expected");
}

TEST(Episodes, DamagedListsAreReadOrRefused) {
  Random random(1, Purpose::sample);
  const std::string_view alphabet("/. \n\t\r1\0\xff", 9);
  size_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = kTwoRuns;
    for (uint32_t edits = random.below(4); edits > 0; --edits) {
      text[random.below(static_cast<uint32_t>(text.size()))] = alphabet[random.below(9)];
    }
    try {
      for (const Episode& episode : parse_episodes(text, "x")) {
        EXPECT_GE(episode.references.size(), 2u);
        EXPECT_EQ(episode.answer.size(), episode.tests.size());
      }
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5000u);
  EXPECT_LT(refused, 20000u);
}

}  // namespace
}  // namespace doppel::internal
