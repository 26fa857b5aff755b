#include "doppel/loss/margin_softmax.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "doppel/base/elementary.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/pairwise.h"
#include "doppel/nn/kernels.h"

namespace doppel::internal {
namespace {

// Classes that one task treats: whole blocks of the product, whose logits stay in a near cache.
constexpr size_t kTaskClasses = 96;
// Values of an embedding whose gradient one task computes.
constexpr size_t kTaskValues = 24;
constexpr double kSmallestSine = 1e-3;

// The dot product of n values, summed in 16 lanes that are added up in the end.
float dot(const float* a, const float* b, size_t n) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < n; ++i) lanes[i % kLanes] += a[i] * b[i];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

class MarginSoftmax : public BatchLoss {
 public:
  MarginSoftmax(double scale, double margin, size_t embedding_size, size_t identities)
      : scale_(scale), margin_(margin), size_(embedding_size), classes_(identities) {}

  size_t parameter_count() const override { return classes_ * size_; }

  std::vector<float> initial_parameters(uint64_t seed) const override {
    Matrix directions(classes_, size_);
    for (size_t c = 0; c < classes_; ++c) {
      // Part 1: part 0 of this purpose are the network's own weights.
      Random random(seed, Purpose::weights, static_cast<uint32_t>(c), 1);
      for (float& value : directions.row(c)) value = static_cast<float>(random.normal());
    }
    return unit_rows(directions).rows.values;
  }

  LossResult evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                      std::span<const float> parameters, ThreadPool& pool) const override;

 protected:
  // f of the true class, and its slope, as functions of the cosine.
  struct Target {
    double value, slope;
  };
  virtual Target target(double cosine) const = 0;
  double margin() const { return margin_; }

 private:
  void check(const Matrix& embeddings, std::span<const uint32_t> identity,
             std::span<const float> parameters) const;

  double scale_, margin_;
  size_t size_, classes_;
};

class CosineMargin : public MarginSoftmax {
 public:
  using MarginSoftmax::MarginSoftmax;

 protected:
  Target target(double cosine) const override { return {cosine - margin(), 1}; }
};

class ArcMargin : public MarginSoftmax {
 public:
  using MarginSoftmax::MarginSoftmax;

 protected:
  Target target(double cosine) const override {
    cosine = std::clamp(cosine, -1.0, 1.0);
    const double cos_m = elementary::cos(margin()), sin_m = elementary::sin(margin());
    if (cosine < -cos_m) return {cosine - margin() * sin_m, 1};
    // cos(t + m) = cos t cos m - sin t sin m, sin(t + m) = sin t cos m + cos t sin m.
    const double sine = std::sqrt(1 - cosine * cosine);
    return {cosine * cos_m - sine * sin_m,
            (sine * cos_m + cosine * sin_m) / std::max(sine, kSmallestSine)};
  }
};

void MarginSoftmax::check(const Matrix& embeddings, std::span<const uint32_t> identity,
                          std::span<const float> parameters) const {
  check_batch(embeddings, identity);
  if (embeddings.columns != size_) {
    throw Error(ErrorKind::mismatch, "loss: made for embeddings of " + std::to_string(size_) +
                                         " values, not " + std::to_string(embeddings.columns));
  }
  if (parameters.size() != parameter_count()) {
    throw Error(ErrorKind::mismatch, "loss: it has " + std::to_string(parameter_count()) +
                                         " parameters, not " + std::to_string(parameters.size()));
  }
  for (const uint32_t who : identity) {
    if (who < classes_) continue;
    throw Error(ErrorKind::mismatch, "loss: identity " + std::to_string(who) +
                                         " is not one of the " + std::to_string(classes_) +
                                         " it was made for");
  }
}

// Four steps. Logits are [class][image], the batch in the lanes, so that one row of them serves as
// vectors of one product and as single values of the other.
LossResult MarginSoftmax::evaluate(const Matrix& embeddings, std::span<const uint32_t> identity,
                                   std::span<const float> parameters, ThreadPool& pool) const {
  check(embeddings, identity, parameters);
  const size_t n = embeddings.rows, d = size_;
  LossResult result{0, Matrix(n, d), std::vector<float>(parameter_count())};
  if (n == 0) return result;
  const size_t width = whole_vectors(n), padded = whole_vectors(d);
  const size_t tasks = (classes_ + kTaskClasses - 1) / kTaskClasses;
  const auto weights = [&](size_t c) { return parameters.data() + c * d; };
  const UnitRows units = unit_rows(embeddings);
  const AlignedArray<float> lanes = batch_in_lanes(units.rows), rows = padded_rows(units.rows);

  // 1. For every block of classes: logits z, their largest value for each image, exp(z - largest)
  // in place of z, and the sum of these.
  AlignedArray<float> logits(classes_ * width);
  std::vector<float> inverse_length(classes_), largest(tasks * width), sums(tasks * width);
  std::vector<double> target_logit(n), target_slope(n);
  pool.parallel_for(tasks, [&](size_t task, size_t) {
    const size_t first = task * kTaskClasses, last = std::min(classes_, first + kTaskClasses);
    times_batch(weights(first), last - first, d, lanes, n, logits.data() + first * width);
    for (size_t c = first; c < last; ++c) {
      const float length = std::sqrt(dot(weights(c), weights(c), d));
      inverse_length[c] = length < static_cast<float>(kShortestVector) ? 0 : 1 / length;
      const float factor = static_cast<float>(scale_) * inverse_length[c];
      float* z = logits.data() + c * width;
      for (size_t i = 0; i < width; ++i) z[i] *= factor;
    }
    for (size_t i = 0; i < n; ++i) {
      if (identity[i] < first || identity[i] >= last) continue;
      float& z = logits[identity[i] * width + i];
      const Target target = this->target(double{z} / scale_);
      z = static_cast<float>(scale_ * target.value);
      target_logit[i] = z;
      target_slope[i] = target.slope;
    }
    float* most = largest.data() + task * width;
    std::copy_n(logits.data() + first * width, width, most);
    for (size_t c = first + 1; c < last; ++c) {
      const float* z = logits.data() + c * width;
      for (size_t i = 0; i < width; ++i) most[i] = z[i] > most[i] ? z[i] : most[i];
    }
    float* sum = sums.data() + task * width;
    for (size_t c = first; c < last; ++c) {
      float* z = logits.data() + c * width;
      for (size_t i = 0; i < width; ++i) z[i] -= most[i];
      exp_of_negative(z, width);
      for (size_t i = 0; i < width; ++i) sum[i] += z[i];
    }
  });

  // 2. The loss, and what turns exp(z - largest) into scale / n times the class's probability.
  const double share = scale_ / static_cast<double>(n);
  std::vector<float> most(largest.begin(), largest.begin() + static_cast<ptrdiff_t>(width));
  for (size_t task = 1; task < tasks; ++task) {
    for (size_t i = 0; i < width; ++i) most[i] = std::max(most[i], largest[task * width + i]);
  }
  std::vector<double> sum(width, 0.0);
  for (size_t task = 0; task < tasks; ++task) {
    float* relative = largest.data() + task * width;
    for (size_t i = 0; i < width; ++i) relative[i] -= most[i];
    exp_of_negative(relative, width);
    for (size_t i = 0; i < width; ++i)
      sum[i] += double{relative[i]} * double{sums[task * width + i]};
  }
  for (size_t i = 0; i < n; ++i) {
    result.loss +=
        (elementary::log(sum[i]) + double{most[i]} - target_logit[i]) / static_cast<double>(n);
  }
  std::vector<float>& to_probability = largest;
  for (size_t task = 0; task < tasks; ++task) {
    for (size_t i = 0; i < width; ++i) {
      float& factor = to_probability[task * width + i];
      factor = static_cast<float>(double{factor} * share / sum[i]);
    }
  }

  // 3. For every block of classes: the gradient g by w.u (before the division by |w|), and by the
  // class vectors: with v = sum over images of g u it is v - (v.w) w / |w|^2.
  std::vector<AlignedArray<float>> by_weights(static_cast<size_t>(pool.threads()));
  pool.parallel_for(tasks, [&](size_t task, size_t worker) {
    const size_t first = task * kTaskClasses, last = std::min(classes_, first + kTaskClasses);
    const float* factor = to_probability.data() + task * width;
    for (size_t c = first; c < last; ++c) {
      float* g = logits.data() + c * width;
      for (size_t i = 0; i < width; ++i) g[i] *= factor[i];
    }
    for (size_t i = 0; i < n; ++i) {
      if (identity[i] < first || identity[i] >= last) continue;
      float& g = logits[identity[i] * width + i];
      g = static_cast<float>((double{g} - share) * target_slope[i]);
    }
    for (size_t c = first; c < last; ++c) {
      float* g = logits.data() + c * width;
      for (size_t i = 0; i < width; ++i) g[i] *= inverse_length[c];
    }
    AlignedArray<float>& by_rows = by_weights[worker];
    if (by_rows.size() == 0) by_rows = AlignedArray<float>(kTaskClasses * padded);
    times_rows(logits.data() + first * width, last - first, width, rows, n, d, by_rows.data());
    for (size_t c = first; c < last; ++c) {
      const float *v = by_rows.data() + (c - first) * padded, *w = weights(c);
      const float along = dot(v, w, d) * inverse_length[c] * inverse_length[c];
      float* out = result.parameter_gradient.data() + c * d;
      for (size_t k = 0; k < d; ++k) out[k] = v[k] - along * w[k];
    }
  });

  // 4. By the unit vectors: sum over classes of g w, some of the values for each task.
  AlignedArray<float> by_units(width * d);
  pool.parallel_for((d + kTaskValues - 1) / kTaskValues, [&](size_t task, size_t) {
    const size_t first = task * kTaskValues;
    multiply({.rows = std::min(kTaskValues, d - first),
              .outer = 1,
              .inner = classes_,
              .vectors = width / kLanes,
              .a_row = 1,
              .a_outer = 0,
              .a_inner = d,
              .b_outer = 0,
              .b_inner = width,
              .b_vector = kLanes,
              .c_row = kLanes,
              .c_vector = d * kLanes},
             parameters.data() + first, logits.data(), nullptr, by_units.data() + first * kLanes);
  });
  for (size_t first = 0; first < n; first += kLanes) {
    float* out[kLanes] = {};
    for (size_t lane = 0; lane < std::min(kLanes, n - first); ++lane) {
      out[lane] = result.gradient.row(first + lane).data();
    }
    tile_to_rows(by_units.data() + first * d, d, out);
  }
  through_unit_rows(units, result.gradient);
  return result;
}

}  // namespace

std::unique_ptr<BatchLoss> cosine_margin_loss(double scale, double margin, size_t embedding_size,
                                              size_t identities) {
  return std::make_unique<CosineMargin>(scale, margin, embedding_size, identities);
}

std::unique_ptr<BatchLoss> arc_margin_loss(double scale, double margin, size_t embedding_size,
                                           size_t identities) {
  return std::make_unique<ArcMargin>(scale, margin, embedding_size, identities);
}

// exp(x) = 2^k exp(r), k = round(x / log 2), r = x - k log 2 in [-0.35, 0.35], where the series of
// exp up to r^7 / 5040 is exact to float. Adding 1.5 * 2^23 rounds: k is then in the low bits of
// the sum, from where a shift takes it to the exponent. log 2 is taken off in two parts, the first
// of which has few enough bits to make k times it exact. The larger of two numbers below 0 is the
// one with the smaller bits; as a comparison of floats it would be a branch, and no vectors.
void exp_of_negative(float* x, size_t n) {
  constexpr float kRound = 12582912.0f, kLog2High = 0.693359375f, kLog2Low = -2.12194440e-4f;
  constexpr auto kLowest = std::bit_cast<uint32_t>(-87.0f);
  for (size_t i = 0; i < n; ++i) {
    const float value = std::bit_cast<float>(std::min(std::bit_cast<uint32_t>(x[i]), kLowest));
    const float shifted = value * 1.44269504f + kRound;
    const float k = shifted - kRound;
    const float r = value - k * kLog2High - k * kLog2Low;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const float power =
        std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) << 23) + 0x3f800000u);
    x[i] = p * power;
  }
}

}  // namespace doppel::internal
