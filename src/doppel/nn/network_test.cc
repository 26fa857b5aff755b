#include "doppel/nn/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/error.h"

namespace doppel {
namespace {

Network small_network() {
  return {{1, 56, 46},
          {Conv{6, 3}, Relu{}, MaxPool{2}, Dropout{0.25}, Conv{12, 5, true}, Flatten{}, Dense{50}}};
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
  EXPECT_EQ(json["layers"][4]["padding"], "same");
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
  for (const char* layer :
       {R"({"type":"conv","filters":0,"kernel":3})", R"({"type":"conv","filters":-1,"kernel":3})",
        R"({"type":"conv","filters":2,"kernel":4,"padding":"same"})",
        R"({"type":"conv","filters":2,"kernel":3,"padding":7})", R"({"type":"max_pool","size":9})",
        R"({"type":"max_pool","size":0})", R"({"type":"dropout","rate":1})",
        R"({"type":"dropout","rate":"x"})", R"({"type":"dropout"})", R"({"type":"dense"})",
        R"({"type":"attention"})", R"({})", R"(7)",
        R"({"type":"conv","filters":268435457,"kernel":1})",
        R"({"type":"conv","filters":268435456,"kernel":1})",
        R"({"type":"flatten"},{"type":"dense","units":200000000})", ""}) {
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
  const std::vector<float> parameters = glorot_uniform(network, 1);
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
  EXPECT_EQ(parameters, glorot_uniform(network, 1));
  EXPECT_NE(parameters, glorot_uniform(network, 2));
}

}  // namespace
}  // namespace doppel
