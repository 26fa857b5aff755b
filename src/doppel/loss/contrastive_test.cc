#include "doppel/loss/contrastive.h"

#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

Matrix embeddings_of(std::vector<std::vector<float>> rows) {
  Matrix m(rows.size(), rows[0].size());
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy(rows[i].begin(), rows[i].end(), m.row(i).begin());
  return m;
}

TEST(ContrastiveLoss, KnownAnswers) {
  // Pairs at distance 5 (genuine), 0.6 (impostor, inside the margin) and 2 (impostor, outside).
  const Matrix e = embeddings_of({{3, 0}, {0.6f, 0}, {0, 2}, {0, 4}, {0, 0}, {0, 0}});
  const std::vector<uint8_t> genuine = {1, 0, 0};
  const PairLoss loss = contrastive_loss(e, genuine, 1);
  EXPECT_NEAR(loss.loss, (25 + 0.16) / 3, 1e-7);
  EXPECT_NEAR(loss.distance[0], 5, 1e-7);
  EXPECT_NEAR(loss.gradient.row(0)[0], 2 * 3 / 3.0, 1e-6);
  EXPECT_NEAR(loss.gradient.row(0)[1], -2 * 4 / 3.0, 1e-6);
  EXPECT_NEAR(loss.gradient.row(3)[1], 2 * 4 / 3.0, 1e-6);
  EXPECT_NEAR(loss.gradient.row(1)[0], -2 * 0.4 / 3, 1e-6);
  EXPECT_EQ(loss.gradient.row(2)[1], 0);
}

TEST(ContrastiveLoss, EqualEmbeddingsHaveAGradientOfZero) {
  const Matrix e = embeddings_of({{1, 2}, {1, 2}, {1, 2}, {1, 2}});
  const std::vector<uint8_t> genuine = {1, 0};
  const PairLoss loss = contrastive_loss(e, genuine, 1);
  EXPECT_NEAR(loss.loss, 0.5, 1e-12);
  for (float g : loss.gradient.values) EXPECT_EQ(g, 0);
}

TEST(ContrastiveLoss, GradientEqualsCentralDifferences) {
  const size_t pairs = 40, size = 5;
  Matrix e(2 * pairs, size);
  Random random(1, Purpose::sample);
  for (float& v : e.values) v = static_cast<float>(random.uniform(0, 1));
  std::vector<uint8_t> genuine(pairs);
  for (uint8_t& g : genuine) g = random.below(2) == 0;
  const double margin = 0.9;  // some impostors lie on either side
  const PairLoss loss = contrastive_loss(e, genuine, margin);
  size_t outside = 0, inside = 0;
  for (size_t i = 0; i < pairs; ++i) {
    if (genuine[i] == 0) ++(loss.distance[i] > margin ? outside : inside);
  }
  ASSERT_GT(outside, 3u);
  ASSERT_GT(inside, 3u);
  for (size_t i = 0; i < e.values.size(); ++i) {
    const float value = e.values[i], h = 1e-3f;
    if (std::abs(loss.distance[i / size % pairs] - margin) < 2e-3) continue;  // the margin's kink
    e.values[i] = value + h;
    const double up = contrastive_loss(e, genuine, margin).loss, up_at = e.values[i];
    e.values[i] = value - h;
    const double down = contrastive_loss(e, genuine, margin).loss, down_at = e.values[i];
    e.values[i] = value;
    EXPECT_NEAR(loss.gradient.values[i], (up - down) / (up_at - down_at), 3e-7) << i;
  }
}

TEST(ContrastiveLoss, SizesMustFit) {
  const std::vector<uint8_t> genuine = {1, 0};
  EXPECT_THROW(contrastive_loss(Matrix(3, 2), genuine, 1), Error);
  EXPECT_EQ(contrastive_loss(Matrix(0, 2), {}, 1).loss, 0);
}

}  // namespace
}  // namespace doppel::internal
