#include "doppel/graph/graph_inference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/graph/graph_reference.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

void draw_weights(Graph& graph, uint64_t seed) {
  Random random(seed, Purpose::weights, 0);
  for (const GraphTensor& tensor : graph_tensors(graph)) {
    GraphNode& node = graph.nodes[tensor.node];
    std::vector<float>& values = tensor.bias ? node.bias : node.weight;
    values.resize(tensor.size());
    const double fan = static_cast<double>(tensor.size() / tensor.shape[0]);
    for (float& v : values)
      v = static_cast<float>(random.normal() / std::sqrt(tensor.bias ? 4 : fan));
  }
}

std::vector<std::vector<float>> drawn_images(const Graph& graph, size_t count) {
  Random random(7, Purpose::weights, 1);
  std::vector<std::vector<float>> images(count, std::vector<float>(graph.input.size()));
  for (auto& image : images) {
    for (float& v : image) v = static_cast<float>(random.uniform(-1, 1));
  }
  return images;
}

std::vector<const float*> pointers(const std::vector<std::vector<float>>& images) {
  std::vector<const float*> result;
  for (const auto& image : images) result.push_back(image.data());
  return result;
}

struct NamedGraph {
  std::string name;
  Graph graph;
};

std::vector<NamedGraph> graphs() {
  const auto conv = [](size_t filters, size_t kernel, size_t stride, size_t padding, size_t from) {
    return GraphNode{Convolution{filters, kernel, stride, padding}, {from}};
  };
  const auto plain = [](Operator op, size_t from) { return GraphNode{op, {from}}; };
  return {
      {"colours_7x7_stride_2", {{3, 21, 18}, {conv(32, 7, 2, 0, 0), plain(Rectifier{}, 1)}}},
      {"few_filters", {{3, 9, 8}, {conv(5, 3, 2, 1, 0)}}},
      {"points_17_columns", {{16, 17, 13}, {conv(33, 3, 1, 1, 0)}}},
      {"points_of_few_channels", {{3, 11, 10}, {conv(20, 3, 1, 0, 0)}}},
      {"points_many_channels", {{70, 8, 9}, {conv(64, 3, 1, 1, 0)}}},
      {"too_small_for_points", {{32, 3, 3}, {conv(32, 3, 1, 1, 0)}}},
      {"one_pixel", {{20, 1, 1}, {conv(16, 3, 1, 1, 0)}}},
      {"wide_frame", {{4, 6, 7}, {conv(8, 5, 3, 4, 0)}}},
      {"residual",
       {{16, 9, 9},
        {conv(16, 3, 1, 1, 0),
         plain(Rectifier{}, 1),
         conv(16, 3, 1, 1, 2),
         {Sum{}, {3, 0}},
         plain(Rectifier{}, 4),
         conv(16, 3, 2, 0, 5),
         {Sum{}, {0, 0}},
         {Sum{}, {7, 6}}}}},
      {"residual_read_twice",
       {{16, 9, 9}, {conv(16, 3, 1, 1, 0), {Sum{}, {0, 1}}, {Sum{}, {1, 2}}, {Sum{}, {3, 2}}}}},
      {"direct_residual",
       {{16, 3, 3},
        {conv(16, 3, 1, 1, 0), {Sum{}, {0, 1}}, plain(Rectifier{}, 2), plain(GlobalAverage{}, 3)}}},
      {"smaller_and_fewer",
       {{16, 8, 8},
        {conv(32, 3, 2, 0, 0),
         plain(AveragePooling{2, 2}, 0),
         {Sum{}, {1, 2}},
         plain(Rectifier{}, 3),
         plain(GlobalAverage{}, 4),
         {Projection{10}, {5}}}}},
      {"fewer_in_both", {{40, 4, 4}, {conv(10, 1, 1, 0, 0), {Sum{}, {1, 0}}}}},
      {"pools", {{20, 11, 13}, {plain(MaxPooling{3, 2}, 0), plain(AveragePooling{2, 1}, 1)}}},
      {"projection", {{37, 1, 1}, {{Projection{130}, {0}}}}},
  };
}

class GraphsOn : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { use_simd(GetParam()); }
  void TearDown() override { use_simd(simd_names().front()); }
};

TEST_P(GraphsOn, GiveWhatPlainSumsInDoublePrecisionGive) {
  ThreadPool pool(2);
  for (NamedGraph& named : graphs()) {
    draw_weights(named.graph, 3);
    const auto images = drawn_images(named.graph, 3);
    const Matrix found = GraphInference(named.graph).run(pointers(images), pool);
    for (size_t i = 0; i < images.size(); ++i) {
      const std::vector<double> expected = reference_graph(named.graph, images[i]);
      ASSERT_EQ(found.columns, expected.size());
      for (size_t k = 0; k < expected.size(); ++k) {
        ASSERT_NEAR(static_cast<double>(found.row(i)[k]), expected[k], 2e-5)
            << named.name << ", image " << i << ", value " << k;
      }
    }
  }
}

TEST_P(GraphsOn, GiveEqualBitsWhateverIsComputedBesideOnAnyThreads) {
  for (NamedGraph& named : graphs()) {
    draw_weights(named.graph, 5);
    const GraphInference inference(named.graph);
    const auto images = drawn_images(named.graph, 37);
    const auto rows = pointers(images);
    ThreadPool alone(1), two(2), five(5);
    const Matrix all = inference.run(rows, alone);
    EXPECT_EQ(inference.run(rows, two).values, all.values) << named.name;
    EXPECT_EQ(inference.run(rows, five).values, all.values) << named.name;
    for (const size_t i : {size_t{0}, size_t{15}, size_t{36}}) {
      const Matrix one = inference.run(std::span(&rows[i], 1), two);
      EXPECT_TRUE(std::ranges::equal(one.row(0), all.row(i))) << named.name << ", image " << i;
    }
    use_simd(simd_names().front());
    if (GetParam() != "plain") {
      EXPECT_EQ(inference.run(rows, two).values, all.values) << named.name;
    }
    use_simd(GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, GraphsOn, testing::ValuesIn(simd_names()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(GraphInference, SeveralThreadsMayUseOne) {
  Graph graph = graphs()[8].graph;
  draw_weights(graph, 1);
  const GraphInference inference(graph);
  const auto images = drawn_images(graph, 20);
  const auto rows = pointers(images);
  ThreadPool alone(1);
  const Matrix expected = inference.run(rows, alone);
  std::vector<Matrix> found(4);
  std::vector<std::thread> threads;
  for (Matrix& own : found) {
    threads.emplace_back([&] {
      ThreadPool pool(2);
      for (int round = 0; round < 3; ++round) own = inference.run(rows, pool);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Matrix& own : found) EXPECT_EQ(own.values, expected.values);
  EXPECT_EQ(inference.run({}, alone).rows, 0u);
}

TEST(GraphInference, RefusesValuesThatTakeTooMuchMemory) {
  Graph graph{{1, 3000, 3000}, {{Convolution{1, 1, 1, 0}, {0}}, {Convolution{1, 3, 1, 1}, {1}}}};
  draw_weights(graph, 1);
  try {
    const GraphInference inference(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  }
}

TEST(GraphInference, RefusesWeightsOfAnotherNumber) {
  Graph graph = graphs()[0].graph;
  draw_weights(graph, 1);
  graph.nodes[0].bias.pop_back();
  try {
    const GraphInference inference(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
    EXPECT_STREQ(error.what(), "graph: 0.bias has 31 values, not 32");
  }
}

}  // namespace
}  // namespace doppel::internal
