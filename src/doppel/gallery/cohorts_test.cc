#include "doppel/gallery/cohorts.h"

#include <gtest/gtest.h>

#include <map>

#include "doppel/gallery/index_check.h"

namespace doppel::internal {
namespace {

constexpr size_t kDimension = 6;

// A gallery that is changed at random, and what its lists should be.
class CohortsTest : public testing::Test {
 protected:
  void add(const std::map<int64_t, int64_t>& person_of) {
    std::vector<int64_t> ids;
    for (const auto& [id, person] : person_of) {
      ids.push_back(id);
      owners_.add(id, person);
    }
    index_.add(ids, random_rows(ids.size(), kDimension, ++seed_), pool_);
    cohorts_.added(ids, index_, owners_, pool_);
  }
  void remove(const std::vector<int64_t>& ids) {
    std::unordered_map<int64_t, int64_t> person_of;
    for (const int64_t id : ids) {
      person_of.emplace(id, owners_.person(id));
      owners_.remove(id);
    }
    index_.remove(ids, pool_);
    cohorts_.removed(person_of, index_, owners_, pool_);
  }
  std::vector<Neighbour> by_hand(int64_t id, const std::vector<int64_t>& all) const {
    std::map<int64_t, Neighbour> nearest;  // of each person
    for (const int64_t other : all) {
      if (owners_.person(other) == owners_.person(id)) continue;
      const auto distance = static_cast<float>(
          energy_of(index_.energy(), index_.embedding(id), index_.embedding(other)));
      const auto [known, added] =
          nearest.emplace(owners_.person(other), Neighbour{other, distance});
      if (!added && distance < known->second.distance) known->second = {other, distance};
    }
    std::vector<Neighbour> list;
    for (const auto& [person, neighbour] : nearest) list.push_back(neighbour);
    std::ranges::sort(list, {}, &Neighbour::distance);
    list.resize(std::min(list.size(), Cohorts::kSize));
    return list;
  }
  void expect_by_hand(const std::vector<int64_t>& all) {
    cohorts_.make(all, index_, owners_, pool_);
    for (const int64_t id : all) {
      const std::span<const Neighbour> list = cohorts_.of(id);
      EXPECT_EQ(std::vector<Neighbour>(list.begin(), list.end()), by_hand(id, all)) << id;
    }
  }

  ThreadPool pool_{2};
  TemplateIndex index_{kDimension, {}, IndexKind::exact};
  TemplateOwners owners_;
  Cohorts cohorts_;
  uint64_t seed_ = 0;
};

TEST_F(CohortsTest, HaveEverybodyElseOfAFew) {
  add({{1, 10}, {2, 10}, {3, 20}, {4, 30}, {5, 30}});
  expect_by_hand({1, 2, 3, 4, 5});
  EXPECT_EQ(cohorts_.of(1).size(), 2u);
  EXPECT_EQ(cohorts_.of(3).size(), 2u);
}

TEST_F(CohortsTest, AreThoseOfAGalleryMadeAfresh) {
  Random random(7, Purpose::sample);
  std::vector<int64_t> all;
  int64_t next = 0;
  for (int round = 0; round < 60; ++round) {
    if (all.size() < 20 || random.below(5) < 3) {
      std::map<int64_t, int64_t> person_of;
      for (uint32_t i = 0; i <= random.below(4); ++i) {
        person_of.emplace(next, int64_t{random.below(40)});
        all.push_back(next++);
      }
      add(person_of);
    } else {
      std::vector<int64_t> gone;
      for (uint32_t i = 0; i <= random.below(3); ++i) {
        const size_t place = random.below(static_cast<uint32_t>(all.size()));
        gone.push_back(all[place]);
        all.erase(all.begin() + static_cast<ptrdiff_t>(place));
      }
      remove(gone);
    }
    expect_by_hand(all);
  }
  EXPECT_GT(all.size(), 20u);
}

TEST_F(CohortsTest, FollowATemplateThatAnotherPersonGets) {
  add({{1, 10}, {2, 20}, {3, 30}, {4, 40}});
  expect_by_hand({1, 2, 3, 4});
  remove({2});
  add({{2, 30}});
  expect_by_hand({1, 2, 3, 4});
}

TEST_F(CohortsTest, OfManyNewTemplatesAreMadeAnew) {
  add({{1, 10}, {2, 20}, {3, 30}});
  cohorts_.make(std::vector<int64_t>{1, 2, 3}, index_, owners_, pool_);
  std::map<int64_t, int64_t> many;
  std::vector<int64_t> all = {1, 2, 3};
  for (int64_t id = 100; id < 160; ++id) {
    many.emplace(id, id);
    all.push_back(id);
  }
  add(many);
  expect_by_hand(all);
}

TEST(NearestPeople, ManyTemplatesOfOneDoNotHideTheOthers) {
  ThreadPool pool(2);
  TemplateIndex index(2, {}, IndexKind::exact);
  TemplateOwners owners;
  Matrix rows(500, 2);
  for (size_t i = 0; i < rows.rows; ++i) {
    rows.row(i)[0] = i < 498 ? 0.001f * static_cast<float>(i) : static_cast<float>(i);
    owners.add(static_cast<int64_t>(i), i < 498 ? 1 : static_cast<int64_t>(i));
  }
  index.add(ids_from(0, rows.rows), rows, pool);
  const auto found = nearest_people(index, owners, part(rows, 0, 1), 3, pool);
  ASSERT_EQ(found.at(0).size(), 3u);
  EXPECT_EQ(found[0][0].id, 0);
  EXPECT_EQ(found[0][1].id, 498);
  EXPECT_EQ(found[0][2].id, 499);
}

}  // namespace
}  // namespace doppel::internal
