#include "doppel/model/model.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/model/safetensors.h"

namespace doppel {
namespace {

Model sample() {
  Model model;
  model.network = {{1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2}}};
  model.parameters = glorot_uniform(model.network, 9);
  model.preprocessing = {6, 8, 2};
  model.version = "0.1.0";
  model.training.recipe = {{"name", "tutorial"}, {"margin", 1.0}};
  model.training.seed = 18446744073709551615u;
  model.training.history = {{0.25, 0.3}, {0.1 + 0.2, 1e-17}};
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
  EXPECT_EQ(read.parameters, model.parameters);
  EXPECT_EQ(network_to_json(read.network), network_to_json(model.network));
  EXPECT_EQ(read.preprocessing.width, 6);
  EXPECT_EQ(read.training.seed, model.training.seed);
  EXPECT_EQ(read.training.history[1].loss, 0.1 + 0.2);  // to the last bit
  EXPECT_EQ(read.training.recipe, model.training.recipe);
  EXPECT_EQ(read.training.identities, 40u);
  EXPECT_EQ(encode_model(read), bytes);
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
    EXPECT_NE(refusal(file).find(key), std::string::npos) << key;
    if (key == "version") continue;
    for (const char* other : {"{}", "7", "[7]", "no json", ""}) {
      if (key == "recipe" || (key == "seed" && std::string(other) == "7")) continue;
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
  EXPECT_NE(refusal(file).find("3 tensors"), std::string::npos);
  file = good;
  file.metadata["preprocessing"] = R"({"width":6,"height":10,"step":2})";
  EXPECT_NE(refusal(file).find("1x5x3"), std::string::npos);
  file.metadata["preprocessing"] = R"({"width":6,"height":8,"step":0})";
  EXPECT_NE(refusal(file), "accepted");
  EXPECT_NE(refusal({{}, good.tensors}).find("no Doppel model"), std::string::npos);
}

TEST(Model, EmbedsPreprocessedImages) {
  ThreadPool pool(1);
  Model model = sample();
  model.network = {{1, 4, 3}, {Flatten{}}};  // the embedding is the input
  model.parameters.clear();
  Image image{6, 8, std::vector<float>(48)};
  for (size_t i = 0; i < 48; ++i) image.pixels[i] = static_cast<float>(i) / 64;
  const Matrix embedding = embed_images(model, std::vector<Image>{image}, pool);
  ASSERT_EQ(embedding.columns, 12u);
  EXPECT_EQ(embedding.row(0)[11], image.at(6, 4));
}

}  // namespace
}  // namespace doppel
