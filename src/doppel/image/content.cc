#include "doppel/image/content.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace doppel::internal {
namespace {

// In each direction: an eye of a face that fills the picture takes about one.
constexpr int kCellsAcross = 12;
constexpr int kDegree = 4;
constexpr int kTerms = (kDegree + 1) * (kDegree + 2) / 2;

// What a picture has to have. Between faces and pictures of nothing there is much room:
//                                              structure    of contrast   of noise
//   the 400 AT&T faces, at least               15 / 255        0.39         6.3
//   3,000 faces of LFW, at least                7 / 255        0.31         5.7
//   both, shrunk to 24 x 29 pixels, at least   12 / 255        0.31         1.7
//   smooth gradients, at most                       -          0.12           -
//   noise of any strength, at most                  -             -         1.2
//   noise that JPEG made blocks of, at most       2 / 255         -           -
constexpr double kStructure = 4.0 / 255, kOfContrast = 0.18, kOfNoise = 1.5;

using CellLine = std::array<double, kCellsAcross>;

// Polynomials of degree 0 .. kDegree at the cells' places, orthonormal: powers, by Gram and
// Schmidt.
std::array<CellLine, kDegree + 1> polynomials() {
  std::array<CellLine, kDegree + 1> lines;
  for (int degree = 0; degree <= kDegree; ++degree) {
    CellLine& line = lines[static_cast<size_t>(degree)];
    for (int i = 0; i < kCellsAcross; ++i) {
      line[static_cast<size_t>(i)] = std::pow((2.0 * i + 1) / kCellsAcross - 1, degree);
    }
    const auto dot = [&line](const CellLine& other) {
      double sum = 0;
      for (size_t i = 0; i < kCellsAcross; ++i) sum += line[i] * other[i];
      return sum;
    };
    for (int lower = 0; lower < degree; ++lower) {
      const CellLine& known = lines[static_cast<size_t>(lower)];
      const double share = dot(known);
      for (size_t i = 0; i < kCellsAcross; ++i) line[i] -= share * known[i];
    }
    const double length = std::sqrt(dot(line));
    for (double& value : line) value /= length;
  }
  return lines;
}

struct CellMeans {
  std::array<CellLine, kCellsAcross> means;
  double within = 0;  // the pixels' variance within a cell, on the average over all
};

CellMeans cell_means(const Image& image) {
  CellMeans cells;
  double squares = 0, pixels = 0;
  const auto edge = [](int cell, int side) {
    return static_cast<int>(int64_t{cell} * side / kCellsAcross);
  };
  for (int i = 0; i < kCellsAcross; ++i) {
    for (int j = 0; j < kCellsAcross; ++j) {
      double sum = 0, square_sum = 0, n = 0;
      for (int y = edge(i, image.height); y < edge(i + 1, image.height); ++y) {
        for (int x = edge(j, image.width); x < edge(j + 1, image.width); ++x) {
          const double value = image.at(y, x);
          sum += value;
          square_sum += value * value;
          n += 1;
        }
      }
      const double mean = sum / n;
      cells.means[static_cast<size_t>(i)][static_cast<size_t>(j)] = mean;
      squares += square_sum - n * mean * mean;
      pixels += n;
    }
  }
  cells.within = squares / (pixels - kCellsAcross * kCellsAcross);
  return cells;
}

bool is_small(const Image& image) {
  return image.width < 2 * kCellsAcross || image.height < 2 * kCellsAcross;
}

}  // namespace

PictureContent picture_content(const Image& image) {
  if (is_small(image)) return {};
  static const std::array<CellLine, kDegree + 1> lines = polynomials();
  const CellMeans cells = cell_means(image);
  // Of an orthonormal basis each term's square is what it explains.
  double all = 0, explained = 0, level = 0;
  for (const CellLine& row : cells.means) {
    for (const double mean : row) all += mean * mean;
  }
  for (size_t i = 0; i <= kDegree; ++i) {
    for (size_t j = 0; i + j <= kDegree; ++j) {
      double term = 0;
      for (size_t y = 0; y < kCellsAcross; ++y) {
        for (size_t x = 0; x < kCellsAcross; ++x)
          term += cells.means[y][x] * lines[i][y] * lines[j][x];
      }
      explained += term * term;
      if (i + j == 0) level = term * term;
    }
  }
  constexpr double kCellCount = kCellsAcross * kCellsAcross;
  // Rounding leaves something of nothing.
  constexpr double kRounding = 1e-12;
  const double left = (all - explained) / (kCellCount - kTerms),
               spread = (all - level) / kCellCount;
  if (left < kRounding) return {};
  const double pixels_of_cell = double{1} * image.width * image.height / kCellCount;
  PictureContent content;
  content.structure = std::sqrt(left);
  content.of_contrast = std::sqrt(left / spread);
  content.of_noise = std::sqrt(left * pixels_of_cell / std::max(cells.within, kRounding));
  return content;
}

bool shows_something(const Image& image) {
  const PictureContent content = picture_content(image);
  return content.structure >= kStructure && content.of_contrast >= kOfContrast &&
         content.of_noise >= kOfNoise;
}

bool is_blank(const Image& image) { return !is_small(image) && !shows_something(image); }

}  // namespace doppel::internal
