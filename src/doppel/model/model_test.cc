#include "doppel/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/model/safetensors.h"

namespace doppel {
namespace {

using testing::HasSubstr;

Model sample() {
  Model model;
  model.network = {{1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2}}};
  model.members = {initial_parameters(model.network, Initialisation::glorot_uniform, 9)};
  model.preprocessing = {6, 8, 2, true};
  model.views = {true, {0.9, 1.0}};
  model.threshold = Threshold{0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30};
  model.version = "0.1.0";
  model.training.recipe = {{"name", "tutorial"}, {"margin", 1.0}};
  model.training.seed = 18446744073709551615u;
  model.training.history = {{0.25, std::nullopt}, {0.1 + 0.2, 1e-17}};
  model.training.seen = {{std::string(64, 'a')}, {std::string(64, '0'), std::string(64, '1')}};
  model.training.data_digest = "ab";
  model.training.identities = 40;
  model.training.images = 400;
  return model;
}

std::string refusal(const TensorFile& file) {
  try {
    decode_model(encode_safetensors(file), "m");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_EQ(std::string(error.what()).rfind("m: ", 0), 0u) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Model, RoundTripKeepsEverything) {
  const Model model = sample();
  const std::string bytes = encode_model(model);
  const Model read = decode_model(bytes, "m");
  EXPECT_EQ(read.members, model.members);
  EXPECT_EQ(network_to_json(read.network), network_to_json(model.network));
  EXPECT_EQ(read.preprocessing.width, 6);
  EXPECT_TRUE(read.preprocessing.standardize);
  EXPECT_EQ(read.views, model.views);
  EXPECT_EQ(read.threshold, model.threshold);
  EXPECT_EQ(read.training.seen, model.training.seen);
  EXPECT_EQ(read.training.history[0].validation_loss, std::nullopt);
  EXPECT_EQ(read.training.seed, model.training.seed);
  EXPECT_EQ(read.training.history[1].loss, 0.1 + 0.2);  // to the last bit
  EXPECT_EQ(read.training.recipe, model.training.recipe);
  EXPECT_EQ(read.training.identities, 40u);
  EXPECT_EQ(encode_model(read), bytes);
}

TEST(Model, MembersAndALearnedEnergyAreKept) {
  Model model = sample();
  model.members.push_back(initial_parameters(model.network, Initialisation::he_normal, 10));
  model.energy = {EnergyKind::weighted_l1, {-1, -2, -3, 0.1f}, 2.5f};
  model.threshold.reset();
  const std::string bytes = encode_model(model);
  const Model read = decode_model(bytes, "m");
  EXPECT_EQ(read.members, model.members);
  EXPECT_EQ(embedding_size(read), 4u);
  EXPECT_EQ(read.energy.kind, EnergyKind::weighted_l1);
  EXPECT_EQ(read.energy.weights, model.energy.weights);
  EXPECT_EQ(read.energy.bias, 2.5f);
  EXPECT_EQ(read.threshold, std::nullopt);
  EXPECT_EQ(encode_model(read), bytes);

  const TensorFile good = decode_safetensors(bytes, "m");
  EXPECT_EQ(good.tensors.size(), 8u);
  EXPECT_EQ(good.tensors[4].name, "member1.1.weight");
  TensorFile file = good;
  file.metadata["members"] = "3";
  EXPECT_THAT(refusal(file), HasSubstr("needs 12"));
  for (const char* members : {"0", "65", "-1", "1e9"}) {
    file.metadata["members"] = members;
    EXPECT_THAT(refusal(file), HasSubstr("members"));
  }
  file = good;
  file.tensors[5].name = "member2.1.bias";
  EXPECT_THAT(refusal(file), HasSubstr("member1.1.bias"));
  for (const char* energy :
       {R"({"kind":"weighted_l1","weights":[1,2,3],"bias":0})", R"({"kind":"weighted_l1"})",
        R"({"kind":"weighted_l1","weights":[1,2,3,"x"],"bias":0})",
        R"({"kind":"weighted_l1","weights":[1,2,3,4],"bias":"x"})", R"({"kind":"near"})"}) {
    file = good;
    file.metadata["energy"] = energy;
    EXPECT_THAT(refusal(file), HasSubstr("energy"));
  }
}

TEST(Model, APictureTermStandsBehindTheNetworks) {
  ThreadPool pool(1);
  Model model = sample();
  model.picture = {2, 0.25};
  EXPECT_EQ(embedding_size(model), 2u + 2 * 1);
  const Model read = decode_model(encode_model(model), "m");
  EXPECT_EQ(read.picture.reduce, 2u);
  EXPECT_EQ(read.picture.weight, 0.25);
  const std::vector<Image> images = {Image{6, 8, std::vector<float>(48, 0.5f)}};
  EXPECT_EQ(embed_images(model, images, pool).columns, 4u);
  TensorFile file = decode_safetensors(encode_model(model), "m");
  for (const char* picture :
       {R"({"reduce":4,"weight":0.25})", R"({"reduce":0,"weight":0})",
        R"({"reduce":2,"weight":-1})", R"({"reduce":2,"weight":"x"})", R"({"reduce":2})"}) {
    file.metadata["picture"] = picture;
    EXPECT_THAT(refusal(file), HasSubstr("m: "));
  }
}

TEST(Model, ANegativeVarianceIsRefused) {
  Model model = sample();
  model.network.layers = {Conv{2, 1}, BatchNorm{}, Flatten{}};
  model.members = {initial_parameters(model.network, Initialisation::he_normal, 9)};
  EXPECT_NO_THROW(decode_model(encode_model(model), "m"));
  model.members[0].back() = -1e-3f;
  EXPECT_THAT(refusal(decode_safetensors(encode_model(model), "m")), HasSubstr("running_var"));
}

TEST(Model, SavedIsLoaded) {
  const auto path = std::filesystem::path(testing::TempDir()) / "doppel_model.safetensors";
  save_model(sample(), path);
  EXPECT_EQ(encode_model(load_model(path)), encode_model(sample()));
  std::filesystem::remove(path);
  EXPECT_THROW(load_model(path), Error);
}

TEST(Model, AlteredFilesAreRefusedWithWhatIsWrong) {
  const TensorFile good = decode_safetensors(encode_model(sample()), "m");
  EXPECT_EQ(refusal(good), "accepted");
  for (const auto& [key, text] : good.metadata) {
    TensorFile file = good;
    file.metadata.erase(key);
    if (key == "threshold") {  // a model need not have one
      EXPECT_EQ(refusal(file), "accepted");
    } else {
      EXPECT_THAT(refusal(file), HasSubstr(key));
    }
    if (key == "version") continue;
    for (const char* other : {"{}", "7", "[7]", "no json", ""}) {
      if (key == "recipe" || (key == "seed" && std::string(other) == "7")) continue;
      if (key == "views" && std::string(other) == "{}") continue;  // all defaults
      file.metadata[key] = other;
      EXPECT_NE(refusal(file), "accepted") << key << " = " << other;
    }
  }
  TensorFile file = good;
  file.tensors[0].shape = {4, 15};
  EXPECT_NE(refusal(file).find("shape"), std::string::npos);
  file = good;
  file.tensors[0].name = "other";
  EXPECT_NE(refusal(file).find("1.weight"), std::string::npos);
  file = good;
  file.tensors.pop_back();
  EXPECT_THAT(refusal(file), HasSubstr("3 tensors"));
  file = good;
  file.metadata["preprocessing"] = R"({"width":6,"height":10,"step":2,"standardize":true})";
  EXPECT_NE(refusal(file).find("1x5x3"), std::string::npos);
  file.metadata["preprocessing"] = R"({"width":6,"height":8,"step":0,"standardize":true})";
  EXPECT_NE(refusal(file), "accepted");
  EXPECT_NE(refusal({{}, good.tensors}).find("no Doppel model"), std::string::npos);
}

TEST(Model, EmbedsPreprocessedImages) {
  ThreadPool pool(1);
  Model model = sample();
  model.network = {{1, 4, 3}, {Flatten{}}};  // the embedding is the input
  model.members = {{}};
  model.preprocessing.standardize = false;
  model.views = {};
  Image image{6, 8, std::vector<float>(48)};
  for (size_t i = 0; i < 48; ++i) image.pixels[i] = static_cast<float>(i) / 64;
  const Matrix embedding = embed_images(model, std::vector<Image>{image}, pool);
  ASSERT_EQ(embedding.columns, 12u);
  EXPECT_EQ(embedding.row(0)[11], image.at(6, 4));

  model.views.mirror = true;  // the mean of both
  const Matrix both = embed_images(model, std::vector<Image>{image}, pool);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(both.row(0)[3 * row + k],
                  (embedding.row(0)[3 * row + k] + embedding.row(0)[3 * row + 2 - k]) / 2, 1e-6);
    }
  }
}

TEST(Model, MembersAndViewsKeepUnitLength) {
  ThreadPool pool(2);
  Model model = sample();
  model.network.layers.emplace_back(L2Normalize{});
  model.members.clear();
  for (uint64_t seed : {1u, 2u, 3u}) {
    model.members.push_back(initial_parameters(model.network, Initialisation::he_normal, seed));
  }
  Random random(1, Purpose::sample);
  std::vector<Image> images(1030, Image{6, 8, std::vector<float>(48)});  // more than at once
  for (Image& image : images) {
    for (float& pixel : image.pixels) pixel = static_cast<float>(random.uniform(0, 1));
  }
  const Matrix embeddings = embed_images(model, images, pool);
  EXPECT_EQ(embeddings.columns, 6u);
  Model second = model;
  second.members = {model.members[1]};
  const Matrix part = embed_images(second, std::span(images).subspan(1020), pool);
  for (size_t i = 0; i < images.size(); ++i) {
    double length = 0;
    for (float value : embeddings.row(i)) length += double{value} * value;
    // Two values after two ReLUs may both be 0: then a member says nothing.
    EXPECT_LE(length, 1 + 1e-5);
    if (i < 1020) continue;
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(embeddings.row(i)[2 + k] * std::sqrt(3.0), part.row(i - 1020)[k], 1e-6);
    }
  }
}

}  // namespace
}  // namespace doppel
