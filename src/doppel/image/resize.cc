#include "doppel/image/resize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

// One new position of an axis as a weighted sum of neighbouring old ones.
struct Tap {
  size_t first = 0;
  std::vector<double> weights;  // for first, first + 1, ...; their sum is 1
};

std::vector<Tap> taps(int from, int to) {
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    Tap& tap = taps[static_cast<size_t>(i)];
    if (to < from) {
      // In units of 1/to of an old pixel, old pixel j spans [j to, (j+1) to) and new pixel i spans
      // [i from, (i+1) from): whole numbers, so the overlaps are exact.
      const int64_t begin = int64_t{i} * from, end = begin + from;
      tap.first = static_cast<size_t>(begin / to);
      for (int64_t j = begin / to; j * to < end; ++j) {
        const int64_t overlap = std::min(end, (j + 1) * to) - std::max(begin, j * to);
        tap.weights.push_back(static_cast<double>(overlap) / from);
      }
    } else {
      // The centre of new pixel i among the centres of the old ones.
      const double centre =
          std::clamp((i + 0.5) * from / to - 0.5, 0.0, static_cast<double>(from - 1));
      const int left = std::min(static_cast<int>(centre), std::max(from - 2, 0));
      const double right_part = centre - left;
      tap.first = static_cast<size_t>(left);
      tap.weights = {1.0 - right_part};
      if (right_part > 0.0) tap.weights.push_back(right_part);
    }
  }
  return taps;
}

void check_has_pixels(const Image& image, const char* what) {
  check_size(ErrorKind::bad_argument, image.width, image.height, what);
  if (image.pixels.size() != static_cast<size_t>(image.width) * static_cast<size_t>(image.height)) {
    throw Error(ErrorKind::bad_argument, std::string(what) + ": " +
                                             std::to_string(image.pixels.size()) +
                                             " pixels do not make " + std::to_string(image.width) +
                                             " x " + std::to_string(image.height));
  }
  if (!image.colors.empty() && image.colors.size() != 3 * image.pixels.size()) {
    throw Error(ErrorKind::bad_argument,
                std::string(what) + ": " + std::to_string(image.colors.size()) +
                    " values of colour for " + std::to_string(image.pixels.size()) +
                    " pixels; three for each were expected");
  }
}

// `values`, rows of pixels of `channels` values, with new rows and columns.
std::vector<float> resampled(const std::vector<float>& values, size_t old_width, size_t channels,
                             const std::vector<Tap>& columns, const std::vector<Tap>& rows) {
  const size_t row_size = old_width * channels;
  std::vector<float> result;
  result.reserve(columns.size() * rows.size() * channels);
  std::vector<double> mixed(row_size);  // one new row, its columns still the old ones
  for (const Tap& row : rows) {
    std::fill(mixed.begin(), mixed.end(), 0.0);
    for (size_t k = 0; k < row.weights.size(); ++k) {
      const float* old_row = values.data() + (row.first + k) * row_size;
      for (size_t x = 0; x < row_size; ++x) mixed[x] += row.weights[k] * old_row[x];
    }
    for (const Tap& column : columns) {
      for (size_t c = 0; c < channels; ++c) {
        double sum = 0.0;
        for (size_t k = 0; k < column.weights.size(); ++k) {
          sum += column.weights[k] * mixed[(column.first + k) * channels + c];
        }
        result.push_back(static_cast<float>(sum));
      }
    }
  }
  return result;
}

}  // namespace

Image resize(const Image& image, int width, int height) {
  check_has_pixels(image, "image to resize");
  check_size(ErrorKind::bad_argument, width, height, "size to resize to");
  const size_t old_width = static_cast<size_t>(image.width);
  const std::vector<Tap> columns = taps(image.width, width);
  const std::vector<Tap> rows = taps(image.height, height);

  Image result;
  result.width = width;
  result.height = height;
  result.pixels = resampled(image.pixels, old_width, 1, columns, rows);
  if (!image.colors.empty()) {
    result.colors = resampled(image.colors, old_width, 3, columns, rows);
  }
  return result;
}

Image subsample(const Image& image, int step) {
  check_has_pixels(image, "image to subsample");
  if (step < 1) {
    throw Error(ErrorKind::bad_argument,
                "step to subsample by: at least 1 was expected, not " + std::to_string(step));
  }
  Image result;
  result.width = (image.width - 1) / step + 1;
  result.height = (image.height - 1) / step + 1;
  result.pixels.reserve(static_cast<size_t>(result.width) * static_cast<size_t>(result.height));
  for (int row = 0; row < result.height; ++row) {
    for (int column = 0; column < result.width; ++column) {
      result.pixels.push_back(image.at(row * step, column * step));
      if (image.colors.empty()) continue;
      const size_t pixel = static_cast<size_t>(row * step) * static_cast<size_t>(image.width) +
                           static_cast<size_t>(column * step);
      const auto color = image.colors.begin() + static_cast<std::ptrdiff_t>(3 * pixel);
      result.colors.insert(result.colors.end(), color, color + 3);
    }
  }
  return result;
}

}  // namespace doppel::internal
