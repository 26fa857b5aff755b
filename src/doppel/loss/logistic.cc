#include "doppel/loss/logistic.h"

#include <cmath>

#include "doppel/base/elementary.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

LogisticPairLoss logistic_pair_loss(const Matrix& embeddings, std::span<const uint8_t> genuine,
                                    std::span<const float> parameters) {
  const size_t pairs = genuine.size(), size = embeddings.columns;
  if (embeddings.rows != 2 * pairs) {
    throw Error(ErrorKind::mismatch, "logistic loss: " + std::to_string(pairs) +
                                         " labels need twice as many embeddings, not " +
                                         std::to_string(embeddings.rows));
  }
  if (parameters.size() != size + 1) {
    throw Error(ErrorKind::mismatch, "logistic loss: embeddings of " + std::to_string(size) +
                                         " values need one parameter more, not " +
                                         std::to_string(parameters.size()));
  }
  const auto weights = parameters.first(size);
  LogisticPairLoss result{0, std::vector<double>(pairs), Matrix(embeddings.rows, size), {}};
  std::vector<double> parameter_gradient(size + 1, 0.0);
  const double share = pairs == 0 ? 0 : 1.0 / static_cast<double>(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    const auto a = embeddings.row(i), b = embeddings.row(pairs + i);
    const double z = weighted_l1(weights, parameters[size], a, b);
    const double p = 1 / (1 + elementary::exp(-z));
    const bool same = genuine[i] != 0;
    // -log p = log(1 + exp(-z)), -log(1 - p) = log(1 + exp(z)), without overflow.
    result.loss +=
        share * (std::max(same ? -z : z, 0.0) + elementary::log(1 + elementary::exp(-std::abs(z))));
    result.energy[i] = 1 / (1 + elementary::exp(z));
    const double by_z = share * (same ? -result.energy[i] : p);
    const auto da = result.gradient.row(i), db = result.gradient.row(pairs + i);
    for (size_t k = 0; k < size; ++k) {
      const double difference = double{a[k]} - double{b[k]};
      parameter_gradient[k] += by_z * std::abs(difference);
      const double sign = difference > 0 ? 1 : difference < 0 ? -1 : 0;
      const double g = by_z * double{weights[k]} * sign;
      da[k] = static_cast<float>(g);
      db[k] = static_cast<float>(-g);
    }
    parameter_gradient[size] += by_z;
  }
  result.parameter_gradient.assign(parameter_gradient.begin(), parameter_gradient.end());
  return result;
}

std::vector<float> initial_logistic_parameters(size_t embedding_size) {
  const double weight = -1 / std::sqrt(static_cast<double>(embedding_size));
  std::vector<float> parameters(embedding_size + 1, static_cast<float>(weight));
  parameters.back() = 0;
  return parameters;
}

}  // namespace doppel::internal
