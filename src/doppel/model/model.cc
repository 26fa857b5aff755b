#include "doppel/model/model.h"

#include <map>
#include <span>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/model/embedder_kinds.h"
#include "doppel/model/model_file.h"
#include "doppel/model/safetensors.h"
#include "doppel/model/threshold_fault.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel model 4";
constexpr int kMostExtent = 16384;  // of a picture, as decoders have it

Preprocessing read_preprocessing(const ModelMetadata& metadata) {
  const json value = metadata.parsed("preprocessing");
  const JsonObject object(value, metadata.place("preprocessing"));
  const auto extent = [&](const char* key) {
    return static_cast<int>(object.whole_number(key, 1, kMostExtent));
  };
  Preprocessing p;
  p.width = extent("width");
  p.height = extent("height");
  p.subsampling = extent("step");
  p.standardize = object.truth("standardize");
  p.align = object.truth("align");
  return p;
}

TrainingRecord read_training(const ModelMetadata& metadata) {
  TrainingRecord record;
  record.recipe = metadata.parsed("recipe");
  const json value = metadata.parsed("data");
  const JsonObject data(value, metadata.place("data"));
  record.identities = data.whole_number("identities", 0, UINT32_MAX);
  record.images = data.whole_number("images", 0, UINT32_MAX);
  record.data_digest = data.text("digest");
  data.read("synthetic", record.synthetic);
  record.seed = metadata.whole_number("seed", UINT64_MAX);
  const json history = metadata.parsed("history");
  if (!history.is_array()) metadata.fail("its \"history\" is no list");
  for (const json& epoch : history) {
    record.history.push_back(losses_from_json(epoch, metadata.place("history")));
  }
  return record;
}

// What shapes an embedding and its energy.
TensorFile embedding_parts(const Model& model) {
  TensorFile file;
  file.metadata = {{"format", kFormat},
                   {"preprocessing", json{{"width", model.preprocessing.width},
                                          {"height", model.preprocessing.height},
                                          {"step", model.preprocessing.subsampling},
                                          {"standardize", model.preprocessing.standardize},
                                          {"align", model.preprocessing.align}}
                                         .dump()},
                   {"energy", to_json(model.energy).dump()}};
  model.embedder->store(file);
  return file;
}

const EmbedderKind& kind_of(const ModelMetadata& metadata) {
  const std::string name = metadata.has("kind") ? metadata.text("kind") : "twin_networks";
  for (const EmbedderKind& kind : embedder_kinds()) {
    if (kind.name == name && kind.read != nullptr) return kind;
  }
  metadata.fail("its kind \"" + name.substr(0, 80) + "\" is unknown to this program");
}

}  // namespace

nlohmann::json losses_to_json(const EpochLosses& losses) {
  json result = {{"loss", losses.loss}};
  if (losses.validation_loss) result["val_loss"] = *losses.validation_loss;
  return result;
}

EpochLosses losses_from_json(const nlohmann::json& value, const std::string& where) {
  const JsonObject object(value, where);
  EpochLosses losses{object.number("loss"), std::nullopt};
  object.read("val_loss", losses.validation_loss);
  return losses;
}

size_t embedding_size(const Model& model) { return model.embedder->size(); }

std::string embedding_digest(const Model& model) { return model.embedder->digest(model); }

std::string StoredEmbedder::digest(const Model& model) const {
  Blake2b digest;
  const TensorFile parts = embedding_parts(model);
  for (const auto& [key, text] : parts.metadata) digest.add(key + "\n" + text + "\n");
  for (const NamedTensor& tensor : parts.tensors) {
    const std::span<const float> values = tensor.values;
    digest.add({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  return digest.hex();
}

std::string encode_model(const Model& model) {
  TensorFile file = embedding_parts(model);
  json data = {{"digest", model.training.data_digest},
               {"identities", model.training.identities},
               {"images", model.training.images}};
  if (model.training.synthetic) data["synthetic"] = true;
  json history = json::array();
  for (const EpochLosses& epoch : model.training.history) history.push_back(losses_to_json(epoch));
  file.metadata.merge(std::map<std::string, std::string>{
      {"version", model.version},
      {"recipe", model.training.recipe.dump()},
      {"seed", std::to_string(model.training.seed)},
      {"history", history.dump()},
      {"data", data.dump()},
      {"seen", to_json(model.training.seen).dump()},
  });
  if (model.threshold) file.metadata["threshold"] = stored_json(*model.threshold).dump();
  return encode_safetensors(file);
}

Model decode_model(std::string_view bytes, const std::string& name) {
  const TensorFile file = decode_safetensors(bytes, name);
  const ModelMetadata metadata(file.metadata, name);
  if (metadata.text("format") != kFormat) {
    metadata.fail("its format is \"" + metadata.text("format") + "\", this program reads \"" +
                  kFormat + "\"");
  }
  Model model;
  model.version = metadata.text("version");
  model.energy = energy_from_json(metadata.parsed("energy"), name);
  model.preprocessing = read_preprocessing(metadata);
  model.training = read_training(metadata);
  model.training.seen = seen_people_from_json(metadata.parsed("seen"), name);
  if (metadata.has("threshold")) {
    model.threshold = threshold_from_json(metadata.parsed("threshold"), name);
  }
  ModelTensors tensors(file, metadata);
  model.embedder = kind_of(metadata).read(metadata, tensors, model.preprocessing);
  if (const auto fault = decision_fault(model)) metadata.fail(*fault);
  return model;
}

std::optional<std::string> decision_fault(const Model& model) {
  const size_t weights = model.energy.weights.size(), size = embedding_size(model);
  if (model.energy.kind == EnergyKind::weighted_l1 && weights != size) {
    return "its energy has " + std::to_string(weights) + " weights, its embeddings have " +
           std::to_string(size) + " values";
  }
  if (!model.threshold) return {};
  const auto fault =
      threshold_fault(*model.threshold, model.energy, model.embedder->length(), size);
  if (fault) return "its threshold " + *fault;
  return {};
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file_atomically(path, encode_model(model));
}

Model load_model(const std::filesystem::path& path) {
  for (const EmbedderKind& kind : embedder_kinds()) {
    if (kind.load != nullptr && path.extension() == kind.extension) return kind.load(path);
  }
  return decode_model(read_file(path, kMostModelBytes), path.string());
}

}  // namespace doppel::internal
