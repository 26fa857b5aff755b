#include "doppel/model/mean_embedding.h"

#include <cmath>

namespace doppel::internal {

std::vector<float> mean_embedding(const Matrix& embeddings, std::span<const size_t> rows) {
  if (rows.size() == 1) {
    const std::span<const float> row = embeddings.row(rows[0]);
    return {row.begin(), row.end()};
  }
  const auto length = [](const auto& values) {
    double squares = 0;
    for (const auto value : values) squares += double{value} * double{value};
    return std::sqrt(squares);
  };
  std::vector<double> sum(embeddings.columns);
  double lengths = 0;
  for (const size_t row : rows) {
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += double{embeddings.row(row)[k]};
    lengths += length(embeddings.row(row));
  }
  const double of_sum = length(sum);
  const double scale = of_sum > 0 ? lengths / static_cast<double>(rows.size()) / of_sum : 0;
  std::vector<float> mean(sum.size());
  for (size_t k = 0; k < sum.size(); ++k) mean[k] = static_cast<float>(scale * sum[k]);
  return mean;
}

}  // namespace doppel::internal
