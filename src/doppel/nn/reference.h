// The network once more, for tests alone: plain loops over a batch in double precision, written
// from the layers' definitions. What the engine computes is compared with this.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "doppel/base/overloaded.h"
#include "doppel/base/random.h"
#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal::reference {

// Whether dropout keeps a value: 16 of Philox's bits, as kernels.h describes.
inline bool kept(const DropoutSeed& seed, size_t slot, size_t layer, size_t value, double rate) {
  const auto words =
      philox(seed.seed, {static_cast<uint32_t>(value / 8), static_cast<uint32_t>(slot), seed.step,
                         purpose_word(Purpose::dropout, static_cast<uint16_t>(layer))});
  const uint32_t word = words[value % 8 / 2];
  return (value % 2 == 0 ? word & 0xFFFF : word >> 16) >=
         static_cast<uint32_t>(std::lround(rate * 65536));
}

inline std::vector<double> conv(const Conv& layer, const Shape& in, const Shape& out,
                                std::span<const double> weight, std::span<const double> bias,
                                const std::vector<double>& x) {
  const auto k = static_cast<long>(layer.kernel), pad = static_cast<long>(layer.padding);
  const auto stride = static_cast<long>(layer.stride);
  const auto height = static_cast<long>(in.height), width = static_cast<long>(in.width);
  std::vector<double> y;
  for (size_t f = 0; f < out.channels; ++f) {
    for (long i = 0; i < static_cast<long>(out.height); ++i) {
      for (long j = 0; j < static_cast<long>(out.width); ++j) {
        double sum = bias.empty() ? 0.0 : bias[f];
        for (size_t c = 0; c < in.channels; ++c) {
          for (long ky = 0; ky < k; ++ky) {
            for (long kx = 0; kx < k; ++kx) {
              const long r = i * stride + ky - pad, q = j * stride + kx - pad;
              if (r < 0 || r >= height || q < 0 || q >= width) continue;
              sum +=
                  weight[((f * in.channels + c) * layer.kernel + static_cast<size_t>(ky)) *
                             layer.kernel +
                         static_cast<size_t>(kx)] *
                  x[(c * in.height + static_cast<size_t>(r)) * in.width + static_cast<size_t>(q)];
            }
          }
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

inline std::vector<double> max_pool(size_t size, const Shape& in, const Shape& out,
                                    const std::vector<double>& x) {
  std::vector<double> y;
  for (size_t c = 0; c < out.channels; ++c) {
    for (size_t i = 0; i < out.height; ++i) {
      for (size_t j = 0; j < out.width; ++j) {
        double largest = -INFINITY;
        for (size_t r = 0; r < size; ++r) {
          for (size_t q = 0; q < size; ++q) {
            largest =
                std::max(largest, x[(c * in.height + i * size + r) * in.width + j * size + q]);
          }
        }
        y.push_back(largest);
      }
    }
  }
  return y;
}

using Batch = std::vector<std::vector<double>>;

// With the mean and variance of the batch, or with the running ones.
inline void batch_norm(const Shape& shape, std::span<const double> scale,
                       std::span<const double> shift, std::span<const double> running_mean,
                       std::span<const double> running_variance, bool running, Batch& batch) {
  const size_t plane = shape.height * shape.width;
  for (size_t c = 0; c < shape.channels; ++c) {
    double mean = 0, variance = 0;
    const double n = static_cast<double>(batch.size() * plane);
    for (const auto& x : batch) {
      for (size_t i = 0; i < plane; ++i) mean += x[c * plane + i] / n;
    }
    for (const auto& x : batch) {
      for (size_t i = 0; i < plane; ++i) variance += std::pow(x[c * plane + i] - mean, 2) / n;
    }
    if (running) mean = running_mean[c], variance = running_variance[c];
    for (auto& x : batch) {
      for (size_t i = 0; i < plane; ++i) {
        double& v = x[c * plane + i];
        v = (v - mean) / std::sqrt(variance + kNormEpsilon) * scale[c] + shift[c];
      }
    }
  }
}

// The embeddings of a batch whose first image has the slot `slot`. Without `dropout` as in
// inference, unless `batch_statistics`.
inline Batch embed(const Network& network, std::span<const double> parameters, Batch batch,
                   size_t slot, const DropoutSeed* dropout, bool batch_statistics) {
  const std::vector<Shape> shapes = layer_shapes(network);
  std::vector<Batch> before;  // what each layer was given
  size_t at = 0;
  const auto take = [&](size_t n) { return parameters.subspan(std::exchange(at, at + n), n); };
  for (size_t l = 0; l < network.layers.size(); ++l) {
    const Shape in = l == 0 ? network.input : shapes[l - 1];
    before.push_back(batch);
    const auto each = [&](const auto& change) {
      for (size_t b = 0; b < batch.size(); ++b) change(batch[b], b);
    };
    std::visit(Overloaded{
                   [&](const Conv& c) {
                     const auto weight = take(c.filters * in.channels * c.kernel * c.kernel);
                     const auto bias = take(c.bias ? c.filters : 0);
                     each([&](auto& x, size_t) { x = conv(c, in, shapes[l], weight, bias, x); });
                   },
                   [&](const BatchNorm&) {
                     const auto scale = take(in.channels), shift = take(in.channels);
                     const auto mean = take(in.channels), variance = take(in.channels);
                     batch_norm(in, scale, shift, mean, variance, !batch_statistics, batch);
                   },
                   [&](const Relu&) {
                     each([](auto& x, size_t) {
                       for (double& v : x) v = std::max(v, 0.0);
                     });
                   },
                   [&](const Relu6&) {
                     each([](auto& x, size_t) {
                       for (double& v : x) v = std::clamp(v, 0.0, 6.0);
                     });
                   },
                   [&](const MaxPool& p) {
                     each([&](auto& x, size_t) { x = max_pool(p.size, in, shapes[l], x); });
                   },
                   [&](const GlobalAveragePool&) {
                     const size_t plane = in.height * in.width;
                     each([&](auto& x, size_t) {
                       std::vector<double> y(in.channels, 0.0);
                       for (size_t i = 0; i < x.size(); ++i) {
                         y[i / plane] += x[i] / static_cast<double>(plane);
                       }
                       x = y;
                     });
                   },
                   [&](const Dropout& d) {
                     const double keep =
                         1 - static_cast<double>(std::lround(d.rate * 65536)) / 65536;
                     each([&](auto& x, size_t b) {
                       for (size_t v = 0; dropout != nullptr && v < x.size(); ++v) {
                         x[v] = kept(*dropout, slot + b, l, v, d.rate) ? x[v] / keep : 0;
                       }
                     });
                   },
                   [](const Flatten&) {},
                   [&](const Dense& dense) {
                     const auto weight = take(dense.units * in.size());
                     const auto bias = take(dense.bias ? dense.units : 0);
                     each([&](auto& x, size_t) {
                       std::vector<double> y(dense.units, 0.0);
                       std::copy(bias.begin(), bias.end(), y.begin());
                       for (size_t u = 0; u < y.size(); ++u) {
                         for (size_t v = 0; v < x.size(); ++v)
                           y[u] += weight[u * x.size() + v] * x[v];
                       }
                       x = y;
                     });
                   },
                   [&](const Add& add) {
                     each([&](auto& x, size_t b) {
                       for (size_t v = 0; v < x.size(); ++v) x[v] += before[l - add.back][b][v];
                     });
                   },
                   [&](const L2Normalize&) {
                     each([](auto& x, size_t) {
                       double squares = 0;
                       for (double v : x) squares += v * v;
                       for (double& v : x) v /= std::max(std::sqrt(squares), 1e-12);
                     });
                   },
               },
               network.layers[l]);
  }
  return batch;
}

}  // namespace doppel::internal::reference
