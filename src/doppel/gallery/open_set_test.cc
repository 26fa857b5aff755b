#include "doppel/gallery/open_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "doppel/error.h"
#include "doppel/gallery/index_check.h"

namespace doppel::internal {
namespace {

struct Photos {
  Matrix embeddings;
  std::vector<uint32_t> identity_of;
};

Photos photos_of(size_t people, size_t each) {
  Photos photos{clustered_rows(people, each, 16, 0.3), {}};
  for (size_t i = 0; i < people * each; ++i) {
    photos.identity_of.push_back(static_cast<uint32_t>(i / each));
  }
  return photos;
}

TEST(OpenSetTrial, CountsTheSearchesOfOwnPeopleAndStrangers) {
  ThreadPool pool(2);
  const Photos photos = photos_of(60, 4);
  OpenSetPlan plan;
  plan.draws = 5;
  const OpenSetTrial trial = try_open_set(photos.embeddings, photos.identity_of, {}, plan, pool);
  EXPECT_EQ(trial.people, 30u);
  EXPECT_EQ(trial.mated, 5u * 30 * 3);
  EXPECT_EQ(trial.strangers, 5u * 30 * 4);
  ASSERT_EQ(trial.draws.size(), 5u);
  for (const OpenSetDraw& draw : trial.draws) {
    EXPECT_EQ(draw.rule.source, RuleSource::gallery);
    EXPECT_EQ(draw.rule.people, 30u);
    EXPECT_GT(draw.rank_1, 0.9);
    EXPECT_LE(draw.best.fpir, 0.01);
  }
  const auto fpir = [](const OpenSetDraw& draw) { return draw.decided.fpir; };
  EXPECT_LT(trial.mean(fpir), 0.05);
  EXPECT_LE(trial.quantile(fpir, 0.1), trial.quantile(fpir, 0.9));
}

TEST(OpenSetTrial, IsTheSameForEveryNumberOfThreads) {
  ThreadPool one(1), three(3);
  const Photos photos = photos_of(40, 3);
  OpenSetPlan plan;
  plan.draws = 3;
  plan.enrolment.shots = 2;
  const OpenSetTrial a = try_open_set(photos.embeddings, photos.identity_of, {}, plan, one);
  const OpenSetTrial b = try_open_set(photos.embeddings, photos.identity_of, {}, plan, three);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a.draws[i].rule.threshold, b.draws[i].rule.threshold);
    EXPECT_EQ(a.draws[i].decided.fnir, b.draws[i].decided.fnir);
    EXPECT_EQ(a.draws[i].best.threshold, b.draws[i].best.threshold);
  }
}

TEST(OpenSetTrial, SearchesForThePhotosOfAnotherCameraAlone) {
  ThreadPool pool(2);
  const Photos photos = photos_of(60, 4);
  // The same people's photos once more, one each, as this camera takes them: in other directions.
  Photos both = photos;
  for (size_t person = 0; person < 60; ++person) {
    std::vector<float> row(photos.embeddings.row(4 * person).begin(),
                           photos.embeddings.row(4 * person).end());
    std::ranges::reverse(row);
    both.embeddings.append(row);
    both.identity_of.push_back(static_cast<uint32_t>(person));
  }
  OpenSetPlan plan;
  plan.draws = 5;
  plan.searched_from = photos.embeddings.rows;
  const OpenSetTrial trial = try_open_set(both.embeddings, both.identity_of, {}, plan, pool);
  EXPECT_EQ(trial.people, 30u);
  EXPECT_EQ(trial.mated, 5u * 30);
  EXPECT_EQ(trial.strangers, 5u * 30);
  EXPECT_LT(trial.mean([](const OpenSetDraw& draw) { return draw.rank_1; }), 0.3);
  // People whom the other camera alone has seen are strangers.
  both.identity_of.back() = 99;
  const OpenSetTrial one_more = try_open_set(both.embeddings, both.identity_of, {}, plan, pool);
  EXPECT_EQ(one_more.people, 30u);
  EXPECT_EQ(one_more.mated + one_more.strangers, 5u * 60);
}

TEST(OpenSetTrial, DecidesVisitsOnce) {
  ThreadPool pool(2);
  const Photos photos = photos_of(60, 9);
  OpenSetPlan plan;
  plan.draws = 4;
  plan.visit = 4;
  const OpenSetTrial trial = try_open_set(photos.embeddings, photos.identity_of, {}, plan, pool);
  EXPECT_EQ(trial.mated, 4u * 30 * 2) << "eight photos are left of each";
  EXPECT_EQ(trial.strangers, 4u * 30 * 2) << "and the ninth makes no visit";
  const double once = trial.mean([](const OpenSetDraw& draw) { return draw.decided.fpir; });
  const double any = trial.mean([](const OpenSetDraw& draw) { return draw.any_fpir; });
  EXPECT_GE(any, once);
}

TEST(OpenSetTrial, ASetDistanceDecidesByItself) {
  ThreadPool pool(2);
  const Photos photos = photos_of(40, 3);
  GallerySettings settings;
  settings.embedding_size = 16;
  settings.distance = 1e-6;
  OpenSetPlan plan;
  plan.draws = 2;
  const OpenSetTrial trial =
      try_open_set(photos.embeddings, photos.identity_of, settings, plan, pool);
  EXPECT_EQ(trial.draws[0].rule.source, RuleSource::set);
  EXPECT_EQ(trial.draws[0].decided.fpir, 0);
  EXPECT_NEAR(trial.draws[0].decided.fnir, 1, 1e-12);
}

TEST(OpenSetTrial, RefusesWhatGivesNoSearches) {
  ThreadPool pool(1);
  const Photos photos = photos_of(10, 2);
  OpenSetPlan plan;
  plan.people = 10;
  EXPECT_THROW(try_open_set(photos.embeddings, photos.identity_of, {}, plan, pool), Error);
  plan.people = 9;
  plan.draws = 1;
  EXPECT_NO_THROW(try_open_set(photos.embeddings, photos.identity_of, {}, plan, pool));
  plan.enrolment.shots = 2;
  EXPECT_THROW(try_open_set(photos.embeddings, photos.identity_of, {}, plan, pool), Error);
  EXPECT_THROW(try_open_set(Matrix(1, 2), std::vector<uint32_t>{0}, {}, {}, pool), Error);
}

}  // namespace
}  // namespace doppel::internal
