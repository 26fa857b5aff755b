#include "doppel/loss/logistic.h"

#include <gtest/gtest.h>

#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/loss/loss_check.h"

namespace doppel::internal {
namespace {

TEST(LogisticPairLoss, KnownAnswers) {
  // z = -2 |1 - 3| + 1 |0 - 1| + 0.5 = -2.5 for a genuine pair, 0.5 for an impostor pair.
  const Matrix x = matrix_of({{1, 0}, {4, 4}, {3, 1}, {4, 4}});
  const std::vector<float> parameters = {-2, 1, 0.5f};
  const LogisticPairLoss loss = logistic_pair_loss(x, std::vector<uint8_t>{1, 0}, parameters);
  EXPECT_NEAR(loss.loss, (std::log(1 + std::exp(2.5)) + std::log(1 + std::exp(0.5))) / 2, 1e-9);
  const Energy energy{EnergyKind::weighted_l1, {-2, 1}, 0.5f};
  EXPECT_NEAR(loss.energy[0], energy_of(energy, x.row(0), x.row(2)), 1e-12);
  EXPECT_NEAR(loss.energy[1], 1 / (1 + std::exp(0.5)), 1e-12);
  // Equal values have no direction; the bias is still pushed.
  EXPECT_EQ(loss.gradient.row(1)[0], 0);
  EXPECT_EQ(loss.gradient.row(3)[1], 0);
  const double by_z0 = -1 / (1 + std::exp(-2.5)) / 2, by_z1 = 1 / (1 + std::exp(-0.5)) / 2;
  EXPECT_NEAR(loss.gradient.row(0)[0], by_z0 * 2, 1e-7);
  EXPECT_NEAR(loss.gradient.row(2)[1], by_z0, 1e-7);
  EXPECT_NEAR(loss.parameter_gradient[0], 2 * by_z0, 1e-7);
  EXPECT_NEAR(loss.parameter_gradient[2], by_z0 + by_z1, 1e-7);
}

TEST(LogisticPairLoss, EqualsItsFormula) {
  const size_t pairs = 12, d = 5;
  const Matrix embeddings = random_batch(people(2 * pairs, 1), d, 1, 9);
  std::vector<uint8_t> genuine(pairs);
  for (size_t i = 0; i < pairs; ++i) genuine[i] = i % 3 == 0;
  std::vector<float> parameters = {-0.5f, 0.3f, -1.2f, 0.05f, -0.4f, 0.7f};
  const LogisticPairLoss loss = logistic_pair_loss(embeddings, genuine, parameters);
  Rows x = rows_of(embeddings.values, d), w = rows_of(parameters, d + 1);
  const auto formula = [&] {
    double sum = 0;
    for (size_t i = 0; i < pairs; ++i) {
      double z = w[0][d];
      for (size_t k = 0; k < d; ++k) z += w[0][k] * std::abs(x[i][k] - x[pairs + i][k]);
      const double p = 1 / (1 + std::exp(-z));
      sum -= genuine[i] != 0 ? std::log(p) : std::log(1 - p);
    }
    return sum / static_cast<double>(pairs);
  };
  EXPECT_NEAR(loss.loss, formula(), 1e-9);
  expect_gradient(formula, x, loss.gradient.values, 1e-6);
  expect_gradient(formula, w, loss.parameter_gradient, 1e-6);
}

TEST(LogisticPairLoss, CertainMistakesStayFinite) {
  const Matrix x = matrix_of({{0}, {0}, {1}, {1}});
  const LogisticPairLoss loss =
      logistic_pair_loss(x, std::vector<uint8_t>{1, 0}, std::vector<float>{-5000, 0});
  EXPECT_NEAR(loss.loss, 2500, 1e-9);
  EXPECT_EQ(loss.gradient.row(1)[0], 0);
  EXPECT_NEAR(loss.gradient.row(0)[0], -2500, 1e-3);
}

TEST(LogisticPairLoss, SizesMustFit) {
  const std::vector<uint8_t> genuine = {1, 0};
  const std::vector<float> three(3);
  EXPECT_THROW(logistic_pair_loss(Matrix(3, 2), genuine, three), Error);
  EXPECT_THROW(logistic_pair_loss(Matrix(4, 3), genuine, three), Error);
  EXPECT_EQ(logistic_pair_loss(Matrix(0, 2), {}, three).loss, 0);
}

TEST(LogisticPairLoss, AtFirstDifferencesSpeakAgainstOnePerson) {
  const std::vector<float> parameters = initial_logistic_parameters(4);
  EXPECT_EQ(parameters, (std::vector<float>{-0.5f, -0.5f, -0.5f, -0.5f, 0}));
}

}  // namespace
}  // namespace doppel::internal
