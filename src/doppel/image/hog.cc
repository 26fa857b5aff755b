#include "doppel/image/hog.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "doppel/base/elementary.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Cells whose centres, cell / 2, 3 cell / 2, .., lie inside.
size_t cells_along(size_t cell, size_t extent) {
  return extent > cell / 2 ? (extent - cell / 2 - 1) / cell + 1 : 0;
}

// The cells of which a pixel is near enough to count: begin .. end - 1.
struct Near {
  size_t begin, end;

  Near(size_t pixel, size_t cell, size_t reach, size_t cells) {
    const size_t centre = cell / 2;
    begin = pixel > centre + reach ? (pixel - centre - reach + cell - 1) / cell : 0;
    end = pixel + reach < centre ? 0 : std::min(cells, (pixel + reach - centre) / cell + 1);
  }
};

size_t distance(size_t a, size_t b) { return a > b ? a - b : b - a; }

float difference(float before, float here, float after, bool first, bool last) {
  if (first && last) return 0;
  if (first) return after - here;
  if (last) return here - before;
  return (after - before) / 2;
}

double length_of(std::span<const float> values) {
  double squares = 0;
  for (const float v : values) squares += double{v} * v;
  return std::sqrt(squares);
}

void divide(std::span<float> values, double by) {
  for (float& v : values) v = static_cast<float>(v / by);
}

}  // namespace

void HogSettings::check() const {
  if (cell < 2 || cell > 64) {
    throw Error(ErrorKind::bad_argument,
                "gradients: cells of 2 to 64 pixels were expected, not " + std::to_string(cell));
  }
  if (bins < 2 || bins > 36) {
    throw Error(ErrorKind::bad_argument,
                "gradients: 2 to 36 bins were expected, not " + std::to_string(bins));
  }
}

Hog::Hog(const HogSettings& settings, ImageShape shape) : settings_(settings), shape_(shape) {
  settings_.check();
  down_ = cells_along(settings_.cell, shape_.height);
  across_ = cells_along(settings_.cell, shape_.width);
  if (down_ == 0 || across_ == 0) {
    throw Error(ErrorKind::bad_argument, "gradients: cells of " + std::to_string(settings_.cell) +
                                             " pixels do not fit inputs of " +
                                             std::to_string(shape_.width) + " x " +
                                             std::to_string(shape_.height) + " (wide x high)");
  }
  // It ends three deviations away.
  for (size_t away = 0; 2 * away <= 3 * settings_.cell; ++away) {
    const double deviations = 2 * static_cast<double>(away) / static_cast<double>(settings_.cell);
    weight_.push_back(static_cast<float>(elementary::exp(-deviations * deviations / 2)));
  }
}

float Hog::weight(size_t pixel, size_t cell) const {
  const size_t away = distance(pixel, cell * settings_.cell + settings_.cell / 2);
  return away < weight_.size() ? weight_[away] : 0;
}

void Hog::make(std::span<const float> in, std::span<float> out) const {
  if (in.size() != shape_.size() || out.size() != size()) {
    throw Error(ErrorKind::mismatch, "gradients: " + std::to_string(in.size()) + " values to " +
                                         std::to_string(out.size()) + ", not " +
                                         std::to_string(shape_.size()) + " to " +
                                         std::to_string(size()));
  }
  const size_t height = shape_.height, width = shape_.width;
  const size_t cell = settings_.cell, bins = settings_.bins, reach = weight_.size() - 1;
  std::ranges::fill(out, 0.0f);
  std::vector<float> row(across_ * bins);  // the histograms of one row of pixels, along it
  for (size_t y = 0; y < height; ++y) {
    std::ranges::fill(row, 0.0f);
    const float* const here = in.data() + y * width;
    const float* const above = y > 0 ? here - width : here;
    const float* const below = y + 1 < height ? here + width : here;
    for (size_t x = 0; x < width; ++x) {
      const float gx = difference(here[x > 0 ? x - 1 : 0], here[x], here[x + 1 < width ? x + 1 : x],
                                  x == 0, x + 1 == width);
      const float gy = difference(above[x], here[x], below[x], y == 0, y + 1 == height);
      const float strength = static_cast<float>(std::sqrt(double{gx} * gx + double{gy} * gy));
      if (strength == 0) continue;
      const float turn =
          elementary::atan2(gy, gx) / (2 * std::numbers::pi_v<float>);  // -1/2 .. 1/2
      const float place = (turn < 0 ? turn + 1 : turn) * static_cast<float>(bins);
      const float floor = std::floor(place);
      const size_t bin = static_cast<size_t>(floor) % bins;  // a whole turn is none
      const float second = strength * (place - floor), first = strength - second;
      const Near near(x, cell, reach, across_);
      for (size_t c = near.begin; c < near.end; ++c) {
        const float weight = weight_[distance(x, c * cell + cell / 2)];
        row[c * bins + bin] += weight * first;
        row[c * bins + (bin + 1) % bins] += weight * second;
      }
    }
    const Near near(y, cell, reach, down_);
    for (size_t r = near.begin; r < near.end; ++r) {
      const float weight = weight_[distance(y, r * cell + cell / 2)];
      const std::span<float> cells = out.subspan(r * row.size(), row.size());
      for (size_t i = 0; i < row.size(); ++i) cells[i] += weight * row[i];
    }
  }
  const size_t cells = down_ * across_;
  std::vector<double> lengths(cells);
  double mean = 0;
  for (size_t c = 0; c < cells; ++c) {
    lengths[c] = length_of(out.subspan(c * bins, bins));
    mean += lengths[c] / static_cast<double>(cells);
  }
  if (mean == 0) return;
  for (size_t c = 0; c < cells; ++c) divide(out.subspan(c * bins, bins), lengths[c] + mean / 2);
  divide(out, length_of(out));
}

}  // namespace doppel::internal
