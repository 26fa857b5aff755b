#include "doppel/nn/layers/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "doppel/base/json_object.h"
#include "doppel/nn/kernels.h"
#include "doppel/nn/planner.h"

namespace doppel::internal {
namespace {

// Batch normalisation, perhaps with a shortcut added, ReLU and max-pool 2 behind it.
class NormStage : public Stage {
 public:
  NormStage(const Shape& in, const Shape& out, size_t offset, bool relu, bool pool)
      : Stage(in.size(), out.size()),
        offset_(offset),
        shape_{in.channels, in.height, in.width, relu, pool} {}

  // For each channel two sums of a tile: in forward of its values, then of their gradient.
  size_t partial_floats() const override { return 2 * shape_.channels; }
  size_t statistics_floats() const override { return kFields * shape_.channels; }

  void measure(const Pass& pass, const float* x, float* partial) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      norm_measure(x + t * in_size() * kLanes, shape_.channels, plane(), images_in(pass, t),
                   partial + t * partial_floats());
    }
  }

  // Tiles are put together by Chan, Golub and LeVeque, 1983: of two parts of n and m values,
  // mean = mean_n + (mean_m - mean_n) m / (n + m), and the sums of squares add, with
  // (mean_m - mean_n)^2 n m / (n + m).
  void combine_statistics(const float* parameters, size_t images, const float* partials,
                          float* statistics) const override {
    for (size_t c = 0; c < shape_.channels; ++c) {
      double count = 0, mean = 0, squares = 0;
      for (size_t first = 0, t = 0; first < images; first += kLanes, ++t) {
        const float* tile = partials + t * partial_floats() + 2 * c;
        const auto more = static_cast<double>(std::min(kLanes, images - first) * plane());
        const double apart = tile[0] - mean, all = count + more;
        mean += apart * more / all;
        squares += tile[1] + apart * apart * count * more / all;
        count = all;
      }
      field(statistics, Field::unbiased)[c] =
          static_cast<float>(squares / std::max(1.0, count - 1));
      set_channel(parameters, c, mean, squares / count, statistics);
    }
  }

  void load_statistics(const float* parameters, float* statistics) const override {
    const float* running = parameters + offset_ + 2 * shape_.channels;
    for (size_t c = 0; c < shape_.channels; ++c) {
      set_channel(parameters, c, running[c], running[shape_.channels + c], statistics);
    }
  }

  void update_running_statistics(const float* statistics, double momentum,
                                 float* parameters) const override {
    float* mean = parameters + offset_ + 2 * shape_.channels;
    float* variance = mean + shape_.channels;
    const auto move = [momentum](float& running, float batch) {
      running = static_cast<float>((1 - momentum) * running + momentum * batch);
    };
    for (size_t c = 0; c < shape_.channels; ++c) {
      move(mean[c], field(statistics, Field::mean)[c]);
      move(variance[c], field(statistics, Field::unbiased)[c]);
    }
  }

  void forward(const Pass& pass, const float* x, const float* skip, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes;
      norm_forward(shape_, x + at, settings(pass), skip == nullptr ? nullptr : skip + at,
                   y + t * out_size() * kLanes);
    }
  }

  void measure_gradient(const Pass& pass, const Values& values, const float* dy,
                        float* partial) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes, out = t * out_size() * kLanes;
      norm_gradient_sums(shape_, values.x + at, settings(pass),
                         values.skip == nullptr ? nullptr : values.skip + at, values.y + out,
                         dy + out, partial + t * partial_floats());
    }
  }

  void combine_gradient_statistics(size_t images, const float* partials,
                                   float* statistics) const override {
    const double count = static_cast<double>(images * plane());
    for (size_t c = 0; c < shape_.channels; ++c) {
      const auto [sum, product] = sums(c, (images + kLanes - 1) / kLanes, partials);
      field(statistics, Field::mean_gradient)[c] = static_cast<float>(sum / count);
      field(statistics, Field::mean_product)[c] = static_cast<float>(product / count);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float* dskip,
                float*) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * in_size() * kLanes, out = t * out_size() * kLanes;
      norm_gradient(shape_, values.x + at, settings(pass),
                    values.skip == nullptr ? nullptr : values.skip + at, values.y + out, dy + out,
                    images_in(pass, t), dx == nullptr ? nullptr : dx + at,
                    dskip == nullptr ? nullptr : dskip + at);
    }
  }

  size_t gradient_tasks() const override { return 1; }
  void gradient(size_t, size_t tiles, const float*, const float* partials, float*,
                float* gradient) const override {
    float* out = gradient + offset_;
    for (size_t c = 0; c < shape_.channels; ++c) {
      const auto [sum, product] = sums(c, tiles, partials);
      out[c] = static_cast<float>(product);
      out[shape_.channels + c] = static_cast<float>(sum);
      out[2 * shape_.channels + c] = out[3 * shape_.channels + c] = 0;  // measured, not learned
    }
  }

 private:
  enum class Field { mean, inverse, scale, shift, mean_gradient, mean_product, unbiased };
  static constexpr size_t kFields = 7;

  size_t plane() const { return shape_.height * shape_.width; }
  static size_t images_in(const Pass& pass, size_t tile) {
    return std::min(kLanes, pass.images - tile * kLanes);
  }
  template <typename T>
  T* field(T* statistics, Field f) const {
    return statistics + static_cast<size_t>(f) * shape_.channels;
  }
  NormSettings settings(const Pass& pass) const {
    const auto of = [&](Field f) { return field(pass.statistics, f); };
    return {.mean = of(Field::mean),
            .inverse = of(Field::inverse),
            .scale = of(Field::scale),
            .shift = of(Field::shift),
            .mean_gradient = of(Field::mean_gradient),
            .mean_product = of(Field::mean_product)};
  }
  void set_channel(const float* parameters, size_t c, double mean, double variance,
                   float* statistics) const {
    const double inverse = 1 / std::sqrt(variance + kNormEpsilon);
    const double scale = parameters[offset_ + c] * inverse;
    field(statistics, Field::mean)[c] = static_cast<float>(mean);
    field(statistics, Field::inverse)[c] = static_cast<float>(inverse);
    field(statistics, Field::scale)[c] = static_cast<float>(scale);
    field(statistics, Field::shift)[c] =
        static_cast<float>(parameters[offset_ + shape_.channels + c] - mean * scale);
  }
  std::pair<double, double> sums(size_t c, size_t tiles, const float* partials) const {
    double sum = 0, product = 0;
    for (size_t t = 0; t < tiles; ++t) {
      sum += partials[t * partial_floats() + 2 * c];
      product += partials[t * partial_floats() + 2 * c + 1];
    }
    return {sum, product};
  }

  size_t offset_;
  Norm shape_;
};

}  // namespace

Shape BatchNorm::output_shape(const LayerPlace& place) const { return place.input(); }

std::vector<LayerTensor> BatchNorm::tensors(const Shape& input) const {
  return {{"weight", {input.channels}, TensorKind::bias, 1},
          {"bias", {input.channels}, TensorKind::bias},
          {"running_mean", {input.channels}, TensorKind::statistic},
          {"running_var", {input.channels}, TensorKind::statistic, 1}};
}

void BatchNorm::write(nlohmann::json&) const {}

BatchNorm BatchNorm::read(const JsonObject&) { return {}; }

void BatchNorm::plan(Planner& planner) const {
  const Add* shortcut = planner.take<Add>();
  const size_t behind_shortcut = planner.taken();
  const bool relu = planner.take<Relu>() != nullptr;
  const MaxPool* pool = planner.peek<MaxPool>();
  const bool pooled = pool != nullptr && pool->size == 2;
  if (pooled) planner.take<MaxPool>();
  auto stage = std::make_unique<NormStage>(planner.input(), planner.output(), planner.parameters(),
                                           relu, pooled);
  if (shortcut != nullptr) {
    planner.add_with_shortcut(std::move(stage), behind_shortcut - 1 - shortcut->back);
  } else {
    planner.add(std::move(stage));
  }
}

}  // namespace doppel::internal
