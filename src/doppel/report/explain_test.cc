#include "doppel/report/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "doppel/error.h"
#include "doppel/image/encode.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

// A network that only flattens: the embedding is the picture, the distance that of the pixels.
Model pixels_model(int width, int height) {
  Model model;
  twins(model).network = {{1, static_cast<size_t>(height), static_cast<size_t>(width)},
                          {Flatten{}}};
  twins(model).members = {{}};
  model.preprocessing = {width, height, 1, false};
  model.energy.kind = EnergyKind::squared_euclidean;
  return model;
}

Image grey(int width, int height, float value) {
  return {width, height,
          std::vector<float>(static_cast<size_t>(width) * static_cast<size_t>(height), value)};
}

float heat_at(const ExplainedImage& side, int row, int column) {
  return side.heat.row(static_cast<size_t>(row))[static_cast<size_t>(column)];
}

TEST(Explain, HeatIsTheChangeOfDistanceWhereAPatchHides) {
  // b is grey; a has one white and one black square, whose mean is that grey. Hiding the white one
  // takes its part off the distance: 4 pixels * 0.25.
  const Image b = grey(12, 10, 0.5f);
  Image a = b;
  for (int row = 2; row < 4; ++row) {
    for (int column = 2; column < 4; ++column) {
      a.at(row, column) = 1;
      a.at(row + 4, column + 6) = 0;
    }
  }
  ThreadPool pool(2);
  const Explanation e = explain(pixels_model(12, 10), a, b, {2, 2}, pool);
  EXPECT_DOUBLE_EQ(e.distance, 2);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 2, 2), -1);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 7, 9), -1);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 0, 0), 0);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 9, 11), 0);
  EXPECT_EQ(std::ranges::count_if(e.sides[0].heat.values, [](float h) { return h < -0.5f; }), 8);
  // b is its own mean everywhere: hiding changes nothing.
  EXPECT_THAT(e.sides[1].heat.values, testing::Each(0.0f));
}

// Gives back what it takes.
class PixelsNetwork final : public OnnxNetwork {
 public:
  explicit PixelsNetwork(size_t size) : size_(size) {}
  size_t embedding_size() const override { return size_; }
  Matrix embed(const Matrix& inputs) const override { return inputs; }

 private:
  size_t size_;
};

TEST(Explain, APatchHidesColoursToo) {
  Model model = pixels_model(4, 4);
  OnnxEmbedder embedder;
  embedder.channels = Channels::rgb;
  embedder.mean = {0, 0, 0};
  embedder.scale = 1.0 / 255;
  embedder.network = std::make_shared<PixelsNetwork>(48);
  model.embedder = std::move(embedder);
  Image b = grey(4, 4, 0.5f);
  b.colors.assign(48, 0.5f);
  Image a = b;
  a.colors[3 * 5] = 1;  // red at row 1, column 1, of the same grey
  ThreadPool pool(1);
  const Explanation e = explain(model, a, b, {1, 1}, pool);
  EXPECT_FLOAT_EQ(static_cast<float>(e.distance), 0.25f);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 1, 1), -0.25f);
  EXPECT_FLOAT_EQ(heat_at(e.sides[0], 1, 2), 0);
}

TEST(Explain, WhatBothHaveMakesThemAlike) {
  Image a = grey(9, 9, 0);
  for (int row = 3; row < 6; ++row) {
    for (int column = 3; column < 6; ++column) a.at(row, column) = 1;
  }
  ThreadPool pool(1);
  const Explanation e = explain(pixels_model(9, 9), a, a, {3, 3}, pool);
  EXPECT_EQ(e.distance, 0);
  // The mean is 1/9: hiding the square costs 9 * (8/9)^2, hiding as much of the ground 9 * (1/9)^2.
  EXPECT_NEAR(heat_at(e.sides[0], 4, 4), 64.0 / 9, 1e-5);
  EXPECT_NEAR(heat_at(e.sides[0], 1, 1), 1.0 / 9, 1e-5);
  EXPECT_EQ(e.sides[0].heat.values, e.sides[1].heat.values);
}

TEST(Explain, EveryPixelIsCoveredWhateverThePatchAndTheStride) {
  // With b far away from the mean of a, hiding a pixel of a always brings it nearer.
  Image a = grey(13, 11, 0);
  a.at(0, 0) = 1;
  const Image b = grey(13, 11, 1);
  for (const Occlusion& occlusion :
       {Occlusion{}, Occlusion{5, 3}, Occlusion{11, 7}, Occlusion{1, 1}, Occlusion{4, 4}}) {
    ThreadPool pool(1);
    const Explanation e = explain(pixels_model(13, 11), a, b, occlusion, pool);
    EXPECT_THAT(std::vector(e.sides[0].heat.values.begin() + 1, e.sides[0].heat.values.end()),
                testing::Each(testing::Ne(0.0f)))
        << occlusion.side;
  }
}

TEST(Explain, ImagesOfOtherSizesAreBroughtToTheModels) {
  ThreadPool pool(1);
  const Explanation e =
      explain(pixels_model(12, 10), grey(40, 30, 0.25f), grey(5, 6, 0.75f), {}, pool);
  EXPECT_NEAR(e.distance, 120 * 0.25, 1e-4);
  EXPECT_EQ(e.sides[1].image.width, 5);  // what is drawn is the photo
  EXPECT_EQ(e.sides[1].heat.rows, 10u);
  EXPECT_EQ(e.sides[1].heat.columns, 12u);
}

TEST(Explain, WrongPatchesAreNamed) {
  ThreadPool pool(1);
  const Image image = grey(12, 10, 0.5f);
  for (const auto& [occlusion, named] : std::vector<std::pair<Occlusion, std::string>>{
           {{11, 1}, "1 to 10"}, {{-1, 1}, "1 to 10"}, {{4, 5}, "1 to 4"}, {{4, -2}, "1 to 4"}}) {
    try {
      explain(pixels_model(12, 10), image, image, occlusion, pool);
      ADD_FAILURE() << named;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(named));
    }
  }
}

TEST(Explain, DrawsBothPhotosWithOneScale) {
  Explanation e;
  e.sides[0] = {grey(20, 30, 0.5f), Matrix(30, 20)};
  e.sides[1] = e.sides[0];
  e.sides[0].heat.row(0)[0] = 2;     // upper left corner of the left photo: alike
  e.sides[1].heat.row(29)[19] = -2;  // lower right one of the right photo: different
  const RgbImage picture = draw_explanation(e, {"left", "right"}, "distance 0.1");
  const auto count = [&](auto&& colour) { return std::ranges::count_if(picture.pixels, colour); };
  // The photos are drawn 299 x 448, a heat value as 15 x 15, half of it running into the next ones.
  const auto blue = [](Rgb c) { return c.b > c.r + 100; };
  const auto orange = [](Rgb c) { return c.r > c.b + 100; };
  EXPECT_GE(count(blue), 7 * 7);
  EXPECT_GE(count(orange), 7 * 7);
  EXPECT_GE(count([](Rgb c) { return c == Rgb{128, 128, 128}; }), 2 * (299 * 448 - 23 * 23));
  EXPECT_EQ(picture.pixels.front(), (Rgb{255, 255, 255}));
  EXPECT_NO_THROW(encode_png(picture));

  e.sides[0].heat = e.sides[1].heat = Matrix(30, 20);  // nothing matters
  const RgbImage plain = draw_explanation(e, {"", ""}, "");
  EXPECT_GE(std::ranges::count(plain.pixels, Rgb{128, 128, 128}), 2 * 299 * 448);
}

}  // namespace
}  // namespace doppel::internal
