#include "doppel/graph/graph.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

Graph small_graph() {
  return {{3, 12, 10},
          {{Convolution{8, 3, 2, 1}, {0}},
           {Rectifier{}, {1}},
           {MaxPooling{3, 2}, {2}},
           {AveragePooling{2, 1}, {2}},
           {Sum{}, {3, 4}},
           {GlobalAverage{}, {5}},
           {Projection{4}, {6}}}};
}

std::string refused(const json& description) {
  try {
    graph_from_json(description, "x");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.what();
  }
  return "";
}

TEST(Graph, KnowsTheShapesOfItsValuesAndWeights) {
  const std::vector<Shape> shapes = value_shapes(small_graph());
  const std::vector<Shape> expected = {{3, 12, 10}, {8, 6, 5}, {8, 6, 5}, {8, 2, 2},
                                       {8, 5, 4},   {8, 5, 4}, {8, 1, 1}, {4, 1, 1}};
  EXPECT_EQ(shapes, expected);
  const std::vector<GraphTensor> tensors = graph_tensors(small_graph());
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].name, "0.weight");
  EXPECT_EQ(tensors[0].shape, (std::vector<size_t>{8, 3, 3, 3}));
  EXPECT_EQ(tensors[1].name, "0.bias");
  EXPECT_EQ(tensors[2].name, "6.weight");
  EXPECT_EQ(tensors[2].shape, (std::vector<size_t>{4, 8}));
  EXPECT_EQ(weight_count(small_graph()), 8u * 27 + 8 + 32);
}

TEST(Graph, ComesBackFromItsDescription) {
  const json description = graph_to_json(small_graph());
  const Graph graph = graph_from_json(description, "x");
  EXPECT_EQ(graph_to_json(graph), description);
  EXPECT_EQ(value_shapes(graph), value_shapes(small_graph()));
}

TEST(Graph, IsRefusedWhereItIsImpossible) {
  const json good = graph_to_json(small_graph());
  const auto with = [&](size_t node, const char* key, const json& value) {
    json changed = good;
    changed["nodes"][node][key] = value;
    return refused(changed);
  };
  EXPECT_EQ(with(0, "kernel", 15), "x: graph, node 0: a window of 15 does not fit into 14 values");
  EXPECT_EQ(with(1, "inputs", {2}), "x: graph, node 1: its input comes later");
  EXPECT_EQ(with(4, "inputs", {2}), "x: graph, node 4: 2 inputs were expected, not 1");
  EXPECT_EQ(with(1, "inputs", {1, 1}), "x: graph, node 1: 1 inputs were expected, not 2");
  EXPECT_EQ(with(6, "inputs", {5}), "x: graph, node 6: one pixel was expected");
  EXPECT_NE(with(0, "filters", 100'000'000).find("too large"), std::string::npos);
  EXPECT_NE(with(6, "outputs", 100'000'000).find("too many weights"), std::string::npos);
  EXPECT_NE(with(0, "stride", 0).find("\"stride\""), std::string::npos);
  EXPECT_NE(with(1, "operator", "magic").find("\"operator\""), std::string::npos);
  EXPECT_NE(with(1, "stride", 1).find("\"stride\""), std::string::npos);
  EXPECT_NE(with(2, "inputs", json::array()).find("1 inputs were expected"), std::string::npos);
  json empty = good;
  empty["nodes"] = json::array();
  EXPECT_EQ(refused(empty), "x: graph: it has no nodes");
  json flat = good;
  flat["input"] = {3, 0, 4};
  EXPECT_NE(refused(flat).find("empty or too large"), std::string::npos);
}

}  // namespace
}  // namespace doppel::internal
