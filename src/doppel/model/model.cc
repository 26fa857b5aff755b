#include "doppel/model/model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/model/safetensors.h"
#include "doppel/nn/engine.h"

namespace doppel {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel model 2";
constexpr size_t kMostModelBytes = size_t{2} << 30;
constexpr size_t kMostMembers = 64;
constexpr size_t kMostReduce = 64;
constexpr size_t kInputsAtOnce = 1024;
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
  if (!value.contains("standardize") || !value["standardize"].is_boolean()) {
    metadata.fail("its \"standardize\" is neither true nor false");
  }
  p.standardize = value["standardize"].get<bool>();
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
    const std::optional<EpochLosses> losses = losses_from_json(epoch);
    if (!losses) metadata.fail("its \"history\" holds an epoch without losses");
    record.history.push_back(*losses);
  }
  return record;
}

PictureTerm read_picture(const Metadata& metadata, const Shape& input) {
  const json value = metadata.parsed("picture");
  PictureTerm picture;
  picture.reduce = metadata.number(value, "reduce", kMostReduce);
  if (!value.contains("weight") || !value["weight"].is_number()) {
    metadata.fail("its \"picture\" has no weight");
  }
  picture.weight = value["weight"].get<double>();
  const bool fits = picture.weight == 0 || picture.reduce <= std::min(input.height, input.width);
  if (picture.reduce < 1 || !fits || !(picture.weight >= 0 && picture.weight <= 1e6)) {
    metadata.fail("its \"picture\" has an impossible size or weight");
  }
  return picture;
}

Energy read_energy(const Metadata& metadata) {
  const json value = metadata.parsed("energy");
  if (!value.is_object() || !value.contains("kind") || !value["kind"].is_string()) {
    metadata.fail("its \"energy\" has no \"kind\"");
  }
  Energy energy;
  if (!value.is_object() || !value.contains("kind") || !value["kind"].is_string()) {
    metadata.fail("its \"energy\" has no kind");
  }
  try {
    energy.kind = energy_named(value["kind"].get<std::string>());
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  if (energy.kind != EnergyKind::weighted_l1) return energy;
  const auto is_number = [](const json& number) { return number.is_number(); };
  if (!value.contains("weights") || !value["weights"].is_array() || !value.contains("bias") ||
      !value["bias"].is_number() || !std::ranges::all_of(value["weights"], is_number)) {
    metadata.fail("its \"energy\" has no weights and bias");
  }
  energy.weights = value["weights"].get<std::vector<float>>();
  energy.bias = value["bias"].get<float>();
  return energy;
}

json energy_json(const Energy& energy) {
  json value = {{"kind", to_string(energy.kind)}};
  if (energy.kind == EnergyKind::weighted_l1) {
    value["weights"] = energy.weights;
    value["bias"] = energy.bias;
  }
  return value;
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

namespace {

size_t picture_size(const Model& model) {
  const Shape& input = model.network.input;
  if (model.picture.weight == 0) return 0;
  return input.height / model.picture.reduce * (input.width / model.picture.reduce);
}

}  // namespace

size_t embedding_size(const Model& model) {
  return model.members.size() * embedding_size(model.network) + picture_size(model);
}

std::string encode_model(const Model& model) {
  TensorFile file;
  const size_t members = model.members.size();
  for (size_t m = 0; m < members; ++m) {
    for (const Tensor& tensor : parameter_tensors(model.network)) {
      const float* values = model.members[m].data() + tensor.offset;
      file.tensors.push_back(
          {tensor_name(tensor, m, members), tensor.shape, {values, values + tensor.size}});
    }
  }
  json history = json::array();
  for (const EpochLosses& epoch : model.training.history) history.push_back(losses_to_json(epoch));
  file.metadata = {
      {"format", kFormat},
      {"version", model.version},
      {"network", network_to_json(model.network).dump()},
      {"members", std::to_string(members)},
      {"preprocessing", json{{"width", model.preprocessing.width},
                             {"height", model.preprocessing.height},
                             {"step", model.preprocessing.step},
                             {"standardize", model.preprocessing.standardize}}
                            .dump()},
      {"views", views_to_json(model.views).dump()},
      {"picture", json{{"reduce", model.picture.reduce}, {"weight", model.picture.weight}}.dump()},
      {"energy", energy_json(model.energy).dump()},
      {"recipe", model.training.recipe.dump()},
      {"seed", std::to_string(model.training.seed)},
      {"history", history.dump()},
      {"data", json{{"digest", model.training.data_digest},
                    {"identities", model.training.identities},
                    {"images", model.training.images}}
                   .dump()},
      {"seen", to_json(model.training.seen).dump()},
  };
  if (model.threshold) file.metadata["threshold"] = to_json(*model.threshold).dump();
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
  model.energy = read_energy(metadata);
  try {
    model.network = network_from_json(metadata.parsed("network"));
    model.views = views_from_json(metadata.parsed("views"));
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  model.preprocessing = read_preprocessing(metadata);
  model.picture = read_picture(metadata, model.network.input);
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
  const std::vector<Tensor> tensors = parameter_tensors(model.network);
  if (members * tensors.size() != file.tensors.size()) {
    metadata.fail("it has " + std::to_string(file.tensors.size()) + " tensors, its network needs " +
                  std::to_string(members * tensors.size()));
  }
  std::map<std::string, const NamedTensor*> by_name;
  for (const NamedTensor& tensor : file.tensors) by_name[tensor.name] = &tensor;
  // All shapes first: a description must not make us take memory that its file does not fill.
  for (size_t m = 0; m < members; ++m) {
    for (const Tensor& tensor : tensors) {
      const std::string wanted = tensor_name(tensor, m, members);
      const auto found = by_name.find(wanted);
      if (found == by_name.end()) metadata.fail("tensor \"" + wanted + "\" is missing");
      if (found->second->shape != tensor.shape) {
        metadata.fail("tensor \"" + wanted + "\" has another shape than its network demands");
      }
    }
  }
  for (size_t m = 0; m < members; ++m) {
    model.members.emplace_back();
    for (const Tensor& tensor : tensors) {
      const std::vector<float>& values = by_name[tensor_name(tensor, m, members)]->values;
      if (tensor.name.ends_with(".running_var") && std::ranges::any_of(values, is_negative)) {
        metadata.fail("tensor \"" + tensor.name + "\" holds a variance below 0");
      }
      model.members[m].insert(model.members[m].end(), values.begin(), values.end());
    }
  }
  if (model.energy.kind == EnergyKind::weighted_l1 &&
      model.energy.weights.size() != embedding_size(model)) {
    metadata.fail("its energy has " + std::to_string(model.energy.weights.size()) +
                  " weights, its embeddings have " + std::to_string(embedding_size(model)) +
                  " values");
  }
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file_atomically(path, encode_model(model));
}

Model load_model(const std::filesystem::path& path) {
  return decode_model(read_file(path, kMostModelBytes), path.string());
}

namespace {

void add(std::span<const float> from, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void scale(std::span<float> values, double factor) {
  for (float& v : values) v = static_cast<float>(v * factor);
}

void make_unit(std::span<float> values) {
  double squares = 0;
  for (float v : values) squares += double{v} * v;
  scale(values, 1 / std::max(std::sqrt(squares), 1e-12));
}

// Adds the means of reduce x reduce pixels; rows and columns left over are dropped.
void add_reduced(std::span<const float> look, ImageShape shape, size_t reduce,
                 std::span<float> picture) {
  const size_t width = shape.width / reduce;
  const float share = 1 / static_cast<float>(reduce * reduce);
  for (size_t i = 0; i < shape.height / reduce * reduce; ++i) {
    for (size_t j = 0; j < width * reduce; ++j) {
      picture[i / reduce * width + j / reduce] += share * look[i * shape.width + j];
    }
  }
}

// Every view of the inputs first .. first + count - 1, those of an input one behind the other.
Matrix looks_of(const Model& model, const Matrix& inputs, size_t first, size_t count,
                ThreadPool& pool) {
  const size_t views = model.views.count(), size = views * inputs.columns;
  const ImageShape shape{model.network.input.height, model.network.input.width};
  Matrix looks(count * views, inputs.columns);
  pool.parallel_for(count, [&](size_t i, size_t) {
    make_views(model.views, shape, inputs.row(first + i),
               std::span<float>(looks.values).subspan(i * size, size));
  });
  return looks;
}

}  // namespace

Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  return embed_inputs(model, preprocess(images, model.preprocessing, pool), pool);
}

Matrix embed_inputs(const Model& model, const Matrix& inputs, ThreadPool& pool) {
  const size_t size = embedding_size(model.network), members = model.members.size();
  const size_t views = model.views.count(), pictures = picture_size(model);
  const ImageShape shape{model.network.input.height, model.network.input.width};
  const bool unit = std::holds_alternative<L2Normalize>(model.network.layers.back());
  const double weight = pictures > 0 ? model.picture.weight : 0;
  // Of the whole, and with it of the networks' part, so that unit parts make a unit whole.
  const double whole = unit ? 1 / std::sqrt(1 + weight) : 1;
  std::vector<FoldedNetwork> folded;
  std::vector<std::unique_ptr<Engine>> engines;
  for (const std::vector<float>& member : model.members) {
    folded.push_back(fold_batch_norm(model.network, member));
    engines.push_back(std::make_unique<Engine>(folded.back().network, pool));
  }
  Matrix result(inputs.rows, embedding_size(model));
  // So many images at a time that their views take little memory.
  const size_t step = std::max<size_t>(1, kInputsAtOnce / views);
  for (size_t first = 0; first < inputs.rows; first += step) {
    const size_t count = std::min(step, inputs.rows - first);
    const Matrix looks = looks_of(model, inputs, first, count, pool);
    std::vector<const float*> rows;
    for (size_t i = 0; i < looks.rows; ++i) rows.push_back(looks.row(i).data());
    for (size_t m = 0; m < members; ++m) {
      const Matrix embeddings = engines[m]->embed(folded[m].parameters, rows);
      for (size_t i = 0; i < count; ++i) {
        const std::span<float> out = result.row(first + i).subspan(m * size, size);
        for (size_t v = 0; v < views; ++v) add(embeddings.row(i * views + v), out);
        if (views > 1) scale(out, 1 / static_cast<double>(views));
        if (views > 1 && unit) make_unit(out);
        const double factor = whole / std::sqrt(static_cast<double>(members));
        if (factor != 1) scale(out, factor);
      }
    }
    for (size_t i = 0; pictures > 0 && i < count; ++i) {
      const std::span<float> out = result.row(first + i).subspan(members * size);
      for (size_t v = 0; v < views; ++v) {
        add_reduced(looks.row(i * views + v), shape, model.picture.reduce, out);
      }
      make_unit(out);
      scale(out, whole * std::sqrt(weight));
    }
  }
  return result;
}

}  // namespace doppel
