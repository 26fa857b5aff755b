#include "doppel/graph/dlib_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "doppel/error.h"
#include "doppel/graph/dlib_network_fixture.h"
#include "doppel/graph/graph_inference.h"
#include "doppel/graph/graph_reference.h"

namespace doppel::internal {
namespace {

TEST(DlibNetwork, IsReadWithItsScalesAndShiftsInItsConvolutions) {
  const DlibNetworkFixture file;
  const DlibNetwork network = read_dlib_network(file.bytes(), "x.dat");
  EXPECT_EQ(network.mean[0], 122.782f);
  EXPECT_EQ(network.scale, 1.0f / 256);
  EXPECT_EQ(weight_count(network.graph), 5607488u);
  const std::vector<Shape> shapes = value_shapes(network.graph);
  EXPECT_EQ(shapes.front(), (Shape{3, 150, 150}));
  EXPECT_EQ(shapes[1], (Shape{32, 72, 72}));
  EXPECT_EQ(shapes.back(), (Shape{128, 1, 1}));
  const GraphNode& first = network.graph.nodes[0];
  const auto& w = file.first_weights;
  const auto& affine = file.first_affine;
  for (const size_t f : {size_t{0}, size_t{7}, size_t{31}}) {
    EXPECT_FLOAT_EQ(first.weight[f * 147 + 3], w[f * 147 + 3] * affine[f]);
    EXPECT_FLOAT_EQ(first.bias[f], w[32 * 147 + f] * affine[f] + affine[32 + f]);
  }
}

TEST(DlibNetwork, IsComputedAsPlainSumsInDoublePrecisionAre) {
  const DlibNetwork network = read_dlib_network(DlibNetworkFixture().bytes(), "x.dat");
  std::vector<float> image(network.graph.input.size());
  for (size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<float>(i * 37 % 101) / 101 - 0.5f;
  ThreadPool pool(1);
  const float* row = image.data();
  const Matrix found = GraphInference(network.graph).run({&row, 1}, pool);
  const std::vector<double> expected = reference_graph(network.graph, image);
  double largest = 0;
  for (const double v : expected) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(found.row(0)[i]), expected[i], 1e-5 * largest) << i;
  }
}

TEST(DlibNetwork, IsRefusedWhereItIsDamagedOrAnotherOne) {
  const std::string whole = DlibNetworkFixture().bytes();
  const auto refused = [](const std::string& bytes) {
    try {
      read_dlib_network(bytes, "x.dat");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused(whole), "");
  for (const size_t length :
       {size_t{0}, size_t{5}, size_t{30}, size_t{300}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_NE(refused(whole.substr(0, length)).find("x.dat: at byte"), std::string::npos) << length;
  }
  EXPECT_NE(refused(whole + "1").find("goes on"), std::string::npos);
  std::string other = whole;
  other.replace(other.find("con_4"), 5, "con_9");
  EXPECT_NE(refused(other).find("\"con_4\" was expected"), std::string::npos);
  EXPECT_NE(refused("no network at all").find("x.dat: at byte"), std::string::npos);
}

}  // namespace
}  // namespace doppel::internal
