// Histograms of oriented gradients (Dalal and Triggs, "Histograms of Oriented Gradients for Human
// Detection", 2005): what a picture looks like by rule, with nothing learned.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "doppel/image/warp.h"

namespace doppel::internal {

// Cells of `cell` x `cell` pixels, each a histogram of `bins` directions over the full circle: a
// bright-to-dark edge is another one than dark-to-bright. Cells have no edges: a pixel counts in
// all near ones, by a Gaussian of their centre with a deviation of half a cell.
struct HogSettings {
  size_t cell = 10;
  size_t bins = 12;

  // Throws Error(bad_argument) where cell is not 2 .. 64 or bins not 2 .. 36.
  void check() const;

  friend bool operator==(const HogSettings&, const HogSettings&) = default;
};

// Makes the histograms of inputs of one shape: cells row by row, of each its bins.
class Hog {
 public:
  // Throws as check() does, and Error(bad_argument) where not even one cell's centre lies inside.
  Hog(const HogSettings& settings, ImageShape shape);

  size_t size() const { return down_ * across_ * settings_.bins; }
  size_t down() const { return down_; }  // cells in a column of them
  size_t across() const { return across_; }
  // How much a pixel counts in a cell along one axis; both counted along it from 0.
  float weight(size_t pixel, size_t cell) const;

  // A pixel's gradient is the central difference (one-sided at the border); it counts by its
  // magnitude, shared between the two nearest directions. Each cell is divided by its length
  // plus half the cells' mean length, then all of it has length 1; zeros where the input is of one
  // grey. in has the shape's values, out size(); throws Error(mismatch) where they have not.
  void make(std::span<const float> in, std::span<float> out) const;

 private:
  HogSettings settings_;
  ImageShape shape_;
  size_t down_, across_;       // cells
  std::vector<float> weight_;  // of a pixel that lies so far from a cell's centre, along one axis
};

}  // namespace doppel::internal
