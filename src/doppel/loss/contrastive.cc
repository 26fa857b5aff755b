#include "doppel/loss/contrastive.h"

#include <algorithm>

#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

PairLoss contrastive_loss(const Matrix& embeddings, std::span<const uint8_t> genuine,
                          double margin) {
  const size_t pairs = genuine.size();
  if (embeddings.rows != 2 * pairs) {
    throw Error(ErrorKind::mismatch, "contrastive loss: " + std::to_string(pairs) +
                                         " labels need twice as many embeddings, not " +
                                         std::to_string(embeddings.rows));
  }
  PairLoss result{0, std::vector<double>(pairs), Matrix(embeddings.rows, embeddings.columns)};
  const double share = pairs == 0 ? 0 : 1.0 / static_cast<double>(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    const auto a = embeddings.row(i), b = embeddings.row(pairs + i);
    const double distance = euclidean(a, b);
    const double short_of_margin = std::max(margin - distance, 0.0);
    result.distance[i] = distance;
    double factor = 0;  // of a - b
    if (genuine[i] != 0) {
      result.loss += share * distance * distance;
      factor = 2 * share;
    } else {
      result.loss += share * short_of_margin * short_of_margin;
      if (distance > 0) factor = -2 * share * short_of_margin / distance;
    }
    const auto da = result.gradient.row(i), db = result.gradient.row(pairs + i);
    for (size_t k = 0; k < a.size(); ++k) {
      const double g = factor * (double{a[k]} - double{b[k]});
      da[k] = static_cast<float>(g);
      db[k] = static_cast<float>(-g);
    }
  }
  return result;
}

}  // namespace doppel::internal
