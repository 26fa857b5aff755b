// The network once more, for tests alone: plain loops over one image in double precision, written
// from the layers' definitions. What the engine computes is compared with this.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::reference {

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
  const auto k = static_cast<long>(layer.kernel), pad = layer.same ? k / 2 : 0;
  const auto height = static_cast<long>(in.height), width = static_cast<long>(in.width);
  std::vector<double> y;
  for (size_t f = 0; f < out.channels; ++f) {
    for (long i = 0; i < static_cast<long>(out.height); ++i) {
      for (long j = 0; j < static_cast<long>(out.width); ++j) {
        double sum = bias[f];
        for (size_t c = 0; c < in.channels; ++c) {
          for (long ky = 0; ky < k; ++ky) {
            for (long kx = 0; kx < k; ++kx) {
              const long r = i + ky - pad, q = j + kx - pad;
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

// The embedding of one image at `slot` of its batch.
inline std::vector<double> embed(const Network& network, std::span<const double> parameters,
                                 std::span<const double> image, size_t slot,
                                 const DropoutSeed* dropout) {
  const std::vector<Shape> shapes = layer_shapes(network);
  std::vector<double> x(image.begin(), image.end());
  size_t at = 0;
  const auto take = [&](size_t n) { return parameters.subspan(std::exchange(at, at + n), n); };
  for (size_t l = 0; l < network.layers.size(); ++l) {
    const Shape in = l == 0 ? network.input : shapes[l - 1];
    const Layer& layer = network.layers[l];
    if (const auto* c = std::get_if<Conv>(&layer)) {
      const auto weight = take(c->filters * in.channels * c->kernel * c->kernel);
      x = conv(*c, in, shapes[l], weight, take(c->filters), x);
    } else if (std::holds_alternative<Relu>(layer)) {
      for (double& v : x) v = std::max(v, 0.0);
    } else if (const auto* p = std::get_if<MaxPool>(&layer)) {
      x = max_pool(p->size, in, shapes[l], x);
    } else if (const auto* d = std::get_if<Dropout>(&layer)) {
      for (size_t v = 0; dropout != nullptr && v < x.size(); ++v) {
        const double keep = 1 - static_cast<double>(std::lround(d->rate * 65536)) / 65536;
        x[v] = kept(*dropout, slot, l, v, d->rate) ? x[v] / keep : 0;
      }
    } else if (const auto* dense = std::get_if<Dense>(&layer)) {
      const auto weight = take(dense->units * x.size()), bias = take(dense->units);
      std::vector<double> y(bias.begin(), bias.end());
      for (size_t u = 0; u < y.size(); ++u) {
        for (size_t v = 0; v < x.size(); ++v) y[u] += weight[u * x.size() + v] * x[v];
      }
      x = y;
    }
  }
  return x;
}

}  // namespace doppel::reference
