// The kind of embedder that was trained elsewhere and is run here: a graph with its weights, what
// it takes of a picture, and the trees that place the faces for it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppel/face/five_points.h"
#include "doppel/graph/graph.h"
#include "doppel/model/model_file.h"
#include "doppel/model/stored_embedder.h"

namespace doppel::internal {

struct Model;

// Where a network comes from.
struct Provenance {
  std::string name;                          // "dlib's face recognition network"
  std::string licence;                       // "CC0 1.0"
  std::map<std::string, std::string> files;  // SHA-256 of each that it was made of, by its name
};

// An embedding is what the graph gives, or the sum of that of the picture and of its mirror
// image; of length 1 where that is asked for.
struct PretrainedEmbedder final : StoredEmbedder {
  std::shared_ptr<const Graph> graph;  // of 3 channels: R, G and B
  // What it takes of a sample v in 0 .. 255 is (v - mean) * scale; a mean for each channel.
  std::vector<double> mean;
  double scale = 1;
  bool mirror = false;
  bool unit = false;
  std::shared_ptr<const FivePointFinder> points;  // null: faces are not placed by five points
  Provenance provenance;

  std::unique_ptr<StoredEmbedder> clone() const override;
  size_t size() const override;
  EmbeddingLength length() const override;
  bool takes_color() const override { return true; }
  size_t networks() const override { return 1; }
  std::shared_ptr<const FivePointFinder> five_points() const override { return points; }
  std::unique_ptr<const ReadyEmbedder> ready(const Preprocessing& input) const override;
  void store(TensorFile& file) const override;
  bool stays_in_its_file() const override { return false; }
  std::string digest(const Model& model) const override;  // without the provenance
  std::string summary() const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;
  nlohmann::json to_json() const override;
};

// Back from what store() put into a file. Throws Error(bad_data) naming the part that is wrong.
AnyEmbedder read_pretrained(const ModelMetadata& metadata, ModelTensors& tensors,
                            const Preprocessing& input);

// Of the files of dlib's network and of its five points, with their names: the model that takes
// faces of 150 x 150 pixels, image and mirror image summed, embeddings of length 1. Files that are
// known by their digests bring their licence. Throws Error(bad_data).
Model dlib_face_model(std::string_view network, const std::string& network_name,
                      std::string_view points, const std::string& points_name);

}  // namespace doppel::internal
