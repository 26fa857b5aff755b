#include "doppel/model/onnx_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/onnx_export.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json some_description() {
  return json::parse(R"({"format": "doppel embedder 1", "width": 6, "height": 4, "channels": "bgr",
      "mean": [10, 20, 30], "scale": 0.5, "energy": "cosine", "align": true})");
}

std::string refusal_of_description(const json& description) {
  try {
    embedder_from_json(description, "d.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("d.json: "));
    return error.what();
  }
  return "accepted";
}

TEST(OnnxEmbedder, ADescriptionSaysAll) {
  json description = some_description();
  const Model plain = embedder_from_json(description, "d");
  EXPECT_EQ(plain.preprocessing.width, 6);
  EXPECT_EQ(plain.preprocessing.subsampling, 1);
  EXPECT_FALSE(plain.preprocessing.standardize);
  EXPECT_EQ(plain.embedder.as<OnnxEmbedder>()->channels, Channels::bgr);
  EXPECT_EQ(plain.embedder.as<OnnxEmbedder>()->mean, (std::vector<double>{10, 20, 30}));
  EXPECT_TRUE(plain.preprocessing.align);
  EXPECT_EQ(plain.energy.kind, EnergyKind::cosine);
  EXPECT_EQ(plain.threshold, std::nullopt);
  EXPECT_EQ(describe_embedder(plain), description);

  description["step"] = 2u;
  description["standardize"] = true;
  description["output"] = "features";
  description["energy"] = {{"kind", "weighted_l1"}, {"weights", {-1.0, 0.5}}, {"bias", 2.0}};
  description["threshold"] = to_json(
      Threshold{0.01, 0.7, 0.004, 0.021, 450, 4500, 0.89, 30, {{{0.01, 0.7, 0.004, 0.021}}, 2e-4}});
  description["seen"] = {{"identities", {std::string(64, 'a')}}, {"images", json::array()}};
  description["synthetic"] = true;
  const Model whole = embedder_from_json(description, "d");
  EXPECT_EQ(whole.preprocessing.input_width(), 3u);
  EXPECT_EQ(whole.embedder.as<OnnxEmbedder>()->output, "features");
  EXPECT_EQ(whole.threshold->value, 0.7);
  EXPECT_EQ(whole.training.seen.identities.size(), 1u);
  EXPECT_TRUE(whole.training.synthetic);
  EXPECT_EQ(describe_embedder(whole), description);
}

TEST(OnnxEmbedder, WhatIsMissingWrongOrUnknownIsNamed) {
  EXPECT_EQ(refusal_of_description(some_description()), "accepted");
  const json good = some_description();
  for (const auto& [key, value] : good.items()) {
    json description = good;
    description.erase(key);
    EXPECT_THAT(refusal_of_description(description), HasSubstr(key));
    for (const char* other :
         {"-1", "1e99", "[]", "[1,2]", R"(["x",1,2])", "{}", "null", R"("x")"}) {
      description[key] = json::parse(other);
      EXPECT_THAT(refusal_of_description(description), HasSubstr(key)) << other;
    }
  }
  for (const char* key :
       {"step", "standardize", "output", "seen", "synthetic", "threshold", "colour"}) {
    json description = good;
    description[key] = json::array({-1});
    EXPECT_NE(refusal_of_description(description), "accepted") << key;
  }
  EXPECT_THAT(refusal_of_description(json::array()), HasSubstr("a JSON object"));
  EXPECT_THAT(refusal_of_description(7), HasSubstr("a JSON object"));
}

TEST(OnnxEmbedder, InputsAreTheChannelsOneAfterTheOther) {
  ThreadPool pool(1);
  OnnxEmbedder network;
  network.channels = Channels::bgr;
  network.mean = {10, 20, 30};
  network.scale = 0.5;
  const Preprocessing preprocessing{2, 1, 1, false, false};
  Image image{2, 1, {0.5f, 0.25f}};
  const std::vector<Image> grey_only = {image};
  EXPECT_THROW(onnx_inputs(network, preprocessing, grey_only, pool), Error);
  image.colors = {1, 0, 0.2f, 0.6f, 1, 0};
  const std::vector<Image> images = {image};
  const auto near = [](const Matrix& given, const std::vector<float>& expected) {
    ASSERT_EQ(given.values.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(given.values[i], expected[i], 1e-4);
  };
  near(onnx_inputs(network, preprocessing, images, pool), {20.5f, -5, -10, 117.5f, 112.5f, 61.5f});
  network.channels = Channels::rgb;
  near(onnx_inputs(network, preprocessing, images, pool), {122.5f, 71.5f, -10, 117.5f, 10.5f, -15});
  network = {};
  network.mean = {0};
  network.scale = 1.0 / 255;
  EXPECT_EQ(onnx_inputs(network, preprocessing, images, pool).values, image.pixels);
  near(onnx_inputs(network, {2, 1, 1, true, false}, images, pool), {1, -1});
}

TEST(OnnxEmbedder, ItsFileStaysWhatItIs) {
  EXPECT_THROW(encode_model(embedder_from_json(some_description(), "d")), Error);
}

#ifdef DOPPEL_WITH_OPENCV

TEST(OnnxEmbedder, AnExportedModelIsLoadedAsAModel) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const std::filesystem::path onnx = folder / "doppel_embedder.onnx";
  ThreadPool pool(2);
  Model model;
  twins(model).network = {{1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2}}};
  twins(model).members = {
      initial_parameters(twins(model).network, Initialisation::glorot_uniform, 9)};
  model.preprocessing = {6, 8, 2, true};
  model.energy = {EnergyKind::weighted_l1, {-1, 0.5f}, 2};
  model.threshold = Threshold{
      0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, {{{0.01, 0.7311, 0.004, 0.021}}, 2e-4}};
  write_file_atomically(onnx, onnx_backend().encode(onnx_graph(model)));
  EXPECT_THROW(load_model(onnx), Error);  // without a description
  write_file_atomically(description_of(onnx), describe_embedder(model).dump());
  const Model loaded = load_model(onnx);
  EXPECT_EQ(embedding_size(loaded), 2u);
  EXPECT_EQ(loaded.threshold, model.threshold);
  Image image{12, 9, {}};
  for (int i = 0; i < 108; ++i) image.pixels.push_back(static_cast<float>(i * i % 17) / 17);
  const std::vector<Image> images = {image};
  const Matrix ours = embed_images(model, images, pool),
               theirs = embed_images(loaded, images, pool);
  for (size_t k = 0; k < 2; ++k) EXPECT_NEAR(ours.values[k], theirs.values[k], 1e-5);

  model.energy.weights.push_back(1);
  write_file_atomically(description_of(onnx), describe_embedder(model).dump());
  try {
    load_model(onnx);
    ADD_FAILURE() << "an energy of three weights for two values";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("3 weights, its embeddings have 2"));
  }
  std::filesystem::remove(onnx);
  std::filesystem::remove(description_of(onnx));
}

#endif

}  // namespace
}  // namespace doppel::internal
