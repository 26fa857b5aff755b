#include "doppel/loss/distance_losses.h"

#include <gtest/gtest.h>

#include <limits>

#include "doppel/loss/contrastive.h"
#include "doppel/loss/loss_check.h"

namespace doppel::internal {
namespace {

const double kFar = std::numeric_limits<double>::infinity();

// Three identities, uneven numbers, one of them alone.
const std::vector<uint32_t> kUneven = {0, 1, 0, 2, 1, 0, 1, 0, 5};

double contrastive_formula(const Rows& x, const std::vector<uint32_t>& who, double margin) {
  double genuine = 0, impostor = 0;
  size_t genuine_count = 0, impostor_count = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = i + 1; j < x.size(); ++j) {
      const double distance = distance_between(x[i], x[j]);
      if (who[i] == who[j]) {
        genuine += distance * distance;
        ++genuine_count;
      } else {
        const double inside = std::max(margin - distance, 0.0);
        impostor += inside * inside;
        ++impostor_count;
      }
    }
  }
  return 0.5 * genuine / static_cast<double>(genuine_count) +
         0.5 * impostor / static_cast<double>(impostor_count);
}

double batch_hard_formula(const Rows& x, const std::vector<uint32_t>& who, double margin) {
  double sum = 0;
  size_t anchors = 0;
  for (size_t a = 0; a < x.size(); ++a) {
    double furthest = -1, nearest = kFar;
    for (size_t j = 0; j < x.size(); ++j) {
      const double distance = distance_between(x[a], x[j]);
      if (j != a && who[j] == who[a]) furthest = std::max(furthest, distance);
      if (who[j] != who[a]) nearest = std::min(nearest, distance);
    }
    if (furthest < 0 || nearest == kFar) continue;
    ++anchors;
    sum += std::max(0.0, margin + furthest - nearest);
  }
  return sum / static_cast<double>(anchors);
}

double semi_hard_formula(const Rows& x, const std::vector<uint32_t>& who, double margin) {
  double sum = 0;
  size_t pairs = 0;
  const auto square = [&](size_t i, size_t j) { return std::pow(distance_between(x[i], x[j]), 2); };
  for (size_t a = 0; a < x.size(); ++a) {
    for (size_t p = 0; p < x.size(); ++p) {
      if (p == a || who[p] != who[a]) continue;
      std::vector<double> impostors;
      for (size_t n = 0; n < x.size(); ++n) {
        if (who[n] != who[a]) impostors.push_back(square(a, n));
      }
      std::sort(impostors.begin(), impostors.end());
      const auto beyond = std::upper_bound(impostors.begin(), impostors.end(), square(a, p));
      const double chosen = beyond == impostors.end() ? impostors.back() : *beyond;
      ++pairs;
      sum += std::max(0.0, margin + square(a, p) - chosen);
    }
  }
  return sum / static_cast<double>(pairs);
}

TEST(DistanceLosses, EqualTheirFormulas) {
  for (const std::vector<uint32_t>& who : {kUneven, people(6, 5)}) {
    for (const double spread : {0.4, 1.5}) {
      SCOPED_TRACE(spread);
      const Matrix x = random_batch(who, 5, spread, 3);
      expect_loss(*contrastive_batch_loss(3.1), x, who, {},
                  [&](const Rows& e, const Rows&) { return contrastive_formula(e, who, 3.1); });
      expect_loss(*triplet_batch_hard_loss(4), x, who, {},
                  [&](const Rows& e, const Rows&) { return batch_hard_formula(e, who, 4); });
      expect_loss(*triplet_semi_hard_loss(9), x, who, {},
                  [&](const Rows& e, const Rows&) { return semi_hard_formula(e, who, 9); });
    }
  }
}

TEST(Contrastive, OnAsManyPairsOfEitherKindItIsTheLossOverPairs) {
  // Two of each of two identities: (0, 1), (2, 3) are genuine, the four others impostors. With
  // every genuine pair twice the list is balanced.
  const Matrix x = matrix_of({{0, 0}, {1, 0}, {0, 2}, {0, 2.5f}});
  ThreadPool pool(1);
  const std::vector<uint32_t> who = {4, 4, 9, 9};
  const size_t pairs[8][2] = {{0, 1}, {0, 1}, {2, 3}, {2, 3}, {0, 2}, {0, 3}, {1, 2}, {1, 3}};
  Matrix listed(16, 2);
  for (size_t i = 0; i < 8; ++i) {
    std::copy_n(x.row(pairs[i][0]).data(), 2, listed.row(i).data());
    std::copy_n(x.row(pairs[i][1]).data(), 2, listed.row(8 + i).data());
  }
  const std::vector<uint8_t> genuine = {1, 1, 1, 1, 0, 0, 0, 0};
  EXPECT_NEAR(contrastive_batch_loss(2.4)->evaluate(x, who, {}, pool).loss,
              contrastive_loss(listed, genuine, 2.4).loss, 1e-6);
}

TEST(TripletBatchHard, KnownAnswer) {
  // On a line: 0 and 1 are one person, 3 and 7 another.
  const Matrix x = matrix_of({{0}, {1}, {3}, {7}});
  const std::vector<uint32_t> who = {0, 0, 1, 1};
  ThreadPool pool(1);
  const LossResult result = triplet_batch_hard_loss(0.5)->evaluate(x, who, {}, pool);
  // Anchors 0 and 1: 0.5 + 1 - 3 and 0.5 + 1 - 2, nothing; 3: 0.5 + 4 - 2; 7: 0.5 + 4 - 6, nothing.
  EXPECT_NEAR(result.loss, 2.5 / 4, 1e-6);
  EXPECT_EQ(result.gradient.values, (std::vector<float>{0, 0.25f, -0.5f, 0.25f}));
}

TEST(TripletSemiHard, KnownAnswer) {
  const Matrix x = matrix_of({{0}, {1}, {3}, {7}});
  const std::vector<uint32_t> who = {0, 0, 1, 1};
  ThreadPool pool(1);
  const LossResult result = triplet_semi_hard_loss(2)->evaluate(x, who, {}, pool);
  // (0, 1): 2 + 1 - 9, nothing; (1, 0): 2 + 1 - 4, nothing; (3, 7): impostors at 9 and 4, none
  // beyond 16, so the furthest: 2 + 16 - 9; (7, 3): the nearest beyond 16 is 36: nothing.
  EXPECT_NEAR(result.loss, 9.0 / 4, 1e-6);
  // (x2 - x3)^2 - (x2 - x0)^2: by x2 2 (-4) - 2 (3), by x3 8, by x0 6; a quarter of each.
  EXPECT_EQ(result.gradient.values, (std::vector<float>{1.5f, 0, -3.5f, 2}));
}

}  // namespace
}  // namespace doppel::internal
