#include "doppel/model/foreign.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/image/resize.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold_fault.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kEmbedderFormat = "doppel embedder 1";
constexpr size_t kMostForeignBytes = size_t{256} << 20, kMostDescriptionBytes = size_t{64} << 20;
constexpr int kMostSide = 4096;  // of what a network takes

// One field after the other, with errors that name it.
class Fields {
 public:
  Fields(const json& object, const std::string& where) : object_(object), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, where_ + ": " + what);
  }
  [[noreturn]] void fail(const char* key, const std::string& expected) const {
    fail(
        std::string("\"") + key + "\" must be " + expected +
        (object_.contains(key) ? ", not " + object_[key].dump().substr(0, 80) : "; it is missing"));
  }
  bool has(const char* key) const { return object_.contains(key); }
  const json& at(const char* key) const {
    if (!has(key)) fail(std::string("\"") + key + "\" is missing");
    return object_[key];
  }

  int side(const char* key) const {
    if (!has(key) || !object_[key].is_number_unsigned() || object_[key].get<uint64_t>() < 1 ||
        object_[key].get<uint64_t>() > kMostSide) {
      fail(key, "a whole number of 1 to " + std::to_string(kMostSide));
    }
    return object_[key].get<int>();
  }
  std::string text(const char* key) const {
    if (!has(key) || !object_[key].is_string()) fail(key, "a text");
    return object_[key].get<std::string>();
  }
  bool truth(const char* key) const {
    if (!has(key) || !object_[key].is_boolean()) fail(key, "true or false");
    return object_[key].get<bool>();
  }
  // Within what a float holds, whatever is made of it.
  double number(const char* key, const json& value) const {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= 1e6)) {
      fail(key, "a number between -1e6 and 1e6");
    }
    return value.get<double>();
  }

 private:
  const json& object_;
  const std::string& where_;
};

Channels channels_named(const Fields& fields) {
  const std::string name = fields.text("channels");
  for (const Channels channels : {Channels::grey, Channels::rgb, Channels::bgr}) {
    if (to_string(channels) == name) return channels;
  }
  fields.fail("channels", "\"grey\", \"rgb\" or \"bgr\"");
}

// Which sample of a pixel, R, G, B, is a channel's.
size_t sample_of(Channels channels, size_t channel) {
  return channels == Channels::bgr ? 2 - channel : channel;
}

void make_input(const ForeignNetwork& foreign, const Preprocessing& preprocessing,
                const Image& image, std::span<float> row) {
  const bool grey = foreign.channels == Channels::grey;
  if (!grey && image.colors.empty()) {
    throw Error(ErrorKind::mismatch,
                "this network takes colours, and an image was read without them");
  }
  const Image small =
      subsample(resize(image, preprocessing.width, preprocessing.height), preprocessing.step);
  const size_t pixels = small.pixels.size();
  for (size_t c = 0; c < foreign.channel_count(); ++c) {
    for (size_t i = 0; i < pixels; ++i) {
      const float v = grey ? small.pixels[i] : small.colors[3 * i + sample_of(foreign.channels, c)];
      row[c * pixels + i] = static_cast<float>((double{v} * 255 - foreign.mean[c]) * foreign.scale);
    }
  }
  if (preprocessing.standardize) standardize(row);
}

}  // namespace

std::string to_string(Channels channels) {
  switch (channels) {
    case Channels::grey:
      return "grey";
    case Channels::rgb:
      return "rgb";
    case Channels::bgr:
      return "bgr";
  }
  return "";
}

bool takes_color(const Model& model) {
  return model.foreign && model.foreign->channels != Channels::grey;
}

Matrix foreign_inputs(const ForeignNetwork& foreign, const Preprocessing& preprocessing,
                      std::span<const Image> images, ThreadPool& pool) {
  Matrix rows(images.size(),
              foreign.channel_count() * preprocessing.input_height() * preprocessing.input_width());
  pool.parallel_for(images.size(), [&](size_t i, size_t) {
    make_input(foreign, preprocessing, images[i], rows.row(i));
  });
  return rows;
}

nlohmann::json describe_embedder(const Model& model) {
  // Ours take grey values in 0 .. 1.
  ForeignNetwork ours;
  ours.mean = {0};
  ours.scale = 1.0 / 255;
  const ForeignNetwork& foreign = model.foreign ? *model.foreign : ours;
  json description = {{"format", kEmbedderFormat},
                      {"width", model.preprocessing.width},
                      {"height", model.preprocessing.height},
                      {"channels", to_string(foreign.channels)},
                      {"mean", foreign.mean},
                      {"scale", foreign.scale},
                      {"energy", to_json(model.energy)},
                      {"align", model.preprocessing.align}};
  if (model.energy.weights.empty()) description["energy"] = to_string(model.energy.kind);
  if (model.preprocessing.step > 1) description["step"] = model.preprocessing.step;
  if (model.preprocessing.standardize) description["standardize"] = true;
  if (!foreign.output.empty()) description["output"] = foreign.output;
  if (model.threshold) description["threshold"] = stored_json(*model.threshold);
  const SeenPeople& seen = model.training.seen;
  if (!seen.identities.empty() || !seen.images.empty()) description["seen"] = to_json(seen);
  if (model.training.synthetic) description["synthetic"] = true;
  return description;
}

Model embedder_from_json(const nlohmann::json& description, const std::string& where) {
  const Fields fields(description, where);
  if (!description.is_object() || fields.text("format") != kEmbedderFormat) {
    fields.fail(std::string("its \"format\" must be \"") + kEmbedderFormat + "\"");
  }
  constexpr const char* kKnown[] = {"format", "width", "height",      "channels", "mean",
                                    "scale",  "step",  "standardize", "energy",   "align",
                                    "output", "seen",  "synthetic",   "threshold"};
  for (const auto& [key, value] : description.items()) {
    if (std::ranges::find(kKnown, key) != std::end(kKnown)) continue;
    std::string known;
    for (const char* name : kKnown) known += (known.empty() ? "" : ", ") + std::string(name);
    fields.fail(std::string("\"").append(key.substr(0, 80)) + "\" is unknown; known: " + known);
  }
  Model model;
  ForeignNetwork foreign;
  Preprocessing& p = model.preprocessing;
  p.width = fields.side("width");
  p.height = fields.side("height");
  p.step = fields.has("step") ? fields.side("step") : 1;
  p.standardize = fields.has("standardize") && fields.truth("standardize");
  foreign.channels = channels_named(fields);
  const json& mean = fields.at("mean");
  if (!mean.is_array() || mean.size() != foreign.channel_count()) {
    fields.fail("mean",
                "a list of " + std::to_string(foreign.channel_count()) + ", one for each channel");
  }
  for (const json& value : mean) foreign.mean.push_back(fields.number("mean", value));
  foreign.scale = fields.number("scale", fields.at("scale"));
  if (!(foreign.scale > 0)) fields.fail("scale", "above 0");
  p.align = fields.truth("align");
  if (fields.has("output")) foreign.output = fields.text("output");
  model.energy = energy_from_json(fields.at("energy"), where);
  if (fields.has("threshold")) {
    model.threshold = threshold_from_json(fields.at("threshold"), where);
  }
  if (fields.has("seen")) {
    model.training.seen = seen_people_from_json(fields.at("seen"), where);
  }
  model.training.synthetic = fields.has("synthetic") && fields.truth("synthetic");
  model.foreign = std::move(foreign);
  return model;
}

std::filesystem::path description_of(const std::filesystem::path& onnx) {
  return onnx.string() + ".json";
}

Model load_foreign(const std::filesystem::path& onnx) {
  const std::string bytes = read_file(onnx, kMostForeignBytes);
  const std::filesystem::path beside = description_of(onnx);
  std::error_code ignored;
  if (!std::filesystem::exists(beside, ignored)) {
    throw Error(ErrorKind::io, onnx.string() + ": an ONNX network needs a description beside it, " +
                                   beside.string() + ", with \"format\": \"" + kEmbedderFormat +
                                   "\"");
  }
  const json description = json::parse(read_file(beside, kMostDescriptionBytes), nullptr,
                                       /*allow_exceptions=*/false);
  if (description.is_discarded()) {
    throw Error(ErrorKind::bad_data, beside.string() + ": no JSON");
  }
  Model model = embedder_from_json(description, beside.string());
  ForeignNetwork& foreign = *model.foreign;
  foreign.digest = sha256_hex(bytes);
  const OnnxInput input{foreign.channel_count(), model.preprocessing.input_height(),
                        model.preprocessing.input_width()};
  foreign.network = onnx_backend().open(bytes, onnx.string(), input, foreign.output);
  const size_t weights = model.energy.weights.size(), size = foreign.network->embedding_size();
  if (model.energy.kind == EnergyKind::weighted_l1 && weights != size) {
    throw Error(ErrorKind::bad_data, beside.string() + ": its energy has " +
                                         std::to_string(weights) + " weights, embeddings have " +
                                         std::to_string(size) + " values");
  }
  if (model.threshold) {
    if (const auto fault =
            threshold_fault(*model.threshold, model.energy, embedding_length(model), size)) {
      throw Error(ErrorKind::bad_data, beside.string() + ": its threshold " + *fault);
    }
  }
  return model;
}

}  // namespace doppel::internal
