#include "doppel/model/pretrained_embedder.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/digest.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/graph/dlib_network.h"
#include "doppel/graph/graph_inference.h"
#include "doppel/image/resize.h"
#include "doppel/model/model.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kChannels = 3;
constexpr double kMostMean = 1e6;
constexpr size_t kPicturesAtOnce = 64;

// What dlib's author publishes at https://github.com/davisking/dlib-models, in the public domain.
constexpr const char* kDlibNetwork =
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30";
constexpr const char* kDlibPoints =
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888";

// Its samples as the graph takes them, [row][column][R, G, B].
void make_graph_input(const PretrainedEmbedder& embedder, const Image& picture, bool mirrored,
                      std::span<float> out) {
  const auto width = static_cast<size_t>(picture.width),
             height = static_cast<size_t>(picture.height);
  for (size_t row = 0; row < height; ++row) {
    for (size_t column = 0; column < width; ++column) {
      const size_t from = row * width + (mirrored ? width - 1 - column : column);
      for (size_t c = 0; c < kChannels; ++c) {
        const double sample = double{picture.colors[kChannels * from + c]} * 255;
        out[kChannels * (row * width + column) + c] =
            static_cast<float>((sample - embedder.mean[c]) * embedder.scale);
      }
    }
  }
}

class ReadyPretrained final : public ReadyEmbedder {
 public:
  ReadyPretrained(const PretrainedEmbedder& embedder, const Preprocessing& input)
      : embedder_(embedder), width_(input.width), height_(input.height), graph_(*embedder.graph) {}

  Matrix embed(std::span<const Image> images, ThreadPool& pool) const override {
    Matrix result(images.size(), graph_.output_size());
    for (size_t first = 0; first < images.size(); first += kPicturesAtOnce) {
      embed_some(images.subspan(first, std::min(kPicturesAtOnce, images.size() - first)), first,
                 pool, result);
    }
    return result;
  }

 private:
  void embed_some(std::span<const Image> images, size_t first, ThreadPool& pool,
                  Matrix& result) const {
    const size_t looks = embedder_.mirror ? 2 : 1, n = images.size();
    Matrix inputs(n * looks, embedder_.graph->input.size());
    pool.parallel_for(n, [&](size_t i, size_t) {
      if (images[i].colors.empty()) {
        throw Error(ErrorKind::mismatch,
                    "this network takes colours, and an image was read without them");
      }
      const Image picture = resize(images[i], width_, height_);
      for (size_t look = 0; look < looks; ++look) {
        make_graph_input(embedder_, picture, look == 1, inputs.row(i * looks + look));
      }
    });
    std::vector<const float*> rows;
    for (size_t i = 0; i < inputs.rows; ++i) rows.push_back(inputs.row(i).data());
    const Matrix outputs = graph_.run(rows, pool);
    for (size_t i = 0; i < n; ++i) {
      const std::span<float> row = result.row(first + i);
      for (size_t look = 0; look < looks; ++look) {
        const std::span<const float> one = outputs.row(i * looks + look);
        for (size_t k = 0; k < row.size(); ++k) row[k] += one[k];
      }
      if (embedder_.unit) make_unit(row);
    }
  }

  static void make_unit(std::span<float> row) {
    double squares = 0;
    for (const float v : row) squares += double{v} * double{v};
    const double factor = 1 / std::max(std::sqrt(squares), 1e-12);
    for (float& v : row) v = static_cast<float>(double{v} * factor);
  }

  PretrainedEmbedder embedder_;
  int width_, height_;
  GraphInference graph_;
};

struct PointTensor {
  const char* name;
  std::vector<float> FivePointTrees::*values;
  std::vector<size_t> shape;
};

std::vector<PointTensor> point_tensors(const FivePointTrees& t) {
  return {{"points.start", &FivePointTrees::start, {kFivePoints, 2}},
          {"points.anchors", &FivePointTrees::anchors, {t.stages, t.pixels}},
          {"points.offsets", &FivePointTrees::offsets, {t.stages, t.pixels, 2}},
          {"points.compared", &FivePointTrees::compared, {t.stages, t.trees, t.splits, 2}},
          {"points.thresholds", &FivePointTrees::thresholds, {t.stages, t.trees, t.splits}},
          {"points.leaves",
           &FivePointTrees::leaves,
           {t.stages, t.trees, t.splits + 1, kFivePoints, 2}}};
}

std::string graph_tensor_name(const GraphTensor& tensor) {
  return std::string("graph.").append(tensor.name);
}

json provenance_to_json(const Provenance& provenance) {
  return {{"name", provenance.name}, {"licence", provenance.licence}, {"files", provenance.files}};
}

Provenance read_provenance(const ModelMetadata& metadata) {
  const json value = metadata.parsed("provenance");
  const JsonObject object(value, metadata.place("provenance"));
  Provenance provenance{object.text("name"), object.text("licence"), {}};
  const JsonObject files = object.object("files");
  for (const auto& [name, digest] : object.at("files").items()) {
    provenance.files[name] = files.text(name.c_str());
  }
  return provenance;
}

std::shared_ptr<const FivePointFinder> read_points(const ModelMetadata& metadata,
                                                   ModelTensors& tensors) {
  if (!metadata.has("points")) return nullptr;
  const json value = metadata.parsed("points");
  const JsonObject object(value, metadata.place("points"));
  const auto number = [&](const char* key) { return object.whole_number(key, 0, 100'000); };
  FivePointTrees trees;
  trees.stages = number("stages");
  trees.trees = number("trees");
  trees.splits = number("splits");
  trees.pixels = number("pixels");
  for (const PointTensor& tensor : point_tensors(trees)) {
    tensors.expect(tensor.name, tensor.shape);
    trees.*tensor.values = tensors.values(tensor.name);
  }
  try {
    return std::make_shared<FivePointFinder>(std::move(trees));
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
}

}  // namespace

std::unique_ptr<StoredEmbedder> PretrainedEmbedder::clone() const {
  return std::make_unique<PretrainedEmbedder>(*this);
}

size_t PretrainedEmbedder::size() const { return value_shapes(*graph).back().size(); }

EmbeddingLength PretrainedEmbedder::length() const {
  return unit ? EmbeddingLength::unit : EmbeddingLength::any;
}

std::unique_ptr<const ReadyEmbedder> PretrainedEmbedder::ready(const Preprocessing& input) const {
  return std::make_unique<ReadyPretrained>(*this, input);
}

void PretrainedEmbedder::store(TensorFile& file) const {
  file.metadata["kind"] = "pretrained";
  file.metadata["graph"] = graph_to_json(*graph).dump();
  file.metadata["samples"] = json{{"mean", mean}, {"scale", scale}}.dump();
  file.metadata["mirror"] = json(mirror).dump();
  file.metadata["unit"] = json(unit).dump();
  file.metadata["provenance"] = provenance_to_json(provenance).dump();
  for (const GraphTensor& tensor : graph_tensors(*graph)) {
    const GraphNode& node = graph->nodes[tensor.node];
    file.tensors.push_back(
        {graph_tensor_name(tensor), tensor.shape, tensor.bias ? node.bias : node.weight});
  }
  if (!points) return;
  const FivePointTrees& trees = points->trees();
  file.metadata["points"] = json{
      {"stages", trees.stages},
      {"trees", trees.trees},
      {"splits", trees.splits},
      {"pixels", trees.pixels}}.dump();
  for (const PointTensor& tensor : point_tensors(trees)) {
    file.tensors.push_back({tensor.name, tensor.shape, trees.*tensor.values});
  }
}

std::string PretrainedEmbedder::digest(const Model& model) const {
  Model bare = model;
  bare.embedder.as<PretrainedEmbedder>()->provenance = {};
  return bare.embedder->StoredEmbedder::digest(bare);
}

std::string PretrainedEmbedder::summary() const {
  return (provenance.name.empty() ? "a network that was trained elsewhere" : provenance.name) +
         ", " + std::to_string(weight_count(*graph)) + " parameters";
}

std::vector<std::pair<std::string, std::string>> PretrainedEmbedder::facts() const {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"network", summary()},
      {"licence", provenance.licence.empty() ? "not known" : provenance.licence},
      {"input", to_string(graph->input) + ", R, G and B"},
      {"faces", points ? "placed by the corners of the eyes and the base of the nose"
                       : "placed by eyes and mouth"},
      {"embedding",
       std::string(mirror ? "of the picture and its mirror image, summed" : "of the picture")
           .append(unit ? "; length 1" : "")}};
  for (const auto& [name, digest] : provenance.files)
    facts.emplace_back("made of", name + " " + digest);
  return facts;
}

json PretrainedEmbedder::to_json() const {
  return {{"graph", graph_to_json(*graph)},
          {"parameters", weight_count(*graph)},
          {"mean", mean},
          {"scale", scale},
          {"mirror", mirror},
          {"unit", unit},
          {"provenance", provenance_to_json(provenance)}};
}

AnyEmbedder read_pretrained(const ModelMetadata& metadata, ModelTensors& tensors,
                            const Preprocessing& input) {
  PretrainedEmbedder read;
  Graph graph = graph_from_json(metadata.parsed("graph"), metadata.place("graph"));
  const Shape made{kChannels, static_cast<size_t>(input.height), static_cast<size_t>(input.width)};
  if (made != graph.input || input.subsampling != 1 || input.standardize) {
    metadata.fail("its preprocessing gives another input than " + to_string(graph.input) +
                  ", which its network takes");
  }
  const json samples = metadata.parsed("samples");
  const JsonObject object(samples, metadata.place("samples"));
  read.mean = object.numbers("mean", kChannels);
  const auto too_large = [](double value) { return std::abs(value) > kMostMean; };
  if (std::ranges::any_of(read.mean, too_large)) {
    object.refuse("mean", "numbers between -1e6 and 1e6");
  }
  read.scale = object.number("scale", -kMostMean, kMostMean);
  const auto truth = [&](const char* key) {
    const json value = metadata.parsed(key);
    if (!value.is_boolean()) metadata.fail(std::string("\"") + key + "\" must be true or false");
    return value.get<bool>();
  };
  read.mirror = truth("mirror");
  read.unit = truth("unit");
  read.provenance = read_provenance(metadata);
  const std::vector<GraphTensor> described = graph_tensors(graph);
  for (const GraphTensor& tensor : described)
    tensors.expect(graph_tensor_name(tensor), tensor.shape);
  for (const GraphTensor& tensor : described) {
    GraphNode& node = graph.nodes[tensor.node];
    (tensor.bias ? node.bias : node.weight) = tensors.values(graph_tensor_name(tensor));
  }
  read.graph = std::make_shared<const Graph>(std::move(graph));
  read.points = read_points(metadata, tensors);
  tensors.expect_no_others();
  return read;
}

Model dlib_face_model(std::string_view network, const std::string& network_name,
                      std::string_view points, const std::string& points_name) {
  DlibNetwork dlib = read_dlib_network(network, network_name);
  PretrainedEmbedder embedder;
  embedder.mean = {double{dlib.mean[0]}, double{dlib.mean[1]}, double{dlib.mean[2]}};
  embedder.scale = double{dlib.scale};
  embedder.mirror = embedder.unit = true;
  embedder.points = std::make_shared<FivePointFinder>(read_dlib_five_points(points, points_name));
  embedder.provenance.files = {{network_name, sha256_hex(network)},
                               {points_name, sha256_hex(points)}};
  if (embedder.provenance.files[network_name] == kDlibNetwork &&
      embedder.provenance.files[points_name] == kDlibPoints) {
    embedder.provenance.name = "dlib's face recognition network";
    embedder.provenance.licence = "CC0 1.0 (public domain)";
  }
  Model model;
  model.preprocessing = {.width = static_cast<int>(dlib.graph.input.width),
                         .height = static_cast<int>(dlib.graph.input.height),
                         .subsampling = 1,
                         .standardize = false,
                         .align = true};
  model.energy.kind = EnergyKind::cosine;
  embedder.graph = std::make_shared<const Graph>(std::move(dlib.graph));
  model.embedder = std::move(embedder);
  return model;
}

}  // namespace doppel::internal
