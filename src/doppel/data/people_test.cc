// People lists, right and wrong, and choosing identities by names and numbers.
#include "doppel/data/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Action>
std::string message(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(PeopleList, ReadsNames) {
  EXPECT_THAT(parse_people_list("2\nAJ_Cook\t1\nAaron Eckhart\t12\n", "list"),
              ElementsAre("AJ_Cook", "Aaron Eckhart"));
  EXPECT_THAT(parse_people_list("2\r\nAJ_Cook\t1\r\nB\t12", "list"), ElementsAre("AJ_Cook", "B"));
  EXPECT_THAT(parse_people_list("1\nA\t1\n\n\n", "list"), ElementsAre("A"));
  EXPECT_THAT(parse_people_list("0\n", "list"), IsEmpty());
}

TEST(PeopleList, RefusesEverythingElse) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1: the number of people"},
      {"A\t1\n", "line 1: the number of people"},
      {"-1\n", "line 1: the number of people"},
      {"99999999999999999999999\n", "line 1: the number of people"},
      {"1\nA\n", "line 2: a name, a tab"},
      {"1\nA 1\n", "\"A 1\" came"},
      {"1\nA\tx\n", "line 2"},
      {"1\nA\t0\n", "line 2"},
      {"1\nA\t1\t2\n", "line 2"},
      {"1\n\t1\n", "line 2"},
      {"2\nA\t1\n\nB\t1\n", "line 3"},
      {"2\nA\t1\nA\t2\n", "line 3: A is in the list for the second time"},
      {"2\nA\t1\n", "says 2 people, 1 follow"},
      {"1\nA\t1\nB\t1\n", "says 1 people, 2 follow"}};
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(
        message(ErrorKind::bad_data, [&, list = text] { parse_people_list(list, "list.txt"); }),
        AllOf(HasSubstr("list.txt"), HasSubstr(words)));
  }
  message(ErrorKind::io, [] { read_people_list("/nowhere/list.txt"); });
}

TEST(PeopleList, SelectsByNames) {
  const Dataset dataset = synthetic_dataset(4, 2, 1);
  const std::vector<std::string> names = {"s3", "s1"}, missing = {"s3", "nobody", "s1", "else"},
                                 twice = {"s3", "s3"};
  const size_t same[] = {2, 0};
  const Dataset selected = select_identities(dataset, names);
  EXPECT_EQ(selected.digest, select_identities(dataset, same).digest);
  EXPECT_THAT(selected.image_names, ElementsAre("s3/1.pgm", "s3/2.pgm", "s1/1.pgm", "s1/2.pgm"));
  EXPECT_EQ(selected.image_digests[2], dataset.image_digests[0]);
  EXPECT_THAT(message(ErrorKind::mismatch, [&] { select_identities(dataset, missing); }),
              AllOf(HasSubstr("of 4 names"), HasSubstr("2 are"), HasSubstr("nobody and else")));
  message(ErrorKind::bad_argument, [&] { select_identities(dataset, twice); });
}

TEST(ChosenIdentities, NamesNumbersAndRanges) {
  Dataset dataset = synthetic_dataset(12, 1, 1);
  EXPECT_THAT(chosen_identities(dataset, "s2"), ElementsAre(1));
  EXPECT_THAT(chosen_identities(dataset, "s12,3,1-2,s2,"), ElementsAre(0, 1, 2, 11));
  EXPECT_THAT(chosen_identities(dataset, "12-12"), ElementsAre(11));
  dataset.identities[4].name = "2-3";  // a name comes before a range
  EXPECT_THAT(chosen_identities(dataset, "2-3"), ElementsAre(4));
  for (const char* text : {"", "x", "s13", "0", "13", "3-2", "1-13", "0-2", "1-", "-2", "s1,,s2",
                           "s1-s3", "1-2-3", " 1"}) {
    EXPECT_THAT(message(ErrorKind::bad_argument, [&] { chosen_identities(dataset, text); }),
                HasSubstr("1-12"))
        << text;
  }
}

TEST(PeopleList, ThatOfLabeledFaces) {
  const char* variable = std::getenv("DOPPEL_DATA");
  const fs::path folder = fs::path(variable ? variable : "../shared/data") / "lfw";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no LFW at " << folder;
  const std::vector<std::string> train = read_people_list(folder / "peopleDevTrain.txt");
  EXPECT_EQ(train.size(), 4038u);
  EXPECT_EQ(train[0], "AJ_Cook");
  EXPECT_EQ(read_people_list(folder / "peopleDevTest.txt").size(), 1711u);
  message(ErrorKind::bad_data, [&] { read_people_list(folder / "pairsDevTrain.txt"); });
}

}  // namespace
}  // namespace doppel::internal
