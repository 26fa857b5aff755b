#include "doppel/onnx/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "doppel/error.h"

#ifdef DOPPEL_WITH_OPENCV
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#endif

namespace doppel::internal {
namespace {

using testing::HasSubstr;

// y = x W, W of 12 x 2.
OnnxGraph sample() {
  OnnxGraph graph;
  graph.input = {1, 4, 3};
  const std::string flat = graph.add("Flatten", {OnnxGraph::kInput}, {{"axis", int64_t{1}}});
  std::vector<float> weights(24, 0.0f);
  weights[0] = 1;   // y0 = x0
  weights[23] = 2;  // y1 = 2 x11
  graph.output = graph.add("MatMul", {flat, graph.constant({12, 2}, weights)});
  graph.output_shape = {2};
  return graph;
}

constexpr OnnxInput kInput{1, 4, 3};

std::string refusal(const std::string& bytes, const OnnxInput& input = kInput,
                    const std::string& output = "") {
  try {
    onnx_backend().open(bytes, "m", input, output);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("m: ", 0), 0u) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Onnx, AGraphIsCheckedBeforeItIsWritten) {
  OnnxGraph graph = sample();
  EXPECT_EQ(onnx_backend().encode(graph), onnx_backend().encode(graph));
  graph.nodes[1].op = "MatMulAndMore";
  EXPECT_THROW(onnx_backend().encode(graph), Error);
  graph = sample();
  graph.nodes[1].inputs[0] = "nowhere";
  EXPECT_THROW(onnx_backend().encode(graph), Error);
}

#ifdef DOPPEL_WITH_OPENCV

int own_handler(int, const char*, const char*, const char*, int, void*) { return 0; }

// A program may use OpenCV itself.
TEST(Onnx, OpenCvIsLeftAsItWas) {
  namespace logging = cv::utils::logging;
  const std::string bytes = onnx_backend().encode(sample());
  const logging::LogLevel level = logging::setLogLevel(logging::LOG_LEVEL_INFO);
  int own = 0;
  cv::redirectError(own_handler, &own);
  onnx_backend().open(bytes, "m", kInput, "")->embed(Matrix(3, 12));
  EXPECT_NE(refusal(bytes, {1, 3, 3}), "accepted");  // found by OpenCV alone
  EXPECT_EQ(logging::getLogLevel(), logging::LOG_LEVEL_INFO);
  void* data = nullptr;
  EXPECT_EQ(cv::redirectError(nullptr, nullptr, &data), own_handler);
  EXPECT_EQ(data, &own);
  logging::setLogLevel(level);
}

TEST(Onnx, RunsOneAfterTheOther) {
  const auto network = onnx_backend().open(onnx_backend().encode(sample()), "m", kInput, "");
  EXPECT_EQ(network->embedding_size(), 2u);
  Matrix inputs(3, 12);
  for (size_t i = 0; i < 36; ++i) inputs.values[i] = static_cast<float>(i);
  const Matrix given = network->embed(inputs);
  EXPECT_EQ(given.values, (std::vector<float>{0, 22, 12, 46, 24, 70}));
  EXPECT_THROW(network->embed(Matrix(1, 11)), Error);
  // What one input cannot be embedded as is no matter of the others.
  inputs.values[0] = std::numeric_limits<float>::infinity();
  const Matrix partly = network->embed(inputs);
  EXPECT_FALSE(std::isfinite(partly.values[0]) && std::isfinite(partly.values[1]));
  EXPECT_EQ(std::vector(partly.values.begin() + 2, partly.values.end()),
            (std::vector<float>{12, 46, 24, 70}));
}

TEST(Onnx, WhatDoesNotFitItsDescriptionIsRefused) {
  const std::string bytes = onnx_backend().encode(sample());
  EXPECT_EQ(refusal(bytes), "accepted");
  EXPECT_EQ(refusal(bytes, kInput, "embedding"), "accepted");
  EXPECT_THAT(refusal(bytes, {3, 4, 3}), HasSubstr("any x 1 x 4 x 3, its description says batch x "
                                                   "3 x 4 x 3"));
  EXPECT_THAT(refusal(bytes, kInput, "other"), HasSubstr("no output \"other\"; it has: embedding"));
}

#else

TEST(Onnx, WithoutOpenCvItSaysSo) {
  EXPECT_THAT(refusal(onnx_backend().encode(sample())), HasSubstr("built without OpenCV"));
}

#endif

TEST(Onnx, DamagedAndHostileFilesAreRefused) {
  const std::string bytes = onnx_backend().encode(sample());
  EXPECT_THAT(refusal(""), HasSubstr("no ONNX file"));
  EXPECT_THAT(refusal("no protobuf message"), HasSubstr("no ONNX file"));
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_NE(refusal(bytes.substr(0, size)), "accepted") << size;
  }
  // A changed byte may name a value that nothing gives, on which OpenCV would fall down.
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x15);
    refused += refusal(changed) != "accepted";
  }
  EXPECT_GT(refused, bytes.size() / 4);
  const size_t name = bytes.find("c0");
  ASSERT_NE(name, std::string::npos);
  std::string changed = bytes;
  changed[name] = 'd';
  EXPECT_THAT(refusal(changed), HasSubstr("ONNX's checker refuses it: "));
  const auto with = [](const auto& change) {
    OnnxGraph graph = sample();
    change(graph);
    return onnx_backend().encode(graph);
  };
  // A tensor of a size that a number in the file says.
  EXPECT_THAT(refusal(with([](OnnxGraph& graph) {
                graph.output =
                    graph.add("Expand", {graph.output, graph.integers({1 << 20, 1 << 20, 1, 2})});
              })),
              HasSubstr("its operator \"Expand\" was expected to take the shape of a value"));
  EXPECT_THAT(
      refusal(with([](OnnxGraph& graph) {
        graph.output = graph.add("Tile", {graph.output, graph.integers({1 << 20, 1 << 20})});
      })),
      HasSubstr("its operator \"Tile\""));
  EXPECT_THAT(refusal(with([](OnnxGraph& graph) {
                const std::string weight = graph.constant({1, 1, 1, 1}, std::vector<float>{1.0f});
                const std::vector<int64_t> pads(4, 100'000'000);
                graph.nodes[0] = {"Conv", {OnnxGraph::kInput, weight}, "v0", {{"pads", pads}}};
              })),
              HasSubstr("Conv's \"pads\" holds 100000000"));
  // 98304 x 8192 values out of 64 KiB of weights.
  EXPECT_THAT(
      refusal(with([](OnnxGraph& graph) {
        const std::vector<float> ones(1 << 13, 1.0f);
        const std::string tall =
            graph.add("MatMul", {graph.add("Reshape", {OnnxGraph::kInput, graph.integers({-1, 1})}),
                                 graph.constant({1, 1 << 13}, ones)});
        const std::string column = graph.add("Reshape", {tall, graph.integers({-1, 1})});
        graph.output = graph.add("MatMul", {column, graph.constant({1, 1 << 13}, ones)});
      })),
      testing::AnyOf(HasSubstr("values that are supported"), HasSubstr("built without OpenCV")));
}

}  // namespace
}  // namespace doppel::internal
