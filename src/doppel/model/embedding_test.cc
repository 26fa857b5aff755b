#include "doppel/model/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "doppel/base/random.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

Model untrained() {
  Model model;
  twins(model).network = {{1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2}}};
  twins(model).members = {
      initial_parameters(twins(model).network, Initialisation::glorot_uniform, 9)};
  model.preprocessing = {6, 8, 2, true};
  twins(model).views = {true, {0.9, 1.0}};
  return model;
}

std::vector<Image> noise_images(size_t count) {
  Random random(1, Purpose::sample);
  std::vector<Image> images(count, Image{6, 8, std::vector<float>(48)});
  for (Image& image : images) {
    for (float& pixel : image.pixels) pixel = static_cast<float>(random.uniform(0, 1));
  }
  return images;
}

double squared_length(std::span<const float> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

TEST(Embedding, EmbedsPreprocessedImages) {
  ThreadPool pool(1);
  Model model = untrained();
  twins(model).network = {{1, 4, 3}, {Flatten{}}};  // the embedding is the input
  twins(model).members = {{}};
  model.preprocessing.standardize = false;
  twins(model).views = {};
  Image image{6, 8, std::vector<float>(48)};
  for (size_t i = 0; i < 48; ++i) image.pixels[i] = static_cast<float>(i) / 64;
  const Matrix embedding = embed_images(model, std::vector<Image>{image}, pool);
  ASSERT_EQ(embedding.columns, 12u);
  EXPECT_EQ(embedding.row(0)[11], image.at(6, 4));

  twins(model).views.mirror = true;  // the mean of both
  const Matrix both = embed_images(model, std::vector<Image>{image}, pool);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(both.row(0)[3 * row + k],
                  (embedding.row(0)[3 * row + k] + embedding.row(0)[3 * row + 2 - k]) / 2, 1e-6);
    }
  }
}

TEST(Embedding, MembersAndViewsKeepUnitLength) {
  ThreadPool pool(2);
  Model model = untrained();
  twins(model).network.layers.emplace_back(L2Normalize{});
  twins(model).members.clear();
  for (uint64_t seed : {1u, 2u, 3u}) {
    twins(model).members.push_back(
        initial_parameters(twins(model).network, Initialisation::he_normal, seed));
  }
  const std::vector<Image> images = noise_images(1030);  // more than at once
  const Matrix embeddings = embed_images(model, images, pool);
  EXPECT_EQ(embeddings.columns, 6u);
  Model second = model;
  twins(second).members = {twins(model).members[1]};
  const Matrix part = embed_images(second, std::span(images).subspan(1020), pool);
  for (size_t i = 0; i < images.size(); ++i) {
    // Two values after two ReLUs may both be 0: then a member says nothing.
    EXPECT_LE(squared_length(embeddings.row(i)), 1 + 1e-5);
    if (i < 1020) continue;
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(embeddings.row(i)[2 + k] * std::sqrt(3.0), part.row(i - 1020)[k], 1e-6);
    }
  }
}

// The term's part, made from the documented pieces one after the other.
TEST(Embedding, GradientsStandBehindTheNetworks) {
  ThreadPool pool(2);
  Model model = untrained();
  twins(model).network.layers = {Flatten{}, Dense{2}, L2Normalize{}};
  twins(model).members = {initial_parameters(twins(model).network, Initialisation::he_normal, 1)};
  const std::vector<Image> images = noise_images(30);
  const Matrix inputs = preprocess(images, model.preprocessing, pool);
  const Matrix alone = embed_images(model, images, pool);
  twins(model).hog.histograms = {2, 3};
  twins(model).hog.weight = 0.25;
  const Matrix histograms = hog_rows(twins(model), inputs, pool);
  std::vector<uint32_t> identity_of;
  for (uint32_t i = 0; i < images.size(); ++i) identity_of.push_back(i / 3);
  twins(model).hog.whitening = fit_whitening(histograms, identity_of);

  const Hog make({2, 3}, {4, 3});
  const Matrix whole = embed_images(model, images, pool);
  ASSERT_EQ(whole.columns, 2 + make.size());
  for (size_t i = 0; i < images.size(); ++i) {
    std::vector<float> looks(4 * 12), one(make.size()), sum(make.size());
    make_views(twins(model).views, {4, 3}, inputs.row(i), looks);
    for (size_t v = 0; v < 4; ++v) {
      make.make(std::span(looks).subspan(v * 12, 12), one);
      for (size_t k = 0; k < sum.size(); ++k) sum[k] += one[k];
    }
    const double length = std::sqrt(squared_length(sum));
    for (float& v : sum) v = static_cast<float>(v / length);
    for (size_t k = 0; k < sum.size(); ++k) EXPECT_NEAR(histograms.row(i)[k], sum[k], 1e-6);
    whiten(twins(model).hog.whitening, sum);
    const double whitened = std::sqrt(squared_length(sum));
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(whole.row(i)[k], alone.row(i)[k] / std::sqrt(1.25), 1e-6);
    }
    for (size_t k = 0; k < sum.size(); ++k) {
      EXPECT_NEAR(whole.row(i)[2 + k], sum[k] / whitened * std::sqrt(0.25 / 1.25), 1e-5);
    }
    EXPECT_NEAR(squared_length(whole.row(i)), 1, 1e-5);
  }
}

}  // namespace
}  // namespace doppel::internal
