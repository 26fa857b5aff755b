#include "doppel/image/preprocessing.h"

#include <algorithm>
#include <cmath>

#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

void preprocess_one(const Image& image, const Preprocessing& preprocessing, std::span<float> row) {
  const Image small = subsample(resize(image, preprocessing.width, preprocessing.height),
                                preprocessing.subsampling);
  std::copy(small.pixels.begin(), small.pixels.end(), row.begin());
  if (preprocessing.standardize) standardize(row);
}

}  // namespace

void standardize(std::span<float> values) {
  constexpr double kLeastDeviation = 1e-5;
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const float value : values) sum += value;
  const double mean = sum / count;
  for (const float value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / count);
  for (float& value : values) {
    value = deviation < kLeastDeviation ? 0.0f : static_cast<float>((value - mean) / deviation);
  }
}

Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing) {
  Matrix rows(images.size(), preprocessing.input_height() * preprocessing.input_width());
  for (size_t i = 0; i < images.size(); ++i) preprocess_one(images[i], preprocessing, rows.row(i));
  return rows;
}

Matrix preprocess(std::span<const Image> images, const Preprocessing& preprocessing,
                  ThreadPool& pool) {
  Matrix rows(images.size(), preprocessing.input_height() * preprocessing.input_width());
  pool.parallel_for(images.size(), [&](size_t i, size_t) {
    preprocess_one(images[i], preprocessing, rows.row(i));
  });
  return rows;
}

}  // namespace doppel::internal
