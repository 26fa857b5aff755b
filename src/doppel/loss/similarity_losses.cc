#include "doppel/loss/similarity_losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "doppel/base/elementary.h"
#include "doppel/loss/pairwise.h"

namespace doppel::internal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Replaces terms t by exp(t - log(offset + sum of exp(t))) and returns that logarithm; `offset` is
// 0 or 1. The largest exponent is taken out, so that nothing overflows. Without terms and offset:
// minus infinity.
double log_sum_exp(std::vector<double>& terms, double offset) {
  double largest = offset > 0 ? 0 : -kInfinity;
  for (const double t : terms) largest = std::max(largest, t);
  if (largest == -kInfinity) return largest;
  double sum = offset * elementary::exp(-largest);
  for (double& t : terms) {
    t = elementary::exp(t - largest);
    sum += t;
  }
  for (double& t : terms) t /= sum;
  return largest + elementary::log(sum);
}

// A loss of the cosines: `of_row` gives the loss of one row of them and its gradient by that row,
// which is zero before. Rows are independent, and added up in order.
template <typename OfRow>
LossResult cosine_loss(const Matrix& embeddings, ThreadPool& pool, const OfRow& of_row) {
  const UnitRows units = unit_rows(embeddings);
  const Matrix cosines = dot_products(units.rows, pool);
  Matrix by_cosines(cosines.rows, cosines.columns);
  std::vector<double> row_loss(cosines.rows);
  pool.parallel_for(cosines.rows, [&](size_t i, size_t) {
    row_loss[i] = of_row(i, cosines.row(i), by_cosines.row(i));
  });
  LossResult result;
  for (const double loss : row_loss) result.loss += loss;
  result.gradient = dot_products_gradient(units.rows, by_cosines, pool);
  through_unit_rows(units, result.gradient);
  return result;
}

class MultiSimilarityLoss : public BatchLoss {
 public:
  explicit MultiSimilarityLoss(const MultiSimilarity& settings) : settings_(settings) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    const double share = 1 / static_cast<double>(std::max<size_t>(n, 1));
    const auto of_row = [&](size_t i, std::span<const float> cosine, std::span<float> gradient) {
      double least_genuine = kInfinity, most_impostor = -kInfinity;
      for (size_t j = 0; j < n; ++j) {
        if (j == i) continue;
        const double s = cosine[j];
        if (identity[j] == identity[i]) {
          least_genuine = std::min(least_genuine, s);
        } else {
          most_impostor = std::max(most_impostor, s);
        }
      }
      // One kind: w/|scale| of log(1 + sum of exp(scale (s - base))), whose gradient by s is
      // the share of its term, with the sign of the scale.
      std::vector<size_t> kept;
      std::vector<double> terms;
      double loss = 0;
      const auto add_kind = [&](bool genuine, double scale) {
        kept.clear();
        terms.clear();
        for (size_t j = 0; j < n; ++j) {
          if (j == i || (identity[j] == identity[i]) != genuine) continue;
          const double s = cosine[j];
          if (settings_.epsilon && !(genuine ? s < most_impostor + *settings_.epsilon
                                             : s > least_genuine - *settings_.epsilon)) {
            continue;
          }
          kept.push_back(j);
          terms.push_back(scale * (s - settings_.base));
        }
        loss += share / std::abs(scale) * log_sum_exp(terms, 1);
        for (size_t k = 0; k < kept.size(); ++k) {
          gradient[kept[k]] = static_cast<float>(scale > 0 ? share * terms[k] : -share * terms[k]);
        }
      };
      add_kind(true, -settings_.alpha);
      add_kind(false, settings_.beta);
      return loss;
    };
    return cosine_loss(embeddings, pool, of_row);
  }

 private:
  MultiSimilarity settings_;
};

class SupervisedContrastive : public BatchLoss {
 public:
  explicit SupervisedContrastive(double temperature) : temperature_(temperature) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    std::unordered_map<uint32_t, size_t> images;  // of each identity
    for (const uint32_t who : identity) ++images[who];
    size_t anchors = 0;
    for (const uint32_t who : identity) anchors += images.at(who) > 1;
    const double share = 1 / static_cast<double>(std::max<size_t>(anchors, 1));
    const auto of_row = [&](size_t i, std::span<const float> cosine, std::span<float> gradient) {
      const size_t genuine = images.at(identity[i]) - 1;
      if (genuine == 0) return 0.0;
      std::vector<double> terms(n);
      for (size_t j = 0; j < n; ++j) {
        terms[j] = j == i ? -kInfinity : double{cosine[j]} / temperature_;
      }
      double loss = share * log_sum_exp(terms, 0);
      const double each = 1 / static_cast<double>(genuine);
      for (size_t j = 0; j < n; ++j) {
        double by_term = terms[j];
        if (j != i && identity[j] == identity[i]) {
          loss -= share * each * double{cosine[j]} / temperature_;
          by_term -= each;
        }
        gradient[j] = static_cast<float>(share * by_term / temperature_);
      }
      return loss;
    };
    return cosine_loss(embeddings, pool, of_row);
  }

 private:
  double temperature_;
};

class NPair : public BatchLoss {
 public:
  explicit NPair(double l2) : l2_(l2) {}

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float>, ThreadPool& pool) const override {
    check_batch(embeddings, identity);
    const size_t n = embeddings.rows;
    // The place of each embedding among its identity's, and who stands at each place.
    std::vector<size_t> place(n);
    std::vector<std::vector<size_t>> at_place;
    std::unordered_map<uint32_t, size_t> images;
    for (size_t i = 0; i < n; ++i) {
      place[i] = images[identity[i]]++;
      if (place[i] == at_place.size()) at_place.emplace_back();
      at_place[place[i]].push_back(i);
    }
    size_t pairs = 0;
    for (const uint32_t who : identity) pairs += images.at(who) - 1;
    const double share = 1 / static_cast<double>(std::max<size_t>(pairs, 1));

    const Matrix products = dot_products(embeddings, pool);
    Matrix by_products(n, n);
    LossResult result;
    std::vector<double> terms;
    for (size_t a = 0; a < n; ++a) {
      const auto product = products.row(a);
      const auto gradient = by_products.row(a);
      for (size_t p = 0; p < n; ++p) {
        if (p == a || identity[p] != identity[a]) continue;
        terms.clear();
        for (const size_t m : at_place[place[p]]) {
          if (m != p) terms.push_back(double{product[m]} - double{product[p]});
        }
        result.loss += share * log_sum_exp(terms, 1);
        size_t k = 0;
        double sum = 0;
        for (const size_t m : at_place[place[p]]) {
          if (m == p) continue;
          gradient[m] += static_cast<float>(share * terms[k]);
          sum += terms[k++];
        }
        gradient[p] -= static_cast<float>(share * sum);
      }
    }
    result.gradient = dot_products_gradient(embeddings, by_products, pool);
    const double per_image = l2_ / static_cast<double>(std::max<size_t>(n, 1));
    for (size_t i = 0; i < embeddings.values.size(); ++i) {
      const double x = embeddings.values[i];
      result.loss += per_image / 2 * x * x;
      result.gradient.values[i] += static_cast<float>(per_image * x);
    }
    return result;
  }

 private:
  double l2_;
};

}  // namespace

std::unique_ptr<BatchLoss> multi_similarity_loss(const MultiSimilarity& settings) {
  return std::make_unique<MultiSimilarityLoss>(settings);
}
std::unique_ptr<BatchLoss> supervised_contrastive_loss(double temperature) {
  return std::make_unique<SupervisedContrastive>(temperature);
}
std::unique_ptr<BatchLoss> n_pair_loss(double l2) { return std::make_unique<NPair>(l2); }

}  // namespace doppel::internal
