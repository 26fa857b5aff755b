#include "doppel/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/safetensors.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

Model sample_model() {
  Model model;
  twins(model).network = {{1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2}}};
  twins(model).members = {
      initial_parameters(twins(model).network, Initialisation::glorot_uniform, 9)};
  model.preprocessing = {6, 8, 2, true, true};
  twins(model).views = {true, {0.9, 1.0}};
  model.threshold = Threshold{
      0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, {{{0.01, 0.7311, 0.004, 0.021}}, 2e-4}};
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

std::string refusal_of_model(const TensorFile& file) {
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
  const Model model = sample_model();
  const std::string bytes = encode_model(model);
  const Model read = decode_model(bytes, "m");
  EXPECT_EQ(twins(read).members, twins(model).members);
  EXPECT_EQ(network_to_json(twins(read).network), network_to_json(twins(model).network));
  EXPECT_EQ(read.preprocessing.width, 6);
  EXPECT_TRUE(read.preprocessing.standardize);
  EXPECT_TRUE(read.preprocessing.align);
  EXPECT_EQ(twins(read).views, twins(model).views);
  EXPECT_EQ(read.threshold, model.threshold);
  EXPECT_EQ(read.training.seen, model.training.seen);
  EXPECT_EQ(read.training.history[0].validation_loss, std::nullopt);
  EXPECT_EQ(read.training.seed, model.training.seed);
  EXPECT_EQ(read.training.history[1].loss, 0.1 + 0.2);  // to the last bit
  EXPECT_EQ(read.training.recipe, model.training.recipe);
  EXPECT_EQ(read.training.identities, 40u);
  EXPECT_EQ(encode_model(read), bytes);
}

TEST(Model, AKindThatThisProgramDoesNotKnowIsRefused) {
  TensorFile file = decode_safetensors(encode_model(sample_model()), "m");
  EXPECT_FALSE(file.metadata.contains("kind")) << "files of twin networks are as they were";
  file.metadata["kind"] = "twin_networks";
  EXPECT_EQ(refusal_of_model(file), "accepted");
  for (const char* kind : {"another", "onnx", ""}) {
    file.metadata["kind"] = kind;
    EXPECT_THAT(refusal_of_model(file),
                HasSubstr(std::string("its kind \"") + kind + "\" is unknown"));
  }
}

TEST(Model, ACopyIsAnother) {
  Model model = sample_model();
  const Model copy = model;
  twins(model).members[0][0] += 1;
  EXPECT_NE(twins(copy).members[0][0], twins(model).members[0][0]);
  EXPECT_NE(embedding_digest(copy), embedding_digest(model));
}

TEST(Model, MembersAndALearnedEnergyAreKept) {
  Model model = sample_model();
  twins(model).members.push_back(
      initial_parameters(twins(model).network, Initialisation::he_normal, 10));
  model.energy = {EnergyKind::weighted_l1, {-1, -2, -3, 0.1f}, 2.5f};
  model.threshold.reset();
  const std::string bytes = encode_model(model);
  const Model read = decode_model(bytes, "m");
  EXPECT_EQ(twins(read).members, twins(model).members);
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
  EXPECT_THAT(refusal_of_model(file), HasSubstr("member2.1.weight"));
  for (const char* members : {"0", "65", "-1", "1e9"}) {
    file.metadata["members"] = members;
    EXPECT_THAT(refusal_of_model(file), HasSubstr("members"));
  }
  file = good;
  file.tensors[5].name = "member2.1.bias";
  EXPECT_THAT(refusal_of_model(file), HasSubstr("member1.1.bias"));
  for (const char* energy :
       {R"({"kind":"weighted_l1","weights":[1,2,3],"bias":0})", R"({"kind":"weighted_l1"})",
        R"({"kind":"weighted_l1","weights":[1,2,3,"x"],"bias":0})",
        R"({"kind":"weighted_l1","weights":[1,2,3,4],"bias":"x"})", R"({"kind":"near"})"}) {
    file = good;
    file.metadata["energy"] = energy;
    EXPECT_THAT(refusal_of_model(file), HasSubstr("energy"));
  }
}

TEST(Model, AGradientTermIsKept) {
  Model model = sample_model();
  EXPECT_EQ(embedding_size(model), 2u);
  twins(model).hog = {{2, 3}, 0.25, {std::vector<float>(2 * 1 * 3, 0.5f), Matrix(6, 6)}};
  twins(model).hog.whitening.transform.values[7] = 2;
  EXPECT_EQ(embedding_size(model), 2u + 6);
  const std::string bytes = encode_model(model);
  const Model read = decode_model(bytes, "m");
  EXPECT_EQ(twins(read).hog.histograms, twins(model).hog.histograms);
  EXPECT_EQ(twins(read).hog.weight, 0.25);
  EXPECT_EQ(twins(read).hog.whitening.mean, twins(model).hog.whitening.mean);
  EXPECT_EQ(twins(read).hog.whitening.transform.values,
            twins(model).hog.whitening.transform.values);
  EXPECT_EQ(encode_model(read), bytes);

  const TensorFile good = decode_safetensors(bytes, "m");
  TensorFile file = good;
  for (const char* gradients :
       {R"({"cell":8,"bins":3,"weight":0.25})", R"({"cell":0,"bins":3,"weight":0})",
        R"({"cell":2,"bins":99,"weight":0})", R"({"cell":2,"bins":3,"weight":-1})",
        R"({"cell":2,"bins":3,"weight":1e9})", R"({"cell":2,"bins":3,"weight":"x"})",
        R"({"cell":2,"weight":0.25})", R"({"cell":2,"bins":3})"}) {
    file.metadata["gradients"] = gradients;
    EXPECT_THAT(refusal_of_model(file), HasSubstr("m: ")) << gradients;
  }
  // Tensors and description must agree.
  file.metadata["gradients"] = R"({"cell":2,"bins":4,"weight":0.25})";
  EXPECT_THAT(refusal_of_model(file), HasSubstr("gradients.mean"));
  file.metadata["gradients"] = R"({"cell":2,"bins":3,"weight":0})";
  EXPECT_THAT(refusal_of_model(file), HasSubstr("needs 4"));
  file = good;
  file.tensors.pop_back();
  EXPECT_THAT(refusal_of_model(file), HasSubstr("gradients.transform"));
}

TEST(Model, ANegativeVarianceIsRefused) {
  Model model = sample_model();
  twins(model).network.layers = {Conv{2, 1}, BatchNorm{}, Flatten{}};
  twins(model).members = {initial_parameters(twins(model).network, Initialisation::he_normal, 9)};
  EXPECT_NO_THROW(decode_model(encode_model(model), "m"));
  twins(model).members[0].back() = -1e-3f;
  EXPECT_THAT(refusal_of_model(decode_safetensors(encode_model(model), "m")),
              HasSubstr("running_var"));
}

// Else the fuzzer would begin with files that are refused at their first line.
TEST(Model, TheFuzzersExamplesAreModels) {
  const std::filesystem::path examples = "fuzz/corpus/model";
  const Model whole = load_model(examples / "whole.safetensors");
  EXPECT_EQ(twins(whole).members.size(), 2u);
  EXPECT_GT(twins(whole).hog.whitening.size(), 0u);
  EXPECT_TRUE(whole.threshold);
  EXPECT_EQ(load_model(examples / "pairs.safetensors").energy.kind, EnergyKind::weighted_l1);
}

TEST(Model, SavedIsLoaded) {
  const auto path = std::filesystem::path(testing::TempDir()) / "doppel_model.safetensors";
  save_model(sample_model(), path);
  EXPECT_EQ(encode_model(load_model(path)), encode_model(sample_model()));
  std::filesystem::remove(path);
  EXPECT_THROW(load_model(path), Error);
}

TEST(Model, AlteredFilesAreRefusedWithWhatIsWrong) {
  const TensorFile good = decode_safetensors(encode_model(sample_model()), "m");
  EXPECT_EQ(refusal_of_model(good), "accepted");
  for (const auto& [key, text] : good.metadata) {
    TensorFile file = good;
    file.metadata.erase(key);
    if (key == "threshold") {  // a model need not have one
      EXPECT_EQ(refusal_of_model(file), "accepted");
    } else {
      EXPECT_THAT(refusal_of_model(file), HasSubstr(key));
    }
    if (key == "version") continue;
    for (const char* other : {"{}", "7", "[7]", "no json", ""}) {
      if (key == "recipe" || (key == "seed" && std::string(other) == "7")) continue;
      if (key == "views" && std::string(other) == "{}") continue;  // all defaults
      file.metadata[key] = other;
      EXPECT_NE(refusal_of_model(file), "accepted") << key << " = " << other;
    }
  }
  TensorFile file = good;
  file.tensors[0].shape = {4, 15};
  EXPECT_NE(refusal_of_model(file).find("shape"), std::string::npos);
  file = good;
  file.tensors[0].name = "other";
  EXPECT_NE(refusal_of_model(file).find("1.weight"), std::string::npos);
  file = good;
  file.tensors.pop_back();
  EXPECT_THAT(refusal_of_model(file), HasSubstr("3.bias"));
  file = good;
  file.metadata["preprocessing"] =
      R"({"width":6,"height":10,"step":2,"standardize":true,"align":false})";
  EXPECT_NE(refusal_of_model(file).find("1x5x3"), std::string::npos);
  file.metadata["preprocessing"] =
      R"({"width":6,"height":8,"step":0,"standardize":true,"align":false})";
  EXPECT_NE(refusal_of_model(file), "accepted");
  file.metadata["preprocessing"] = R"({"width":6,"height":8,"step":2,"standardize":true})";
  EXPECT_THAT(refusal_of_model(file), HasSubstr("\"align\" must be true or false"));
  EXPECT_NE(refusal_of_model({{}, good.tensors}).find("no Doppel model"), std::string::npos);
}

TEST(Model, KnowsWhetherItSawSyntheticFaces) {
  Model model = sample_model();
  const std::string real = encode_model(model);
  EXPECT_FALSE(decode_model(real, "m").training.synthetic);  // as files of before say nothing
  model.training.synthetic = true;
  const std::string drawn = encode_model(model);
  EXPECT_TRUE(decode_model(drawn, "m").training.synthetic);
  EXPECT_EQ(embedding_digest(decode_model(drawn, "m")), embedding_digest(decode_model(real, "m")));
  TensorFile file = decode_safetensors(drawn, "m");
  file.metadata["data"] = R"({"digest":"ab","identities":40,"images":400,"synthetic":1})";
  EXPECT_THAT(refusal_of_model(file), HasSubstr("\"synthetic\" must be true or false"));
}

}  // namespace
}  // namespace doppel::internal
