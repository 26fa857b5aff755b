#include "doppel/model/model.h"

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/model/safetensors.h"
#include "doppel/nn/engine.h"

namespace doppel {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel model 1";
constexpr size_t kMostModelBytes = size_t{2} << 30;
constexpr int kMostExtent = 16384;  // of a picture, as decoders have it

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
  record.seed = metadata.number({{"seed", metadata.parsed("seed")}}, "seed", UINT64_MAX);
  const json history = metadata.parsed("history");
  if (!history.is_array()) metadata.fail("its \"history\" is no list");
  for (const json& epoch : history) {
    if (!epoch.is_object() || !epoch.contains("loss") || !epoch["loss"].is_number() ||
        !epoch.contains("val_loss") || !epoch["val_loss"].is_number()) {
      metadata.fail("its \"history\" holds an epoch without losses");
    }
    record.history.push_back({epoch["loss"].get<double>(), epoch["val_loss"].get<double>()});
  }
  return record;
}

}  // namespace

std::string encode_model(const Model& model) {
  TensorFile file;
  for (const Tensor& tensor : parameter_tensors(model.network)) {
    const float* values = model.parameters.data() + tensor.offset;
    file.tensors.push_back({tensor.name, tensor.shape, {values, values + tensor.size}});
  }
  json history = json::array();
  for (const EpochLosses& epoch : model.training.history) {
    history.push_back({{"loss", epoch.loss}, {"val_loss", epoch.validation_loss}});
  }
  file.metadata = {
      {"format", kFormat},
      {"version", model.version},
      {"network", network_to_json(model.network).dump()},
      {"preprocessing", json{{"width", model.preprocessing.width},
                             {"height", model.preprocessing.height},
                             {"step", model.preprocessing.step}}
                            .dump()},
      {"energy", model.energy},
      {"recipe", model.training.recipe.dump()},
      {"seed", std::to_string(model.training.seed)},
      {"history", history.dump()},
      {"data", json{{"digest", model.training.data_digest},
                    {"identities", model.training.identities},
                    {"images", model.training.images}}
                   .dump()},
  };
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
  model.energy = metadata.text("energy");
  if (model.energy != "euclidean") {
    metadata.fail("its energy is \"" + model.energy + "\", this program knows \"euclidean\"");
  }
  try {
    model.network = network_from_json(metadata.parsed("network"));
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  model.preprocessing = read_preprocessing(metadata);
  const Shape input{1, model.preprocessing.input_height(), model.preprocessing.input_width()};
  if (input != model.network.input) {
    metadata.fail("its preprocessing gives " + to_string(input) + ", its network takes " +
                  to_string(model.network.input));
  }
  model.training = read_training(metadata);
  const std::vector<Tensor> expected = parameter_tensors(model.network);
  if (expected.size() != file.tensors.size()) {
    metadata.fail("it has " + std::to_string(file.tensors.size()) + " tensors, its network needs " +
                  std::to_string(expected.size()));
  }
  std::map<std::string, const NamedTensor*> by_name;
  for (const NamedTensor& tensor : file.tensors) by_name[tensor.name] = &tensor;
  // All shapes first: a description must not make us take memory that its file does not fill.
  for (const Tensor& tensor : expected) {
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) metadata.fail("tensor \"" + tensor.name + "\" is missing");
    if (found->second->shape != tensor.shape) {
      metadata.fail("tensor \"" + tensor.name + "\" has another shape than its network demands");
    }
  }
  for (const Tensor& tensor : expected) {
    const std::vector<float>& values = by_name[tensor.name]->values;
    model.parameters.insert(model.parameters.end(), values.begin(), values.end());
  }
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file_atomically(path, encode_model(model));
}

Model load_model(const std::filesystem::path& path) {
  return decode_model(read_file(path, kMostModelBytes), path.string());
}

Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  const Matrix inputs = preprocess(images, model.preprocessing);
  std::vector<const float*> rows;
  for (size_t i = 0; i < inputs.rows; ++i) rows.push_back(inputs.row(i).data());
  return Engine(model.network, pool).embed(model.parameters, rows);
}

}  // namespace doppel
