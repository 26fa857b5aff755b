// OpenCV, which knows nothing of us, runs what is exported.
#include "doppel/model/onnx_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/model/embedding.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/twin_networks.h"

#ifdef DOPPEL_WITH_OPENCV
#include <opencv2/dnn.hpp>
#endif

namespace doppel::internal {
namespace {

constexpr size_t kImages = 7;

std::vector<Image> noise(int width, int height) {
  Random random(1, Purpose::sample);
  std::vector<Image> images;
  for (size_t i = 0; i < kImages; ++i) {
    Image image{width, height, {}};
    for (int k = 0; k < width * height; ++k) {
      image.pixels.push_back(static_cast<float>(random.uniform()));
    }
    images.push_back(image);
  }
  // Without any gradient, and with one that points along a direction of the histograms everywhere.
  std::ranges::fill(images[0].pixels, 0.5f);
  for (int k = 0; k < width * height; ++k) {
    images[1].pixels[static_cast<size_t>(k)] =
        1 - static_cast<float>(k % width) / static_cast<float>(width);
  }
  return images;
}

// Members whose every tensor is something, normalisations' statistics too.
std::vector<float> some_parameters(const Network& network, uint64_t seed) {
  std::vector<float> parameters = initial_parameters(network, Initialisation::he_normal, seed);
  Random random(seed, Purpose::sample, 1);
  for (const Tensor& tensor : parameter_tensors(network)) {
    if (tensor.kind == TensorKind::weight) continue;
    const bool positive = tensor.name.ends_with("running_var");
    for (size_t i = 0; i < tensor.size; ++i) {
      parameters[tensor.offset + i] =
          static_cast<float>(random.uniform(positive ? 0.5 : -0.5, positive ? 1.5 : 0.5));
    }
  }
  return parameters;
}

Model model_of(Shape input, std::vector<Layer> layers, size_t members = 1) {
  Model model;
  twins(model).network = {input, std::move(layers)};
  model.preprocessing = {static_cast<int>(input.width), static_cast<int>(input.height), 1, true};
  for (size_t m = 0; m < members; ++m) {
    twins(model).members.push_back(some_parameters(twins(model).network, m + 1));
  }
  model.version = "0.1.0";
  return model;
}

[[maybe_unused]] void give_hog(Model& model, const HogSettings& settings, double weight) {
  ThreadPool pool(1);
  twins(model).hog = {settings, weight, {}};
  const std::vector<Image> images = noise(model.preprocessing.width, model.preprocessing.height);
  const Matrix histograms = hog_rows(twins(model), preprocess(images, model.preprocessing), pool);
  twins(model).hog.whitening =
      fit_whitening(histograms, std::vector<uint32_t>{0, 1, 2, 2, 3, 3, 3});
}

#ifdef DOPPEL_WITH_OPENCV

void expect_same_embeddings(const Model& model) {
  ThreadPool pool(1);
  const std::vector<Image> images = noise(model.preprocessing.width, model.preprocessing.height);
  const Matrix inputs = preprocess(images, model.preprocessing);
  const Matrix expected = embed_images(model, images, pool);
  const std::string bytes = onnx_backend().encode(onnx_graph(model));
  for (const size_t batch : {1u, 5u}) {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes.data(), bytes.size());
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    for (size_t first = 0; first + batch <= kImages; ++first) {
      const int sizes[] = {static_cast<int>(batch), 1,
                           static_cast<int>(twins(model).network.input.height),
                           static_cast<int>(twins(model).network.input.width)};
      cv::Mat blob(4, sizes, CV_32F);
      std::copy_n(inputs.row(first).data(), batch * inputs.columns, blob.ptr<float>());
      net.setInput(blob);
      const cv::Mat given = net.forward();
      ASSERT_EQ(given.dims, 2);
      ASSERT_EQ(given.size[0], static_cast<int>(batch));
      ASSERT_EQ(given.size[1], static_cast<int>(expected.columns));
      for (size_t i = 0; i < batch; ++i) {
        for (size_t k = 0; k < expected.columns; ++k) {
          ASSERT_NEAR(given.at<float>(static_cast<int>(i), static_cast<int>(k)),
                      expected.row(first + i)[k], 1e-4)
              << "batch of " << batch << ", image " << first + i << ", value " << k;
        }
      }
    }
  }
}

TEST(OnnxExport, EveryLayerGivesTheSameEmbeddings) {
  expect_same_embeddings(model_of({1, 4, 3}, {Flatten{}}));
  expect_same_embeddings(model_of({1, 4, 3}, {Flatten{}, Dense{5}, Relu{}, Dense{2, false}}));
  expect_same_embeddings(
      model_of({1, 8, 6}, {Conv{3, 3, 1}, Relu6{}, Flatten{}, Dense{4}, Relu6{}, Dense{2, false}}));
  expect_same_embeddings(model_of({1, 9, 7}, {Conv{3, 3, 1, 2}, Relu{}, Conv{2, 2, 0, 1, false}}));
  expect_same_embeddings(model_of({1, 9, 7}, {Conv{3, 3}, MaxPool{2}, Dropout{}, Flatten{}}));
  expect_same_embeddings(model_of({1, 9, 7}, {Conv{3, 3}, GlobalAveragePool{}, Dense{4}}));
  expect_same_embeddings(model_of({1, 9, 7}, {Conv{6, 3}, GlobalAveragePool{}, L2Normalize{}}));
  // A shortcut, also from the input, and one between a flat value and one that is not.
  expect_same_embeddings(model_of({1, 6, 5}, {Conv{1, 3, 1}, Relu{}, Add{2}, Flatten{}}));
  expect_same_embeddings(
      model_of({1, 6, 5}, {Conv{4, 3}, GlobalAveragePool{}, Flatten{}, Dense{4}, Add{2}}));
  // A flat value as a picture of one pixel.
  expect_same_embeddings(
      model_of({1, 4, 3}, {Flatten{}, Dense{6}, Conv{3, 1}, MaxPool{1}, Dense{2}}));
  // Normalisations that can be folded and that cannot.
  expect_same_embeddings(
      model_of({1, 6, 5}, {BatchNorm{}, Conv{3, 3, 1, 1, false}, BatchNorm{}, Relu{}, BatchNorm{},
                           Flatten{}, Dense{4, false}, BatchNorm{}, Relu{}, BatchNorm{}}));
}

TEST(OnnxExport, MembersAndViewsGiveTheSameEmbeddings) {
  const std::vector<Layer> layers = {Conv{4, 3}, Relu{}, Flatten{}, Dense{5}};
  std::vector<Layer> unit_layers = layers;
  unit_layers.emplace_back(L2Normalize{});
  for (const std::vector<Layer>& some : {layers, unit_layers}) {
    for (const size_t members : {1u, 3u}) {
      Model model = model_of({1, 8, 11}, some, members);
      expect_same_embeddings(model);
      twins(model).views = {true, {1}};
      expect_same_embeddings(model);
      twins(model).views = {false, {0.8}};
      expect_same_embeddings(model);
      twins(model).views = {true, {0.9, 1.0, 1.17}};
      expect_same_embeddings(model);
    }
  }
}

TEST(OnnxExport, HogGivesTheSameEmbeddings) {
  for (const HogSettings settings : {HogSettings{2, 2}, {4, 3}, {5, 12}, {6, 36}}) {
    for (const bool several : {false, true}) {
      Model model = model_of({1, 16, 13}, {Flatten{}, Dense{5}, L2Normalize{}}, 2);
      if (several) twins(model).views = {true, {0.9, 1.0}};
      give_hog(model, settings, 2);
      expect_same_embeddings(model);
    }
  }
  // Lines of two pixels, both of them at an end.
  Model model = model_of({1, 2, 13}, {Flatten{}, Dense{5}, L2Normalize{}});
  give_hog(model, {2, 4}, 0.5);
  expect_same_embeddings(model);
}

#endif  // DOPPEL_WITH_OPENCV

TEST(OnnxExport, TellsWhereItComesFrom) {
  Model model = model_of({1, 4, 3}, {Flatten{}, Dense{2}});
  model.preprocessing = {6, 8, 2, true};
  model.energy.kind = EnergyKind::cosine;
  model.training.data_digest = "d1";
  model.threshold = Threshold{
      0.01, 0.7311, 0.004, 0.021, 450, 4500, 0.89, 30, {{{0.01, 0.7311, 0.004, 0.021}}, 2e-4}};
  const OnnxGraph graph = onnx_graph(model, "do what you like");
  EXPECT_EQ(graph.input, (std::vector<int64_t>{1, 4, 3}));
  EXPECT_EQ(graph.output_shape, std::vector<int64_t>{2});
  EXPECT_EQ(graph.metadata.at("licence"), "do what you like");
  EXPECT_EQ(graph.metadata.at("version"), "0.1.0");
  EXPECT_THAT(graph.metadata.at("data"), testing::HasSubstr("d1"));
  EXPECT_THAT(graph.metadata.at("threshold"), testing::HasSubstr("0.7311"));
  EXPECT_THAT(graph.metadata.at("input"), testing::HasSubstr("every row and column in 2"));
  const Model described =
      embedder_from_json(nlohmann::json::parse(graph.metadata.at("description")), "d");
  EXPECT_EQ(described.preprocessing.input_height(), 4u);
  EXPECT_EQ(described.threshold, model.threshold);
  EXPECT_EQ(onnx_graph(model).metadata.count("licence"), 0u);
  const std::string bytes = onnx_backend().encode(graph);
  EXPECT_EQ(onnx_backend().encode(graph), bytes);
  EXPECT_THAT(bytes, testing::HasSubstr("do what you like"));
}

}  // namespace
}  // namespace doppel::internal
