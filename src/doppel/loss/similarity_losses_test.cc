#include "doppel/loss/similarity_losses.h"

#include <gtest/gtest.h>

#include <limits>

#include "doppel/loss/loss_check.h"

namespace doppel::internal {
namespace {

const std::vector<uint32_t> kUnevenBatch = {0, 1, 0, 2, 1, 0, 1, 0, 5};

double multi_similarity_formula(const Rows& x, const std::vector<uint32_t>& who,
                                const MultiSimilarity& s) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double lowest = 2, highest = -2;
    bool has_genuine = false, has_impostor = false;
    for (size_t j = 0; j < x.size(); ++j) {
      if (j == i) continue;
      const double c = cosine_between(x[i], x[j]);
      if (who[j] == who[i]) {
        has_genuine = true;
        lowest = std::min(lowest, c);
      } else {
        has_impostor = true;
        highest = std::max(highest, c);
      }
    }
    if (s.epsilon && !(has_genuine && has_impostor)) continue;
    double genuine = 0, impostor = 0;
    for (size_t j = 0; j < x.size(); ++j) {
      if (j == i) continue;
      const double c = cosine_between(x[i], x[j]);
      if (who[j] == who[i]) {
        if (!s.epsilon || c - *s.epsilon < highest) genuine += std::exp(-s.alpha * (c - s.base));
      } else {
        if (!s.epsilon || c + *s.epsilon > lowest) impostor += std::exp(s.beta * (c - s.base));
      }
    }
    sum += std::log(1 + genuine) / s.alpha + std::log(1 + impostor) / s.beta;
  }
  return sum / static_cast<double>(x.size());
}

double supervised_contrastive_formula(const Rows& x, const std::vector<uint32_t>& who,
                                      double temperature) {
  double sum = 0;
  size_t anchors = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double all = 0;
    for (size_t j = 0; j < x.size(); ++j) {
      if (j != i) all += std::exp(cosine_between(x[i], x[j]) / temperature);
    }
    double genuine = 0;
    size_t count = 0;
    for (size_t p = 0; p < x.size(); ++p) {
      if (p == i || who[p] != who[i]) continue;
      genuine -= std::log(std::exp(cosine_between(x[i], x[p]) / temperature) / all);
      ++count;
    }
    if (count == 0) continue;
    ++anchors;
    sum += genuine / static_cast<double>(count);
  }
  return sum / static_cast<double>(anchors);
}

// Everything that is the `place`-th of its identity.
std::vector<size_t> standing_at(size_t place, const std::vector<uint32_t>& who) {
  std::vector<size_t> found;
  for (size_t i = 0; i < who.size(); ++i) {
    const auto before = std::count(who.begin(), who.begin() + static_cast<ptrdiff_t>(i), who[i]);
    if (static_cast<size_t>(before) == place) found.push_back(i);
  }
  return found;
}

double n_pair_formula(const Rows& x, const std::vector<uint32_t>& who, double l2) {
  double sum = 0, squares = 0;
  size_t pairs = 0;
  for (size_t place = 0; place < x.size(); ++place) {
    for (const size_t p : standing_at(place, who)) {
      for (size_t a = 0; a < x.size(); ++a) {
        if (a == p || who[a] != who[p]) continue;
        double terms = 1;
        for (const size_t m : standing_at(place, who)) {
          if (m != p) terms += std::exp(dot(x[a], x[m]) - dot(x[a], x[p]));
        }
        sum += std::log(terms);
        ++pairs;
      }
    }
  }
  for (const auto& row : x) squares += dot(row, row);
  return sum / static_cast<double>(pairs) + l2 / 2 * squares / static_cast<double>(x.size());
}

TEST(SimilarityLosses, EqualTheirFormulas) {
  for (const std::vector<uint32_t>& who : {kUnevenBatch, people(6, 5)}) {
    for (const double spread : {0.4, 1.5}) {
      SCOPED_TRACE(spread);
      const Matrix x = random_batch(who, 6, spread, 5);
      for (const MultiSimilarity& settings :
           {MultiSimilarity{2, 20, 0.5, 0.1}, MultiSimilarity{2, 10, 0.3, {}}}) {
        expect_loss(*multi_similarity_loss(settings), x, who, {}, [&](const Rows& e, const Rows&) {
          return multi_similarity_formula(e, who, settings);
        });
      }
      expect_loss(*supervised_contrastive_loss(0.2), x, who, {}, [&](const Rows& e, const Rows&) {
        return supervised_contrastive_formula(e, who, 0.2);
      });
      expect_loss(*n_pair_loss(0.1), x, who, {},
                  [&](const Rows& e, const Rows&) { return n_pair_formula(e, who, 0.1); });
    }
  }
}

TEST(MultiSimilarity, MiningLeavesNothingOfAWellSeparatedBatch) {
  const Matrix x = matrix_of({{1, 0}, {2, 0}, {0, 1}, {0, 3}});
  const std::vector<uint32_t> who = {0, 0, 1, 1};
  ThreadPool pool(1);
  const LossResult mined = multi_similarity_loss({2, 50, 0.5, 0.1})->evaluate(x, who, {}, pool);
  EXPECT_EQ(mined.loss, 0);
  for (const float g : mined.gradient.values) EXPECT_EQ(g, 0);
  // Without: every anchor has one genuine partner at 1, two impostors at 0.
  const LossResult all = multi_similarity_loss({2, 50, 0.5, {}})->evaluate(x, who, {}, pool);
  EXPECT_NEAR(all.loss, std::log(1 + std::exp(-1)) / 2 + std::log(1 + 2 * std::exp(-25)) / 50,
              1e-7);
}

TEST(SupervisedContrastive, KnownAnswer) {
  // Cosines of 1 to the genuine partner and 0 to the two impostors, for every anchor.
  const Matrix x = matrix_of({{1, 0}, {2, 0}, {0, 1}, {0, 3}});
  ThreadPool pool(1);
  const LossResult result =
      supervised_contrastive_loss(0.5)->evaluate(x, std::vector<uint32_t>{0, 0, 1, 1}, {}, pool);
  EXPECT_NEAR(result.loss, std::log(1 + 2 * std::exp(-2)), 1e-7);
}

TEST(NPair, WithTwoOfEachItIsThePapersLossInBothDirections) {
  const Matrix x = matrix_of({{1, 0}, {0.5f, 0}, {0, 2}, {0, 1}});
  ThreadPool pool(1);
  // Pairs (0, 1) and (2, 3): anchors 0, 2 against positives 1, 3, and back.
  const double expected = (std::log(1 + std::exp(0 - 0.5)) + std::log(1 + std::exp(0 - 2.0))) / 2;
  const LossResult result =
      n_pair_loss(0)->evaluate(x, std::vector<uint32_t>{7, 7, 3, 3}, {}, pool);
  EXPECT_NEAR(result.loss, expected, 1e-6);
}

}  // namespace
}  // namespace doppel::internal
