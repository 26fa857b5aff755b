#include "doppel/face/five_points.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <utility>

#include "doppel/base/dlib_reader.h"
#include "doppel/error.h"
#include "doppel/face/similarity.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostStages = 100, kMostTrees = 5000, kMostPixels = 10'000, kMostLeaves = 1024;
constexpr size_t kCoordinates = 2 * kFivePoints;

// All stages have the same numbers of trees, splits and pixels.
class TreesReading {
 public:
  TreesReading(std::string_view bytes, const std::string& name) : in_(bytes, name) {}

  FivePointTrees read() {
    in_.expect(1, "a shape predictor of dlib");
    trees_.start = in_.column(kMostPixels);
    if (trees_.start.size() != kCoordinates) {
      in_.fail("a shape predictor of 5 points was expected, not of " +
               std::to_string(trees_.start.size() / 2));
    }
    trees_.stages = in_.count(kMostStages);
    for (size_t stage = 0; stage < trees_.stages; ++stage) {
      same(trees_.trees, in_.count(kMostTrees), stage == 0);
      for (size_t tree = 0; tree < trees_.trees; ++tree) read_tree(stage == 0 && tree == 0);
    }
    in_.expect(static_cast<int64_t>(trees_.stages), "the stages' points");
    for (size_t stage = 0; stage < trees_.stages; ++stage) {
      same(trees_.pixels, in_.count(kMostPixels), stage == 0);
      for (size_t i = 0; i < trees_.pixels; ++i) trees_.anchors.push_back(index(kFivePoints));
    }
    in_.expect(static_cast<int64_t>(trees_.stages), "the stages' offsets");
    for (size_t stage = 0; stage < trees_.stages; ++stage) {
      in_.expect(static_cast<int64_t>(trees_.pixels), "an offset for each pixel");
      for (size_t i = 0; i < 2 * trees_.pixels; ++i) trees_.offsets.push_back(in_.number());
    }
    in_.expect_end();
    return std::move(trees_);
  }

 private:
  void same(size_t& known, size_t found, bool first) {
    if (first) known = found;
    if (known != found) in_.fail("stages and trees of one size were expected");
  }

  float index(size_t count) { return static_cast<float>(in_.count(count - 1)); }

  void read_tree(bool first) {
    same(trees_.splits, in_.count(kMostLeaves - 1), first);
    for (size_t i = 0; i < trees_.splits; ++i) {
      trees_.compared.push_back(index(kMostPixels));
      trees_.compared.push_back(index(kMostPixels));
      trees_.thresholds.push_back(in_.number());
    }
    in_.expect(static_cast<int64_t>(trees_.splits + 1), "a leaf for each way through a tree");
    for (size_t i = 0; i <= trees_.splits; ++i) {
      const std::vector<float> leaf = in_.column(kCoordinates);
      if (leaf.size() != kCoordinates) in_.fail("a leaf of 5 points was expected");
      trees_.leaves.insert(trees_.leaves.end(), leaf.begin(), leaf.end());
    }
  }

  DlibReader in_;
  FivePointTrees trees_;
};

bool are_indices(std::span<const float> values, size_t count) {
  return std::ranges::all_of(values, [&](float v) {
    return v >= 0 && v < static_cast<float>(count) && v == std::floor(v);
  });
}

void check(const FivePointTrees& t) {
  const auto need = [](bool fits, const char* what) {
    if (!fits) throw Error(ErrorKind::bad_data, std::string("five points: ").append(what));
  };
  need(t.stages <= kMostStages && t.trees <= kMostTrees && t.pixels <= kMostPixels &&
           t.splits < kMostLeaves,
       "more stages, trees or pixels than can be meant");
  need(std::has_single_bit(t.splits + 1), "trees are not full");
  const size_t trees = t.stages * t.trees, pixels = t.stages * t.pixels;
  need(t.start.size() == kCoordinates && t.anchors.size() == pixels &&
           t.offsets.size() == 2 * pixels && t.thresholds.size() == trees * t.splits &&
           t.compared.size() == 2 * trees * t.splits &&
           t.leaves.size() == trees * (t.splits + 1) * kCoordinates,
       "its parts do not fit each other");
  need(are_indices(t.anchors, kFivePoints) && are_indices(t.compared, t.pixels),
       "points or pixels that there are not");
}

FivePoints points_of(std::span<const float> shape) {
  FivePoints points;
  for (size_t i = 0; i < kFivePoints; ++i) {
    points[i] = {double{shape[2 * i]}, double{shape[2 * i + 1]}};
  }
  return points;
}

}  // namespace

FivePointTrees read_dlib_five_points(std::string_view bytes, const std::string& name) {
  FivePointTrees trees = TreesReading(bytes, name).read();
  try {
    check(trees);
  } catch (const Error& error) {
    throw Error(ErrorKind::bad_data, name + ": " + error.what());
  }
  return trees;
}

FivePointFinder::FivePointFinder(FivePointTrees trees) : trees_(std::move(trees)) { check(trees_); }

FivePoints FivePointFinder::find(const GreyPixels& pixels, const DetectedFace& box) const {
  // A box reaches from the middle of its first pixel to that of its last one.
  const double wide = static_cast<double>(box.width - 1),
               high = static_cast<double>(box.height - 1);
  const auto left = static_cast<double>(box.left), top = static_cast<double>(box.top);
  std::vector<float> shape = trees_.start, values(trees_.pixels);
  const FivePointTrees& t = trees_;
  const FivePoints start = points_of(t.start);
  for (size_t stage = 0; stage < t.stages; ++stage) {
    const FivePoints now = points_of(shape);
    const std::complex<double> turn = nearest_similarity(start, now).turn;
    for (size_t i = 0; i < t.pixels; ++i) {
      const size_t at = stage * t.pixels + i;
      const auto anchor = static_cast<size_t>(t.anchors[at]);
      const std::complex<double> offset(double{t.offsets[2 * at]}, double{t.offsets[2 * at + 1]});
      const std::complex<double> place =
          turn * offset + std::complex<double>(now[anchor].x, now[anchor].y);
      const double x = std::floor(left + wide * place.real() + 0.5);
      const double y = std::floor(top + high * place.imag() + 0.5);
      const bool inside = x >= 0 && y >= 0 && x < static_cast<double>(pixels.width) &&
                          y < static_cast<double>(pixels.height);
      values[i] =
          inside ? static_cast<float>(
                       pixels.values[static_cast<size_t>(y) * static_cast<size_t>(pixels.width) +
                                     static_cast<size_t>(x)])
                 : 0;
    }
    for (size_t tree = 0; tree < t.trees; ++tree) {
      const size_t first = (stage * t.trees + tree) * t.splits;
      size_t node = 0;
      while (node < t.splits) {
        const float difference = values[static_cast<size_t>(t.compared[2 * (first + node)])] -
                                 values[static_cast<size_t>(t.compared[2 * (first + node) + 1])];
        node = 2 * node + (difference > t.thresholds[first + node] ? 1 : 2);
      }
      const size_t leaf = (stage * t.trees + tree) * (t.splits + 1) + node - t.splits;
      for (size_t i = 0; i < kCoordinates; ++i) shape[i] += t.leaves[leaf * kCoordinates + i];
    }
  }
  FivePoints points = points_of(shape);
  for (Point& point : points) point = {left + wide * point.x, top + high * point.y};
  return points;
}

}  // namespace doppel::internal
