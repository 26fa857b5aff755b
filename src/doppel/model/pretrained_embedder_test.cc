#include "doppel/model/pretrained_embedder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "doppel/error.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"

namespace doppel::internal {
namespace {

// One that embeds pictures of 8 x 6 pixels by a single convolution, placed by eyes and mouth, or by
// five points that do not move.
Model small_model(bool with_points = false) {
  Graph graph{{3, 6, 8},
              {{Convolution{4, 3, 1, 1}, {0}}, {GlobalAverage{}, {1}}, {Projection{5}, {2}}}};
  for (const GraphTensor& tensor : graph_tensors(graph)) {
    std::vector<float>& values =
        tensor.bias ? graph.nodes[tensor.node].bias : graph.nodes[tensor.node].weight;
    for (size_t i = 0; i < tensor.size(); ++i) {
      values.push_back(static_cast<float>(static_cast<int>(i * 29 % 17) - 8) / 8);
    }
  }
  PretrainedEmbedder embedder;
  embedder.graph = std::make_shared<const Graph>(std::move(graph));
  embedder.mean = {120, 110, 100};
  embedder.scale = 1.0 / 256;
  embedder.mirror = embedder.unit = true;
  embedder.provenance = {"a small network", "CC0", {{"x.dat", "abc"}}};
  if (with_points) {
    FivePointTrees trees;
    trees.start = {0.8f, 0.2f, 0.6f, 0.2f, 0.2f, 0.2f, 0.4f, 0.2f, 0.5f, 0.6f};
    embedder.points = std::make_shared<FivePointFinder>(std::move(trees));
  }
  Model model;
  model.preprocessing = {
      .width = 8, .height = 6, .subsampling = 1, .standardize = false, .align = true};
  model.energy.kind = EnergyKind::cosine;
  model.embedder = std::move(embedder);
  return model;
}

std::vector<Image> drawn_pictures(size_t count) {
  std::vector<Image> pictures;
  for (size_t k = 0; k < count; ++k) {
    Image picture{8, 6, std::vector<float>(48, 0.5f)};
    for (size_t i = 0; i < 3 * 48; ++i) {
      picture.colors.push_back(static_cast<float>((i * 31 + k * 7) % 53) / 53);
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

Image mirrored(Image picture) {
  for (size_t row = 0; row < 6; ++row) {
    for (size_t column = 0; column < 4; ++column) {
      for (size_t c = 0; c < 3; ++c) {
        std::swap(picture.colors[3 * (row * 8 + column) + c],
                  picture.colors[3 * (row * 8 + 7 - column) + c]);
      }
    }
  }
  return picture;
}

TEST(PretrainedEmbedder, ComesBackFromItsFileWithEqualEmbeddings) {
  const std::vector<Image> pictures = drawn_pictures(3);
  ThreadPool pool(2);
  for (const bool with_points : {false, true}) {
    const Model model = small_model(with_points);
    const std::string bytes = encode_model(model);
    const Model read = decode_model(bytes, "x");
    EXPECT_EQ(encode_model(read), bytes);
    EXPECT_EQ(embed_images(read, pictures, pool).values,
              embed_images(model, pictures, pool).values);
    EXPECT_EQ(embedding_digest(read), embedding_digest(model));
    EXPECT_EQ(read.embedder->five_points() != nullptr, with_points);
  }
  EXPECT_NE(embedding_digest(small_model(true)), embedding_digest(small_model(false)));
}

TEST(PretrainedEmbedder, IsTheSumOfThePictureAndItsMirrorImageAtLengthOne) {
  const std::vector<Image> pictures = drawn_pictures(2);
  const std::vector<Image> turned = {mirrored(pictures[0]), mirrored(pictures[1])};
  ThreadPool pool(1);
  Model model = small_model();
  const Matrix both = embed_images(model, pictures, pool);
  auto* embedder = model.embedder.as<PretrainedEmbedder>();
  embedder->mirror = embedder->unit = false;
  const Matrix one = embed_images(model, pictures, pool);
  const Matrix other = embed_images(model, turned, pool);
  for (size_t i = 0; i < 2; ++i) {
    std::vector<double> sum;
    double squares = 0;
    for (size_t k = 0; k < one.columns; ++k) {
      sum.push_back(static_cast<double>(one.row(i)[k]) + static_cast<double>(other.row(i)[k]));
      squares += sum[k] * sum[k];
    }
    for (size_t k = 0; k < sum.size(); ++k) {
      EXPECT_NEAR(static_cast<double>(both.row(i)[k]), sum[k] / std::sqrt(squares), 1e-6);
    }
  }
}

TEST(PretrainedEmbedder, DoesNotDependOnWhatElseIsEmbeddedOrWhereItsFilesCameFrom) {
  const std::vector<Image> pictures = drawn_pictures(130);
  ThreadPool pool(2);
  Model model = small_model();
  const Matrix all = embed_images(model, pictures, pool);
  const Matrix alone = embed_images(model, std::span(&pictures[129], 1), pool);
  EXPECT_TRUE(std::ranges::equal(all.row(129), alone.row(0)));
  const std::string digest = embedding_digest(model);
  model.embedder.as<PretrainedEmbedder>()->provenance.files = {{"another.dat", "abc"}};
  EXPECT_EQ(embedding_digest(model), digest);
}

TEST(PretrainedEmbedder, TakesColoursAlone) {
  std::vector<Image> pictures = drawn_pictures(1);
  pictures[0].colors.clear();
  ThreadPool pool(1);
  try {
    embed_images(small_model(), pictures, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
  }
}

TEST(PretrainedEmbedder, IsRefusedWhereItsFileIsWrong) {
  const TensorFile file = decode_safetensors(encode_model(small_model(true)), "x");
  const auto refused = [&](auto change) {
    TensorFile changed = file;
    change(changed);
    try {
      decode_model(encode_safetensors(changed), "x");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused([](TensorFile&) {}), "");
  const auto with = [&](const char* key, const char* text) {
    return refused([&](TensorFile& changed) { changed.metadata[key] = text; });
  };
  EXPECT_NE(with("mirror", "1").find("\"mirror\" must be true or false"), std::string::npos);
  EXPECT_NE(with("samples", R"({"mean": [1e9, 0, 0], "scale": 1})").find("\"mean\""),
            std::string::npos);
  EXPECT_NE(with("graph", "{}").find("graph"), std::string::npos);
  EXPECT_NE(with("provenance", "[]").find("provenance"), std::string::npos);
  EXPECT_NE(with("points", R"({"stages": 1, "trees": 0, "splits": 0, "pixels": 0})"), "");
  EXPECT_NE(with("preprocessing", R"({"width": 9, "height": 6, "step": 1, "standardize": false,
                                      "align": true})")
                .find("its preprocessing gives another input than 3x6x8"),
            std::string::npos);
  EXPECT_NE(refused([](TensorFile& changed) { changed.tensors.pop_back(); }).find("missing"),
            std::string::npos);
  EXPECT_NE(refused([](TensorFile& changed) {
              changed.tensors.push_back({"more", {1}, {0.0f}});
            }).find("tensors"),
            std::string::npos);
}

}  // namespace
}  // namespace doppel::internal
