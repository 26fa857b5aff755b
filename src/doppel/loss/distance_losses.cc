#include "doppel/loss/distance_losses.h"

#include <algorithm>
#include <cmath>

#include "doppel/loss/pairwise.h"

namespace doppel::internal {
namespace {

// The gradient by D^2 of a loss with this gradient by D.
float by_square(double by_distance, double distance) {
  return distance > 0 ? static_cast<float>(by_distance / (2 * distance)) : 0.0f;
}

class ContrastiveBatchLoss : public BatchLoss {
 public:
  explicit ContrastiveBatchLoss(double margin) : margin_(margin) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    size_t genuine = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < i; ++j) genuine += identity[i] == identity[j];
    }
    const size_t impostors = n < 2 ? 0 : n * (n - 1) / 2 - genuine;
    const double genuine_share = 0.5 / static_cast<double>(std::max<size_t>(genuine, 1)),
                 impostor_share = 0.5 / static_cast<double>(std::max<size_t>(impostors, 1));
    const Matrix squares = squared_distances(embeddings, pool);
    Matrix by_squares(n, n);
    LossResult result;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double square = squares.row(i)[j];
        if (identity[i] == identity[j]) {
          result.loss += genuine_share * square;
          by_squares.row(i)[j] = static_cast<float>(genuine_share);
        } else if (square < margin_ * margin_) {
          const double distance = std::sqrt(square), short_of_margin = margin_ - distance;
          result.loss += impostor_share * short_of_margin * short_of_margin;
          by_squares.row(i)[j] = by_square(-2 * impostor_share * short_of_margin, distance);
        }
      }
    }
    result.gradient = squared_distances_gradient(embeddings, by_squares, pool);
    return result;
  }

 private:
  double margin_;
};

class TripletBatchHard : public BatchLoss {
 public:
  explicit TripletBatchHard(double margin) : margin_(margin) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    const Matrix squares = squared_distances(embeddings, pool);
    struct Triplet {
      size_t anchor, genuine, impostor;
    };
    std::vector<Triplet> triplets;
    for (size_t a = 0; a < n; ++a) {
      const auto from_a = squares.row(a);
      size_t furthest = n, nearest = n;
      for (size_t j = 0; j < n; ++j) {
        if (identity[j] != identity[a]) {
          if (nearest == n || from_a[j] < from_a[nearest]) nearest = j;
        } else if (j != a) {
          if (furthest == n || from_a[j] > from_a[furthest]) furthest = j;
        }
      }
      if (furthest < n && nearest < n) triplets.push_back({a, furthest, nearest});
    }
    Matrix by_squares(n, n);
    LossResult result;
    const double share = 1 / static_cast<double>(std::max<size_t>(triplets.size(), 1));
    for (const auto& [a, genuine, impostor] : triplets) {
      const double to_genuine = std::sqrt(double{squares.row(a)[genuine]}),
                   to_impostor = std::sqrt(double{squares.row(a)[impostor]});
      const double value = margin_ + to_genuine - to_impostor;
      if (value <= 0) continue;
      result.loss += share * value;
      by_squares.row(a)[genuine] += by_square(share, to_genuine);
      by_squares.row(a)[impostor] += by_square(-share, to_impostor);
    }
    result.gradient = squared_distances_gradient(embeddings, by_squares, pool);
    return result;
  }

 private:
  double margin_;
};

class TripletSemiHard : public BatchLoss {
 public:
  explicit TripletSemiHard(double margin) : margin_(margin) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    const Matrix squares = squared_distances(embeddings, pool);
    Matrix by_squares(n, n);
    LossResult result;
    size_t triplets = 0;
    for (size_t a = 0; a < n; ++a) {
      const auto from_a = squares.row(a);
      size_t furthest = n;
      for (size_t j = 0; j < n; ++j) {
        if (identity[j] != identity[a] && (furthest == n || from_a[j] > from_a[furthest])) {
          furthest = j;
        }
      }
      if (furthest == n) continue;
      for (size_t p = 0; p < n; ++p) {
        if (p == a || identity[p] != identity[a]) continue;
        size_t semi_hard = n;
        for (size_t j = 0; j < n; ++j) {
          if (identity[j] != identity[a] && from_a[j] > from_a[p] &&
              (semi_hard == n || from_a[j] < from_a[semi_hard])) {
            semi_hard = j;
          }
        }
        ++triplets;
        const size_t impostor = semi_hard < n ? semi_hard : furthest;
        const double value = margin_ + double{from_a[p]} - double{from_a[impostor]};
        if (value <= 0) continue;
        result.loss += value;
        by_squares.row(a)[p] += 1;
        by_squares.row(a)[impostor] -= 1;
      }
    }
    const double share = 1 / static_cast<double>(std::max<size_t>(triplets, 1));
    result.loss *= share;
    for (float& g : by_squares.values) g *= static_cast<float>(share);
    result.gradient = squared_distances_gradient(embeddings, by_squares, pool);
    return result;
  }

 private:
  double margin_;
};

}  // namespace

std::unique_ptr<BatchLoss> contrastive_batch_loss(double margin) {
  return std::make_unique<ContrastiveBatchLoss>(margin);
}
std::unique_ptr<BatchLoss> triplet_batch_hard_loss(double margin) {
  return std::make_unique<TripletBatchHard>(margin);
}
std::unique_ptr<BatchLoss> triplet_semi_hard_loss(double margin) {
  return std::make_unique<TripletSemiHard>(margin);
}

}  // namespace doppel::internal
