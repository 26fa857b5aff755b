#include "doppel/data/folds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

Dataset people(const std::vector<size_t>& counts) {
  Dataset dataset;
  for (size_t i = 0; i < counts.size(); ++i) {
    dataset.identities.push_back({std::string("s").append(std::to_string(i + 1)), 0, counts[i]});
  }
  return dataset;
}

std::vector<size_t> range(size_t begin, size_t end) {
  std::vector<size_t> numbers(end - begin);
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

TEST(Folds, FortyPeopleInFour) {
  const std::vector<Fold> folds = contiguous_folds(people(std::vector<size_t>(40, 10)), 4);
  ASSERT_EQ(folds.size(), 4u);
  for (size_t f = 0; f < 4; ++f) EXPECT_EQ(folds[f].test, range(10 * f, 10 * f + 10));
  EXPECT_EQ(folds[0].train, range(10, 40));
  EXPECT_EQ(folds[3].train, range(0, 30));
}

TEST(Folds, UnequalDivisionIsSpreadAndCoversEverybodyOnce) {
  for (size_t count : {4u, 5u, 11u, 23u, 41u}) {
    for (int n = 2; n <= static_cast<int>(count / 2); ++n) {
      std::vector<size_t> tested;
      for (const Fold& fold : contiguous_folds(people(std::vector<size_t>(count, 2)), n)) {
        const size_t least = count / static_cast<size_t>(n);
        EXPECT_GE(fold.test.size(), least);
        EXPECT_LE(fold.test.size(), least + 1);
        EXPECT_EQ(fold.test.size() + fold.train.size(), count);
        for (const size_t i : fold.train)
          EXPECT_THAT(fold.test, testing::Not(testing::Contains(i)));
        tested.insert(tested.end(), fold.test.begin(), fold.test.end());
      }
      EXPECT_EQ(tested, range(0, count));
    }
  }
}

TEST(Folds, RefusesWhatCannotBeTested) {
  const Dataset forty = people(std::vector<size_t>(40, 10));
  for (const int n : {-1, 0, 1, 21, 1000}) EXPECT_THROW(contiguous_folds(forty, n), Error) << n;
  EXPECT_NO_THROW(contiguous_folds(forty, 20));
  EXPECT_THROW(contiguous_folds(people({2, 2, 1, 1}), 2), Error);
  EXPECT_NO_THROW(contiguous_folds(people({2, 1, 1, 2}), 2));
  EXPECT_THROW(contiguous_folds(people({2, 2, 2}), 2), Error);
}

}  // namespace
}  // namespace doppel::internal
