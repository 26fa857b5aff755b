#include "doppel/eval/pair_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Persons with the given file names; images of no pixels.
Dataset people_of_files(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& persons) {
  Dataset dataset;
  dataset.source = "faces";
  for (const auto& [name, files] : persons) {
    dataset.identities.push_back({name, dataset.images.size(), files.size()});
    for (const std::string& file : files) {
      dataset.images.emplace_back();
      dataset.image_names.push_back(name + "/" + file);
      dataset.identity_of.push_back(static_cast<uint32_t>(dataset.identities.size() - 1));
    }
  }
  return dataset;
}

Dataset lfw_like() {
  return people_of_files({{"Ann_Lee", {"Ann_Lee_0001.jpg", "Ann_Lee_0002.png", "Ann_Lee_0010.jpg"}},
                          {"Bob", {"Bob_0001.pgm", "Bob_0002.pgm"}}});
}

TEST(PairList, ReadsView1) {
  const PairList list = parse_pair_list(
      "2\nAnn_Lee\t1\t10\nBob\t2\t1\nAnn_Lee\t2\tBob\t1\nBob\t2\tAnn_Lee\t1\n", "pairs.txt");
  ASSERT_EQ(list.folds.size(), 1u);
  ASSERT_EQ(list.folds[0].size(), 4u);
  EXPECT_EQ(list.folds[0][0].a, (NamedImage{"Ann_Lee", 1}));
  EXPECT_EQ(list.folds[0][0].b, (NamedImage{"Ann_Lee", 10}));
  EXPECT_EQ(list.folds[0][3].line, 5u);
  EXPECT_TRUE(list.folds[0][1].genuine());
  EXPECT_FALSE(list.folds[0][2].genuine());
  EXPECT_THAT(resolve(list, lfw_like()),
              testing::ElementsAre(testing::ElementsAre(Pair{0, 2, true}, Pair{4, 3, true},
                                                        Pair{1, 3, false}, Pair{4, 0, false})));
}

TEST(PairList, ReadsView2AndDosLineEnds) {
  const PairList list = parse_pair_list(
      "2\t1\r\nBob\t0001\t2\r\nBob\t1\tAnn_Lee\t1\r\nAnn_Lee\t1\t2\r\nAnn_Lee\t1\tBob\t1\r\n\r\n",
      "pairs.txt");
  EXPECT_THAT(resolve(list, lfw_like()),
              testing::ElementsAre(testing::ElementsAre(Pair{3, 4, true}, Pair{3, 0, false}),
                                   testing::ElementsAre(Pair{0, 1, true}, Pair{0, 3, false})));
}

TEST(PairList, WhatIsWrittenIsReadAgain) {
  const Dataset dataset = lfw_like();
  const auto trip = [&](const std::vector<std::vector<Pair>>& folds, const std::string& header) {
    const std::string text = encode_pair_list(folds, dataset);
    EXPECT_THAT(text, testing::StartsWith(header));
    EXPECT_EQ(resolve(parse_pair_list(text, "x"), dataset), folds);
  };
  const Pair genuine{0, 2, true}, genuine2{4, 3, true}, impostor{1, 4, false},
      impostor2{3, 0, false};
  trip({{genuine, genuine2, impostor, impostor2}}, "2\nAnn_Lee\t1\t10\n");
  trip({{genuine, impostor}, {genuine2, impostor2}}, "2\t1\n");
  trip({{genuine, impostor, impostor2}}, "1\t1\t2\n");
  trip({{genuine, genuine2, impostor}, {genuine2, genuine, impostor2}}, "2\t2\t1\n");
  // In the text, genuine pairs come first.
  EXPECT_EQ(encode_pair_list(std::vector<std::vector<Pair>>{{impostor, genuine}}, dataset),
            "1\nAnn_Lee\t1\t10\nAnn_Lee\t2\tBob\t2\n");
}

TEST(PairList, NumbersStandAtTheEndOfTheName) {
  const Dataset dataset = people_of_files({{"s1", {"1.pgm", "2.pgm", "10.pgm"}},
                                           {"Greek/character02", {"0394_01.png", "0394_20.png"}}});
  const PairList list =
      parse_pair_list("1\ns1\t10\t2\ns1\t1\tGreek/character02\t20\n", "pairs.txt");
  EXPECT_THAT(resolve(list, dataset),
              testing::ElementsAre(testing::ElementsAre(Pair{2, 1, true}, Pair{0, 4, false})));
}

void expect_list_refused(const std::string& text, const std::string& words) {
  try {
    parse_pair_list(text, "pairs.txt");
    ADD_FAILURE() << "accepted, though: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("pairs.txt: " + words));
  }
}

TEST(PairList, RefusesWhatIsNone) {
  expect_list_refused("", "empty, pairs were expected");
  expect_list_refused("\n\n", "empty, pairs were expected");
  expect_list_refused("x\n", "line 1: the number of pairs of each kind was expected");
  expect_list_refused("0\n", "line 1: the number of pairs");
  expect_list_refused("-1\n", "line 1: the number of pairs");
  expect_list_refused("1\t1\t1\t1\n", "line 1: the number of pairs");
  expect_list_refused("1 1\nA\t1\t2\nA\t1\tB\t1\n", "line 1: the number of pairs");
  expect_list_refused("9999999999\n", "line 1: the number of pairs");
  expect_list_refused("999999999\t999999999\nA\t1\t2\n",
                      "line 1: announces 1999999996000000002 pairs, 1 follow");
  expect_list_refused("1\nA\t1\t2\n", "line 1: announces 2 pairs, 1 follow");
  expect_list_refused("1\nA\t1\t2\nA\t1\tB\t2\nA\t1\tB\t2\n",
                      "line 1: announces 2 pairs, 3 follow");
  expect_list_refused("1\nA\t1\tB\t2\nA\t1\t2\n", "line 2: a pair of one person was expected");
  expect_list_refused("1\nA\t1\t2\nA\t1\t3\n", "line 3: a pair of two persons was expected");
  expect_list_refused("1\nA\t1\t2\nA\t1\tA\t3\n", "line 3: two different persons were expected");
  expect_list_refused("1\nA\t1\t1\nA\t1\tB\t3\n", "line 2: two different images were expected");
  expect_list_refused("1\nA\t1\tx\nA\t1\tB\t3\n",
                      "line 2: an image's number was expected, not \"x\"");
  expect_list_refused("1\nA\t1\t+2\nA\t1\tB\t3\n", "line 2: an image's number was expected");
  expect_list_refused("1\n\t1\t2\nA\t1\tB\t3\n", "line 2: a person's name was expected");
  expect_list_refused("1\nA\t1\t2\n\nA\t1\tB\t3\n", "line 1: announces 2 pairs, 3 follow");
  expect_list_refused(std::string(kMostPairListBytes + 1, '\n'), "larger than the 33554432 bytes");
}

// Neither crashes nor hangs on damaged lists: each is either read or refused.
TEST(PairList, DamagedListsAreReadOrRefused) {
  const std::string good =
      "2\t1\nBob\t1\t2\nBob\t1\tAnn_Lee\t1\nAnn_Lee\t1\t2\nAnn_Lee\t1\tBob\t1\n";
  const std::string_view alphabet("0129\t\n\r A\0\xff", 11);
  Random random(1, Purpose::sample);
  size_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = good.substr(0, random.below(4) == 0 ? random.below(60) : good.size());
    for (uint32_t edits = random.below(4); edits > 0 && !text.empty(); --edits) {
      text[random.below(static_cast<uint32_t>(text.size()))] = alphabet[random.below(11)];
    }
    try {
      resolve(parse_pair_list(text, "pairs.txt"), lfw_like());
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5000u);
  EXPECT_LT(refused, 20000u);
}

TEST(PairList, NamesTheLineWhoseImageIsMissing) {
  const auto refused = [](const std::string& text, const Dataset& dataset,
                          const std::string& words) {
    try {
      resolve(parse_pair_list(text, "pairs.txt"), dataset);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::mismatch);
      EXPECT_EQ(error.what(), words);
    }
  };
  refused("1\nBob\t1\t2\nBob\t1\tCleo\t3\n", lfw_like(),
          "pairs.txt: line 3: \"Cleo\" is nobody in faces");
  refused("1\nBob\t1\t3\nBob\t1\tAnn_Lee\t1\n", lfw_like(),
          "pairs.txt: line 2: image 3 of \"Bob\" is not in faces");
  refused("1\nBob\t1\t2\nBob\t1\tAnn\t1\n",
          people_of_files({{"Bob", {"a1.png", "b1.png", "b2.png"}}, {"Ann", {"1.png"}}}),
          "pairs.txt: line 2: several images of \"Bob\" in faces have the number 1");
}

TEST(PairList, WritesNothingThatCannotBeReadAgain) {
  const auto refused = [](const std::vector<std::vector<Pair>>& folds, const Dataset& dataset,
                          const std::string& words) {
    try {
      encode_pair_list(folds, dataset);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  };
  const std::vector<std::vector<Pair>> folds = {{{0, 1, true}, {0, 2, false}}};
  refused(folds, people_of_files({{"A", {"x.png", "1.png"}}, {"B", {"1.png"}}}),
          "A/x.png cannot be named");
  refused(folds, people_of_files({{"A", {"x1.png", "1.png"}}, {"B", {"1.png"}}}),
          "could not be read again");
  refused(folds, people_of_files({{"A\tB", {"1.png", "2.png"}}, {"B", {"1.png"}}}),
          "could not be read again");
  refused({{{0, 0, true}, {0, 3, false}}}, lfw_like(), "two different images were expected");
  refused({{{0, 1, true}}}, lfw_like(), "pairs of both kinds were expected");
  refused({}, lfw_like(), "pairs of both kinds were expected");
  refused({{{0, 1, true}, {0, 3, false}}, {{0, 1, true}, {0, 3, false}, {1, 3, false}}}, lfw_like(),
          "the same numbers of pairs were expected in every fold");
}

TEST(PairList, ReadsTheOfficialLists) {
  const char* data = std::getenv("DOPPEL_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data != nullptr ? data : "../shared/data") / "lfw";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the LFW lists are not in " << folder;
  const PairList test =
      parse_pair_list(read_file(folder / "pairsDevTest.txt", kMostPairListBytes), "pairsDevTest");
  ASSERT_EQ(test.folds.size(), 1u);
  EXPECT_EQ(test.folds[0].size(), 1000u);
  EXPECT_EQ(test.folds[0][999].line, 1001u);
  const PairList train =
      parse_pair_list(read_file(folder / "pairsDevTrain.txt", kMostPairListBytes), "pairsDevTrain");
  EXPECT_EQ(train.folds[0].size(), 2200u);
}

TEST(FoldedAccuracy, TakesTheThresholdFromTheOtherFolds) {
  // The best thresholds on two of the folds together lie between 2 and 3 or between 4 and 5.
  const std::vector<ScoredPairs> folds = {
      {{1, 2, 3, 4}, {1, 1, 0, 0}}, {{1, 2, 3, 4}, {1, 1, 0, 0}}, {{3, 4, 5, 6}, {1, 1, 0, 0}}};
  const FoldedAccuracy result = folded_accuracy(folds);
  // For fold 2, 2.5 from the others: its genuine pairs are both missed. For folds 0 and 1 the
  // others make 6 of 8 right at 2.5, at 4.5 as well: the first one counts.
  EXPECT_THAT(result.folds, testing::ElementsAre(1, 1, 0.5));
  EXPECT_DOUBLE_EQ(result.mean, 2.5 / 3);
  EXPECT_DOUBLE_EQ(result.standard_error, std::sqrt((1.0 / 36 + 1.0 / 36 + 1.0 / 9) / 2 / 3));
  EXPECT_THROW(folded_accuracy(std::span(folds).first(1)), Error);
}

}  // namespace
}  // namespace doppel::internal
