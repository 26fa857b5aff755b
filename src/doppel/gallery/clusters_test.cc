#include "doppel/gallery/clusters.h"

#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Images on a line.
Distances on_a_line(const std::vector<double>& places) {
  Distances distances;
  distances.images = places.size();
  for (size_t a = 0; a < places.size(); ++a) {
    for (size_t b = a + 1; b < places.size(); ++b) {
      distances.values.push_back(static_cast<float>(std::abs(places[a] - places[b])));
    }
  }
  return distances;
}

TEST(Clusters, AreWhatLiesTogetherTheLargestFirst) {
  const Distances distances = on_a_line({9, 0, 5.2, 0.1, 5.1, 5, 0.2, 20, 0.3});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Clusters clusters = cluster_images(distances, 0.5, seed);
    EXPECT_EQ(clusters.sizes, (std::vector<size_t>{4, 3, 1, 1}));
    EXPECT_EQ(clusters.of, (std::vector<uint32_t>{2, 0, 1, 0, 1, 1, 0, 3, 0}));
  }
}

TEST(Clusters, OfOneAtDistanceZeroAndAtTheThreshold) {
  EXPECT_EQ(cluster_images(on_a_line({1, 1}), 0.5, 1).sizes, std::vector<size_t>{2});
  EXPECT_EQ(cluster_images(on_a_line({1, 1.5}), 0.5, 1).sizes, (std::vector<size_t>{1, 1}));
  EXPECT_EQ(cluster_images(on_a_line({1}), 0.5, 1).of, std::vector<uint32_t>{0});
  EXPECT_TRUE(cluster_images(on_a_line({}), 0.5, 1).of.empty());
  EXPECT_EQ(cluster_images(on_a_line({0, 0, 1}), -1, 1).sizes, (std::vector<size_t>{1, 1, 1}));
  EXPECT_THROW(cluster_images(on_a_line({1}), NAN, 1), Error);
}

// One wrong link does not make one person of two: most links are inside.
TEST(Clusters, HoldAgainstAFalseLink) {
  Distances distances = on_a_line({0, 0.1, 0.2, 0.3, 0.4, 9, 9.1, 9.2, 9.3, 9.4});
  distances.values[distances.first(4) + 0] = 0.45f;  // of 4 and 5
  const Clusters clusters = cluster_images(distances, 0.5, 3);
  EXPECT_EQ(clusters.sizes, (std::vector<size_t>{5, 5}));
}

TEST(Clusters, AreEqualForEqualSeeds) {
  Random random(1, Purpose::sample);
  std::vector<double> places(60);
  for (double& place : places) place = random.uniform(0, 10);
  const Distances distances = on_a_line(places);
  const Clusters first = cluster_images(distances, 0.6, 1);
  EXPECT_EQ(cluster_images(distances, 0.6, 1).of, first.of);
  bool differs = false;
  for (uint64_t seed = 2; seed < 12; ++seed) {
    differs = differs || cluster_images(distances, 0.6, seed).of != first.of;
  }
  EXPECT_TRUE(differs);  // or the seed would not be used
}

TEST(ClusterAgreement, CountsPairs) {
  Clusters clusters;
  clusters.of = {0, 0, 0, 1, 1, 2};
  clusters.sizes = {3, 2, 1};
  // Three of the first person, two in one cluster; three of the second.
  const ClusterAgreement agreement =
      cluster_agreement(clusters, std::vector<uint32_t>{7, 7, 8, 8, 8, 7});
  EXPECT_EQ(agreement.together, 4u);
  EXPECT_EQ(agreement.genuine, 6u);
  EXPECT_EQ(agreement.both, 2u);
  EXPECT_EQ(agreement.precision, 0.5);
  EXPECT_DOUBLE_EQ(agreement.recall, 1.0 / 3);
  EXPECT_DOUBLE_EQ(agreement.f, 0.4);
  EXPECT_THROW(cluster_agreement(clusters, std::vector<uint32_t>{1}), Error);
  EXPECT_EQ(cluster_agreement({}, {}).f, 1);
}

}  // namespace
}  // namespace doppel::internal
