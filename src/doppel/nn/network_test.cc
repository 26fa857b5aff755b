#include "doppel/nn/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/nn/engine.h"

namespace doppel::internal {
namespace {

Network small_network() {
  return {{1, 56, 46},
          {Conv{6, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{12, 5, 2}, Flatten{}, Dense{50}}};
}

TEST(Network, ShapesFollowFromTheDescription) {
  const std::vector<Shape> shapes = layer_shapes(small_network());
  EXPECT_EQ(shapes[0], (Shape{6, 54, 44}));
  EXPECT_EQ(shapes[2], (Shape{6, 27, 22}));
  EXPECT_EQ(shapes[4], (Shape{12, 27, 22}));
  EXPECT_EQ(shapes[5], (Shape{12 * 27 * 22, 1, 1}));
  EXPECT_EQ(shapes[6], (Shape{50, 1, 1}));
  EXPECT_EQ(embedding_size(small_network()), 50u);
}

TEST(Network, TensorsAreNamedAndPackedLikePyTorchs) {
  const std::vector<Tensor> tensors = parameter_tensors(small_network());
  ASSERT_EQ(tensors.size(), 6u);
  EXPECT_EQ(tensors[0].name, "0.weight");
  EXPECT_EQ(tensors[0].shape, (std::vector<size_t>{6, 1, 3, 3}));
  EXPECT_EQ(tensors[3].name, "4.bias");
  EXPECT_EQ(tensors[4].shape, (std::vector<size_t>{50, 7128}));
  size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    EXPECT_EQ(tensor.offset, offset);
    offset += tensor.size;
  }
  EXPECT_EQ(parameter_count(small_network()), offset);
}

TEST(Network, JsonRoundTrip) {
  const nlohmann::json json = network_to_json(small_network());
  EXPECT_EQ(network_to_json(network_from_json(json)), json);
  EXPECT_EQ(json["layers"][4]["padding"], 2);
}

// Every layer there is, with a shortcut.
Network residual_network() {
  return {{2, 9, 8},
          {Conv{6, 3, 1, 1, false}, BatchNorm{}, Relu{}, Conv{6, 3, 1, 1, false}, BatchNorm{},
           Relu{}, Conv{6, 3, 1, 1, true}, BatchNorm{}, Add{5}, Relu{}, Conv{8, 3, 1, 2, false},
           BatchNorm{}, Relu{}, MaxPool{2}, Dropout{0.3}, GlobalAveragePool{}, Dense{5, false},
           BatchNorm{}, L2Normalize{}}};
}

TEST(Network, NewLayersHaveShapesTensorsAndJson) {
  const Network network = residual_network();
  const std::vector<Shape> shapes = layer_shapes(network);
  EXPECT_EQ(shapes[8], (Shape{6, 9, 8}));
  EXPECT_EQ(shapes[10], (Shape{8, 5, 4}));
  EXPECT_EQ(shapes[15], (Shape{8, 1, 1}));
  std::vector<std::string> names;
  for (const Tensor& tensor : parameter_tensors(network)) {
    names.push_back(tensor.name);
    const bool statistic = tensor.name.find("running_") != std::string::npos;
    EXPECT_EQ(tensor.kind == TensorKind::statistic, statistic) << tensor.name;
    EXPECT_EQ(tensor.kind == TensorKind::weight, tensor.shape.size() > 1) << tensor.name;
  }
  EXPECT_EQ(names[0], "0.weight");
  EXPECT_EQ(names[1], "1.weight");
  EXPECT_EQ(names[4], "1.running_var");
  const nlohmann::json json = network_to_json(network);
  EXPECT_EQ(network_to_json(network_from_json(nlohmann::json::parse(json.dump()))), json);
  EXPECT_EQ(json["layers"][8]["type"], "add");
  EXPECT_EQ(json["layers"][8]["back"], 5);
  EXPECT_EQ(json["layers"][10]["stride"], 2);
  EXPECT_EQ(json["layers"][10]["bias"], false);
  EXPECT_EQ(layers_to_json(layers_from_json(json["layers"])), json["layers"]);
}

TEST(Network, HeNormalHasItsDeviation) {
  const Network network{{3, 20, 20}, {Conv{64, 3, 1, 1, true}, BatchNorm{}, Flatten{}, Dense{8}}};
  const std::vector<float> parameters = initial_parameters(network, Initialisation::he_normal, 1);
  for (const Tensor& tensor : parameter_tensors(network)) {
    double sum = 0, squares = 0;
    for (size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      sum += double{parameters[i]};
      squares += double{parameters[i]} * parameters[i];
    }
    const auto n = static_cast<double>(tensor.size);
    if (tensor.kind == TensorKind::weight) {
      const double fan_in = n / static_cast<double>(tensor.shape[0]);
      EXPECT_NEAR(std::sqrt(squares / n * fan_in / 2), 1, 0.05) << tensor.name;
      EXPECT_NEAR(sum / n, 0, 4 * std::sqrt(2 / fan_in / n)) << tensor.name;
    } else {
      const bool one = tensor.name == "1.weight" || tensor.name == "1.running_var";
      EXPECT_EQ(sum, one ? n : 0) << tensor.name;
      EXPECT_EQ(squares, one ? n : 0) << tensor.name;
    }
  }
  EXPECT_EQ(parameters, initial_parameters(network, Initialisation::he_normal, 1));
  EXPECT_NE(parameters, initial_parameters(network, Initialisation::he_normal, 2));
}

// Parameters as after a training: no scale is 1, no shift or mean 0.
std::vector<float> random_parameters(const Network& network) {
  std::vector<float> parameters = initial_parameters(network, Initialisation::he_normal, 1);
  Random random(2, Purpose::sample);
  for (const Tensor& tensor : parameter_tensors(network)) {
    if (tensor.shape.size() > 1) continue;
    const bool variance = tensor.name.ends_with("running_var");
    for (size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      parameters[i] = static_cast<float>(variance ? random.uniform(0.2, 3) : random.uniform(-1, 1));
    }
  }
  return parameters;
}

TEST(Network, FoldedItIsTheSameFunction) {
  ThreadPool pool(1);
  const std::vector<std::pair<const char*, Network>> networks = {
      {"residual", residual_network()},
      {"conv bias", {{1, 6, 6}, {Conv{3, 3}, BatchNorm{}, Flatten{}}}},
      {"dense", {{7, 1, 1}, {Dense{5}, BatchNorm{}, Relu{}, Dense{3, false}, BatchNorm{}}}},
      {"nothing to fold into", {{3, 5, 5}, {BatchNorm{}, Conv{2, 3}, Relu{}, BatchNorm{}}}},
      {"into the shortcut's start",
       {{2, 5, 5}, {Conv{4, 3, 1}, BatchNorm{}, Conv{4, 3, 1}, BatchNorm{}, Add{2}, BatchNorm{}}}},
      // What a shortcut takes from between a convolution and its normalisation must stay there.
      {"a shortcut between",
       {{2, 5, 5}, {Conv{4, 3, 1}, BatchNorm{}, Relu{}, Add{2}, Flatten{}, Dense{3}}}}};
  for (const auto& [name, network] : networks) {
    const std::vector<float> parameters = random_parameters(network);
    const FoldedNetwork folded = fold_batch_norm(network, parameters);
    EXPECT_LE(folded.network.layers.size(), network.layers.size());
    ASSERT_EQ(folded.parameters.size(), parameter_count(folded.network));
    Random random(3, Purpose::sample);
    std::vector<std::vector<float>> pictures(19, std::vector<float>(network.input.size()));
    std::vector<const float*> images;
    for (auto& picture : pictures) {
      for (float& value : picture) value = static_cast<float>(random.uniform(-1, 1));
      images.push_back(picture.data());
    }
    const Matrix whole = Engine(network, pool).embed(parameters, images);
    const Matrix same = Engine(folded.network, pool).embed(folded.parameters, images);
    ASSERT_EQ(whole.values.size(), same.values.size()) << name;
    float largest = 0;
    for (float value : whole.values) largest = std::max(largest, std::abs(value));
    EXPECT_GT(largest, 0);
    for (size_t i = 0; i < whole.values.size(); ++i) {
      ASSERT_NEAR(whole.values[i], same.values[i], 2e-5f * largest) << name << " " << i;
    }
  }
  // All of the residual network's normalisations follow a convolution or a dense layer.
  const Network network = residual_network();
  const FoldedNetwork folded = fold_batch_norm(network, random_parameters(network));
  for (const Layer& layer : folded.network.layers) {
    EXPECT_FALSE(std::holds_alternative<BatchNorm>(layer));
  }
  EXPECT_EQ(folded.network.layers.size(), network.layers.size() - 5);
  EXPECT_THROW(fold_batch_norm(network, std::vector<float>(3)), Error);
}

TEST(Network, ImpossibleDescriptionsAreRefusedByLayer) {
  const auto refused = [](const char* text) {
    try {
      network_from_json(nlohmann::json::parse(text));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto with_layer = [&](const std::string& layer) {
    return refused((R"({"input":[1,8,8],"layers":[)" + layer + "]}").c_str());
  };
  EXPECT_NE(with_layer(R"({"type":"conv","filters":2,"kernel":9})").find("layer 0"),
            std::string::npos);
  EXPECT_NE(with_layer(R"({"type":"relu"},{"type":"dense","units":2})").find("layer 1"),
            std::string::npos);
  for (const char* layer : {R"({"type":"conv","filters":0,"kernel":3})",
                            R"({"type":"conv","filters":-1,"kernel":3})",
                            R"({"type":"conv","filters":2,"kernel":4,"padding":"same"})",
                            R"({"type":"conv","filters":2,"kernel":3,"padding":7})",
                            R"({"type":"max_pool","size":9})",
                            R"({"type":"max_pool","size":0})",
                            R"({"type":"dropout","rate":1})",
                            R"({"type":"dropout","rate":"x"})",
                            R"({"type":"dropout"})",
                            R"({"type":"dense"})",
                            R"({"type":"add","back":1})",
                            R"({"type":"add","back":0})",
                            R"({"type":"relu"},{"type":"add","back":3})",
                            R"({"type":"max_pool","size":2},{"type":"add","back":1})",
                            R"({"type":"l2_normalize"})",
                            R"({"type":"conv","filters":2,"kernel":3,"stride":0})",
                            R"({"type":"conv","filters":2,"kernel":3,"bias":1})",
                            R"({"type":"attention"})",
                            R"({})",
                            R"(7)",
                            R"({"type":"conv","filters":268435457,"kernel":1})",
                            R"({"type":"conv","filters":268435456,"kernel":1})",
                            R"({"type":"flatten"},{"type":"dense","units":200000000})",
                            ""}) {
    EXPECT_NE(with_layer(layer), "accepted") << layer;
  }
  for (const char* text :
       {R"({})", R"([])", R"({"input":[1,8],"layers":[]})", R"({"input":[1,0,8],"layers":[]})",
        R"({"input":[268435456,268435456,268435456],"layers":[{"type":"relu"}]})"}) {
    EXPECT_NE(refused(text), "accepted") << text;
  }
}

TEST(Network, GlorotUniformFillsItsRangeAndLeavesBiasesZero) {
  const Network network = small_network();
  const std::vector<float> parameters =
      initial_parameters(network, Initialisation::glorot_uniform, 1);
  for (const Tensor& tensor : parameter_tensors(network)) {
    float lowest = 0, highest = 0;
    for (size_t i = 0; i < tensor.size; ++i) {
      lowest = std::min(lowest, parameters[tensor.offset + i]);
      highest = std::max(highest, parameters[tensor.offset + i]);
    }
    if (tensor.shape.size() == 1) {
      EXPECT_EQ(lowest, 0);
      EXPECT_EQ(highest, 0);
    } else if (tensor.name == "6.weight") {
      const double limit = std::sqrt(6.0 / (50 + 7128));
      EXPECT_LE(highest, limit);
      EXPECT_GT(highest, 0.999 * limit);
      EXPECT_GE(lowest, -limit);
    } else if (tensor.name == "0.weight") {
      EXPECT_LE(highest, std::sqrt(6.0 / (7 * 9)));
      EXPECT_GT(highest, 0.7 * std::sqrt(6.0 / (7 * 9)));
    }
  }
  EXPECT_EQ(parameters, initial_parameters(network, Initialisation::glorot_uniform, 1));
  EXPECT_NE(parameters, initial_parameters(network, Initialisation::glorot_uniform, 2));
}

}  // namespace
}  // namespace doppel::internal
