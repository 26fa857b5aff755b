#include "doppel/face/five_points.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "doppel/base/dlib_writer.h"
#include "doppel/error.h"
#include "doppel/face/align.h"

namespace doppel::internal {
namespace {

// One stage of one tree: where the pixel at the nose is brighter than the one at the first point by
// more than 50, all points move by 0.1 to the right, else by 0.1 down.
FivePointTrees one_tree() {
  FivePointTrees trees;
  trees.stages = trees.trees = trees.splits = 1;
  trees.pixels = 2;
  trees.start = {0.8f, 0.2f, 0.6f, 0.2f, 0.2f, 0.2f, 0.4f, 0.2f, 0.5f, 0.6f};
  trees.anchors = {4, 0};
  trees.offsets = {0, 0, 0, 0};
  trees.compared = {0, 1};
  trees.thresholds = {50};
  for (const bool right : {true, false}) {
    for (size_t i = 0; i < kFivePoints; ++i) {
      trees.leaves.push_back(right ? 0.1f : 0);
      trees.leaves.push_back(right ? 0 : 0.1f);
    }
  }
  return trees;
}

std::string dlib_bytes(const FivePointTrees& t) {
  DlibWriter out;
  out.integer(1);
  out.column(t.start);
  out.integer(static_cast<int64_t>(t.stages));
  for (size_t stage = 0; stage < t.stages; ++stage) {
    out.integer(static_cast<int64_t>(t.trees));
    for (size_t tree = stage * t.trees; tree < (stage + 1) * t.trees; ++tree) {
      out.integer(static_cast<int64_t>(t.splits));
      for (size_t split = tree * t.splits; split < (tree + 1) * t.splits; ++split) {
        out.integer(static_cast<int64_t>(t.compared[2 * split]));
        out.integer(static_cast<int64_t>(t.compared[2 * split + 1]));
        out.number(t.thresholds[split]);
      }
      out.integer(static_cast<int64_t>(t.splits + 1));
      for (size_t leaf = tree * (t.splits + 1); leaf < (tree + 1) * (t.splits + 1); ++leaf) {
        out.column(std::span(t.leaves).subspan(leaf * 10, 10));
      }
    }
  }
  for (const bool anchors : {true, false}) {
    out.integer(static_cast<int64_t>(t.stages));
    for (size_t stage = 0; stage < t.stages; ++stage) {
      out.integer(static_cast<int64_t>(t.pixels));
      for (size_t i = stage * t.pixels; i < (stage + 1) * t.pixels; ++i) {
        if (anchors) {
          out.integer(static_cast<int64_t>(t.anchors[i]));
        } else {
          out.number(t.offsets[2 * i]);
          out.number(t.offsets[2 * i + 1]);
        }
      }
    }
  }
  return out.bytes();
}

TEST(FivePoints, GoTheWayThroughTheTreesThatThePixelsSay) {
  const FivePointFinder finder(one_tree());
  GreyPixels pixels{200, 200, std::vector<uint8_t>(200 * 200, 10)};
  // A box of 101 pixels: its sides are 100 from middle to middle.
  const DetectedFace box{50, 60, 101, 101, 1, {}};
  FivePoints points = finder.find(pixels, box);
  EXPECT_NEAR(points[4].x, 100, 1e-4);
  EXPECT_NEAR(points[4].y, 130, 1e-4);
  pixels.values[120 * 200 + 100] = 61;
  points = finder.find(pixels, box);
  EXPECT_NEAR(points[4].x, 110, 1e-4);
  EXPECT_NEAR(points[4].y, 120, 1e-4);
  EXPECT_NEAR(points[0].x, 140, 1e-4);
  EXPECT_NEAR(points[0].y, 80, 1e-4);
}

TEST(FivePoints, OfABoxThatReachesOutOfThePictureCountWhatIsOutsideAsBlack) {
  const FivePointFinder finder(one_tree());
  const GreyPixels pixels{10, 10, std::vector<uint8_t>(100, 200)};
  const FivePoints points = finder.find(pixels, {-1000, -1000, 101, 101, 1, {}});
  EXPECT_NEAR(points[4].y, -1000 + 70, 1e-4);
}

TEST(FivePoints, AreReadFromAFileOfDlib) {
  const FivePointTrees read = read_dlib_five_points(dlib_bytes(one_tree()), "x.dat");
  const FivePointTrees expected = one_tree();
  EXPECT_EQ(read.start, expected.start);
  EXPECT_EQ(read.anchors, expected.anchors);
  EXPECT_EQ(read.offsets, expected.offsets);
  EXPECT_EQ(read.compared, expected.compared);
  EXPECT_EQ(read.thresholds, expected.thresholds);
  EXPECT_EQ(read.leaves, expected.leaves);
}

TEST(FivePoints, AreRefusedWhereTheirPartsDoNotFit) {
  const std::string whole = dlib_bytes(one_tree());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(read_dlib_five_points(whole.substr(0, length), "x.dat"), Error) << length;
  }
  EXPECT_THROW(read_dlib_five_points(whole + "1", "x.dat"), Error);
  const auto refused = [](auto change) {
    FivePointTrees trees = one_tree();
    change(trees);
    try {
      const FivePointFinder finder(std::move(trees));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::bad_data;
    }
    return false;
  };
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.anchors[0] = 5; }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.anchors[0] = -1; }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.compared[1] = 2; }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.compared[1] = 0.5f; }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.leaves.pop_back(); }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.splits = 2; }));
  EXPECT_TRUE(refused([](FivePointTrees& t) { t.start.clear(); }));
  EXPECT_FALSE(refused([](FivePointTrees&) {}));
}

// A face whose points lie where they shall be stays as it is.
TEST(FivePoints, PlaceAFaceOnItsChip) {
  Image picture{150, 150, {}};
  for (int i = 0; i < 150 * 150; ++i) {
    picture.pixels.push_back(static_cast<float>((i * 37) % 101) / 101);
  }
  FoundFace face;
  face.five_points = aligned_five_points({150, 150});
  const Image chip = align_face(picture, face, {150, 150});
  ASSERT_EQ(chip.pixels.size(), picture.pixels.size());
  for (size_t i = 0; i < chip.pixels.size(); ++i) {
    ASSERT_NEAR(chip.pixels[i], picture.pixels[i], 1e-5) << i;
  }
}

}  // namespace
}  // namespace doppel::internal
