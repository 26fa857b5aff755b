#include "doppel/model/model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/safetensors.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/nn/engine.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel model 4";
constexpr size_t kMostModelBytes = size_t{2} << 30;
constexpr size_t kMostMembers = 64;
constexpr double kMostWeight = 1e6;
constexpr const char* kWhiteningMean = "gradients.mean";
constexpr const char* kWhiteningTransform = "gradients.transform";
constexpr int kMostExtent = 16384;  // of a picture, as decoders have it

bool is_negative(float value) { return value < 0; }

// One metadata text after the other, with errors that name it.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& texts, const std::string& name)
      : texts_(texts), name_(name) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": " + what);
  }

  const std::string& text(const char* key) const {
    const auto found = texts_.find(key);
    if (found == texts_.end()) fail(std::string("no Doppel model: it has no \"") + key + "\"");
    return found->second;
  }

  json parsed(const char* key) const {
    json value = json::parse(text(key), nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) fail(std::string("its \"") + key + "\" is no JSON");
    return value;
  }

  uint64_t number(const json& object, const char* field, uint64_t most) const {
    if (!object.is_object() || !object.contains(field) || !object[field].is_number_unsigned() ||
        object[field].get<uint64_t>() > most) {
      fail(std::string("its \"") + field + "\" is not a whole number of at most " +
           std::to_string(most));
    }
    return object[field].get<uint64_t>();
  }

 private:
  const std::map<std::string, std::string>& texts_;
  const std::string& name_;
};

Preprocessing read_preprocessing(const Metadata& metadata) {
  const json value = metadata.parsed("preprocessing");
  Preprocessing p;
  p.width = static_cast<int>(metadata.number(value, "width", kMostExtent));
  p.height = static_cast<int>(metadata.number(value, "height", kMostExtent));
  p.step = static_cast<int>(metadata.number(value, "step", kMostExtent));
  for (const auto& [key, field] : {std::pair{"standardize", &p.standardize}, {"align", &p.align}}) {
    if (!value.contains(key) || !value[key].is_boolean()) {
      metadata.fail(std::string("its \"") + key + "\" is neither true nor false");
    }
    *field = value[key].get<bool>();
  }
  if (p.width < 1 || p.height < 1 || p.step < 1) {
    metadata.fail("its \"preprocessing\" has a size of 0");
  }
  return p;
}

TrainingRecord read_training(const Metadata& metadata) {
  TrainingRecord record;
  record.recipe = metadata.parsed("recipe");
  const json data = metadata.parsed("data");
  record.identities = metadata.number(data, "identities", UINT32_MAX);
  record.images = metadata.number(data, "images", UINT32_MAX);
  if (!data.contains("digest") || !data["digest"].is_string()) {
    metadata.fail("its \"data\" has no \"digest\"");
  }
  record.data_digest = data["digest"].get<std::string>();
  if (data.contains("synthetic")) {
    if (!data["synthetic"].is_boolean()) {
      metadata.fail("its \"synthetic\" is neither true nor false");
    }
    record.synthetic = data["synthetic"].get<bool>();
  }
  record.seed = metadata.number({{"seed", metadata.parsed("seed")}}, "seed", UINT64_MAX);
  const json history = metadata.parsed("history");
  if (!history.is_array()) metadata.fail("its \"history\" is no list");
  for (const json& epoch : history) {
    const std::optional<EpochLosses> losses = losses_from_json(epoch);
    if (!losses) metadata.fail("its \"history\" holds an epoch without losses");
    record.history.push_back(*losses);
  }
  return record;
}

// Its whitening is read with the tensors.
GradientTerm read_gradients(const Metadata& metadata, const Shape& input) {
  const json value = metadata.parsed("gradients");
  GradientTerm term;
  term.histograms.cell = metadata.number(value, "cell", UINT32_MAX);
  term.histograms.bins = metadata.number(value, "bins", UINT32_MAX);
  if (!value.contains("weight") || !value["weight"].is_number()) {
    metadata.fail("its \"gradients\" have no weight");
  }
  term.weight = value["weight"].get<double>();
  if (!(term.weight >= 0 && term.weight <= kMostWeight)) {
    metadata.fail("its \"gradients\" have an impossible weight");
  }
  try {
    term.histograms.check();
    if (term.weight > 0) GradientHistograms(term.histograms, {input.height, input.width}).size();
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  return term;
}

// A file's tensors by their names.
class TensorTable {
 public:
  TensorTable(const TensorFile& file, const Metadata& metadata) : metadata_(metadata) {
    for (const NamedTensor& tensor : file.tensors) by_name_[tensor.name] = &tensor;
  }

  void expect(const std::string& name, const std::vector<size_t>& shape) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) metadata_.fail("tensor \"" + name + "\" is missing");
    if (found->second->shape != shape) {
      metadata_.fail("tensor \"" + name + "\" has another shape than its model demands");
    }
    ++expected_;
  }
  void expect_no_others() const {
    if (expected_ != by_name_.size()) {
      metadata_.fail("it has " + std::to_string(by_name_.size()) + " tensors, its model needs " +
                     std::to_string(expected_));
    }
  }
  const std::vector<float>& values(const std::string& name) const {
    return by_name_.at(name)->values;
  }

 private:
  const Metadata& metadata_;
  std::map<std::string, const NamedTensor*> by_name_;
  size_t expected_ = 0;
};

GradientHistograms histograms_of(const Model& model) {
  return {model.gradients.histograms, {model.network.input.height, model.network.input.width}};
}

// What shapes an embedding and its energy, beside the tensors.
std::map<std::string, std::string> embedding_metadata(const Model& model) {
  return {
      {"format", kFormat},
      {"network", network_to_json(model.network).dump()},
      {"members", std::to_string(model.members.size())},
      {"preprocessing", json{{"width", model.preprocessing.width},
                             {"height", model.preprocessing.height},
                             {"step", model.preprocessing.step},
                             {"standardize", model.preprocessing.standardize},
                             {"align", model.preprocessing.align}}
                            .dump()},
      {"views", views_to_json(model.views).dump()},
      {"gradients", json{{"cell", model.gradients.histograms.cell},
                         {"bins", model.gradients.histograms.bins},
                         {"weight", model.gradients.weight}}
                        .dump()},
      {"energy", to_json(model.energy).dump()},
  };
}

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

// Several members' tensors have their number before the name.
std::string tensor_name(const Tensor& tensor, size_t member, size_t members) {
  return members == 1 ? tensor.name
                      : std::string("member").append(std::to_string(member)) + "." + tensor.name;
}

}  // namespace

nlohmann::json losses_to_json(const EpochLosses& losses) {
  json result = {{"loss", losses.loss}};
  if (losses.validation_loss) result["val_loss"] = *losses.validation_loss;
  return result;
}

std::optional<EpochLosses> losses_from_json(const nlohmann::json& value) {
  if (!value.is_object() || !value.contains("loss") || !value["loss"].is_number()) return {};
  EpochLosses losses{value["loss"].get<double>(), std::nullopt};
  if (value.contains("val_loss")) {
    if (!value["val_loss"].is_number()) return {};
    losses.validation_loss = value["val_loss"].get<double>();
  }
  return losses;
}

size_t embedding_size(const Model& model) {
  if (model.foreign) return model.foreign->network->embedding_size();
  return model.members.size() * embedding_size(model.network) + model.gradients.whitening.size();
}

std::string embedding_digest(const Model& model) {
  Blake2b digest;
  if (model.foreign) {
    Model bare = model;
    bare.threshold.reset();
    bare.training = {};
    digest.add(model.foreign->digest + describe_embedder(bare).dump());
    return digest.hex();
  }
  for (const auto& [key, text] : embedding_metadata(model)) digest.add(key + "\n" + text + "\n");
  for (const std::vector<float>& member : model.members) digest.add(bytes_of(member));
  digest.add(bytes_of(model.gradients.whitening.mean));
  digest.add(bytes_of(model.gradients.whitening.transform.values));
  return digest.hex();
}

std::string encode_model(const Model& model) {
  if (model.foreign) {
    throw Error(ErrorKind::bad_argument,
                "model: somebody else's network stays the ONNX file that it is");
  }
  TensorFile file;
  const size_t members = model.members.size();
  for (size_t m = 0; m < members; ++m) {
    for (const Tensor& tensor : parameter_tensors(model.network)) {
      const float* values = model.members[m].data() + tensor.offset;
      file.tensors.push_back(
          {tensor_name(tensor, m, members), tensor.shape, {values, values + tensor.size}});
    }
  }
  if (const Whitening& whitening = model.gradients.whitening; whitening.size() > 0) {
    const size_t size = whitening.size();
    file.tensors.push_back({kWhiteningMean, {size}, whitening.mean});
    file.tensors.push_back({kWhiteningTransform, {size, size}, whitening.transform.values});
  }
  json data = {{"digest", model.training.data_digest},
               {"identities", model.training.identities},
               {"images", model.training.images}};
  if (model.training.synthetic) data["synthetic"] = true;
  json history = json::array();
  for (const EpochLosses& epoch : model.training.history) history.push_back(losses_to_json(epoch));
  file.metadata = embedding_metadata(model);
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
  const Metadata metadata(file.metadata, name);
  if (metadata.text("format") != kFormat) {
    metadata.fail("its format is \"" + metadata.text("format") + "\", this program reads \"" +
                  kFormat + "\"");
  }
  Model model;
  model.version = metadata.text("version");
  model.energy = energy_from_json(metadata.parsed("energy"), name);
  try {
    model.network = network_from_json(metadata.parsed("network"));
    model.views = views_from_json(metadata.parsed("views"));
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  model.preprocessing = read_preprocessing(metadata);
  model.gradients = read_gradients(metadata, model.network.input);
  const Shape input{1, model.preprocessing.input_height(), model.preprocessing.input_width()};
  if (input != model.network.input) {
    metadata.fail("its preprocessing gives " + to_string(input) + ", its network takes " +
                  to_string(model.network.input));
  }
  model.training = read_training(metadata);
  model.training.seen = seen_people_from_json(metadata.parsed("seen"), name);
  if (file.metadata.contains("threshold")) {
    model.threshold = threshold_from_json(metadata.parsed("threshold"), name);
  }
  const size_t members =
      metadata.number({{"members", metadata.parsed("members")}}, "members", kMostMembers);
  if (members < 1) metadata.fail("it has no members");
  // All shapes before any values: a description must not make us take memory that its file does
  // not fill.
  const std::vector<Tensor> tensors = parameter_tensors(model.network);
  TensorTable table(file, metadata);
  for (size_t m = 0; m < members; ++m) {
    for (const Tensor& tensor : tensors) {
      table.expect(tensor_name(tensor, m, members), tensor.shape);
    }
  }
  if (model.gradients.weight > 0) {
    const size_t size = histograms_of(model).size();
    table.expect(kWhiteningMean, {size});
    table.expect(kWhiteningTransform, {size, size});
  }
  table.expect_no_others();
  for (size_t m = 0; m < members; ++m) {
    model.members.emplace_back().reserve(parameter_count(model.network));
    for (const Tensor& tensor : tensors) {
      const std::vector<float>& values = table.values(tensor_name(tensor, m, members));
      if (tensor.name.ends_with(".running_var") && std::ranges::any_of(values, is_negative)) {
        metadata.fail("tensor \"" + tensor.name + "\" holds a variance below 0");
      }
      model.members[m].insert(model.members[m].end(), values.begin(), values.end());
    }
  }
  if (model.gradients.weight > 0) {
    Whitening& whitening = model.gradients.whitening;
    whitening.mean = table.values(kWhiteningMean);
    whitening.transform = Matrix(whitening.size(), whitening.size());
    whitening.transform.values = table.values(kWhiteningTransform);
  }
  if (model.energy.kind == EnergyKind::weighted_l1 &&
      model.energy.weights.size() != embedding_size(model)) {
    metadata.fail("its energy has " + std::to_string(model.energy.weights.size()) +
                  " weights, its embeddings have " + std::to_string(embedding_size(model)) +
                  " values");
  }
  if (model.threshold) {
    if (const auto fault = threshold_fault(*model.threshold, model.energy, embedding_length(model),
                                           embedding_size(model))) {
      metadata.fail("its threshold " + *fault);
    }
  }
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file_atomically(path, encode_model(model));
}

Model load_model(const std::filesystem::path& path) {
  if (path.extension() == ".onnx") return load_foreign(path);
  return decode_model(read_file(path, kMostModelBytes), path.string());
}

}  // namespace doppel::internal
