#include "doppel/model/onnx_embedder.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/image/resize.h"
#include "doppel/model/model.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kEmbedderFormat = "doppel embedder 1";
constexpr size_t kMostOnnxBytes = size_t{256} << 20, kMostDescriptionBytes = size_t{64} << 20;
constexpr int kMostSide = 4096;  // of what a network takes
// Within what a float holds, whatever is made of it.
constexpr double kMostSample = 1e6;

Channels channels_named(const JsonObject& object) {
  const std::string& name = object.text("channels");
  for (const Channels channels : {Channels::grey, Channels::rgb, Channels::bgr}) {
    if (to_string(channels) == name) return channels;
  }
  object.refuse("channels", "\"grey\", \"rgb\" or \"bgr\"");
}

// Which sample of a pixel, R, G, B, is a channel's.
size_t sample_of(Channels channels, size_t channel) {
  return channels == Channels::bgr ? 2 - channel : channel;
}

void make_input(const OnnxEmbedder& embedder, const Preprocessing& preprocessing,
                const Image& image, std::span<float> row) {
  const bool grey = embedder.channels == Channels::grey;
  if (!grey && image.colors.empty()) {
    throw Error(ErrorKind::mismatch,
                "this network takes colours, and an image was read without them");
  }
  const Image small = subsample(resize(image, preprocessing.width, preprocessing.height),
                                preprocessing.subsampling);
  const size_t pixels = small.pixels.size();
  for (size_t c = 0; c < embedder.channel_count(); ++c) {
    for (size_t i = 0; i < pixels; ++i) {
      const float v =
          grey ? small.pixels[i] : small.colors[3 * i + sample_of(embedder.channels, c)];
      row[c * pixels + i] =
          static_cast<float>((double{v} * 255 - embedder.mean[c]) * embedder.scale);
    }
  }
  if (preprocessing.standardize) standardize(row);
}

class ReadyOnnx final : public ReadyEmbedder {
 public:
  ReadyOnnx(const OnnxEmbedder& embedder, const Preprocessing& input)
      : embedder_(embedder), input_(input) {}

  Matrix embed(std::span<const Image> images, ThreadPool& pool) const override {
    return embedder_.network->embed(onnx_inputs(embedder_, input_, images, pool));
  }

 private:
  OnnxEmbedder embedder_;
  Preprocessing input_;
};

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

Matrix onnx_inputs(const OnnxEmbedder& embedder, const Preprocessing& preprocessing,
                   std::span<const Image> images, ThreadPool& pool) {
  Matrix rows(images.size(), embedder.channel_count() * preprocessing.input_height() *
                                 preprocessing.input_width());
  pool.parallel_for(images.size(), [&](size_t i, size_t) {
    make_input(embedder, preprocessing, images[i], rows.row(i));
  });
  return rows;
}

std::unique_ptr<StoredEmbedder> OnnxEmbedder::clone() const {
  return std::make_unique<OnnxEmbedder>(*this);
}

size_t OnnxEmbedder::size() const { return network->embedding_size(); }

std::unique_ptr<const ReadyEmbedder> OnnxEmbedder::ready(const Preprocessing& input) const {
  return std::make_unique<ReadyOnnx>(*this, input);
}

void OnnxEmbedder::store(TensorFile&) const {
  throw Error(ErrorKind::bad_argument, "model: an ONNX network stays the file that it is");
}

std::string OnnxEmbedder::digest(const Model& model) const {
  Model bare = model;
  bare.threshold.reset();
  bare.training = {};
  Blake2b digest;
  digest.add(file_digest + describe_embedder(bare).dump());
  return digest.hex();
}

std::string OnnxEmbedder::summary() const { return "an ONNX network"; }

std::vector<std::pair<std::string, std::string>> OnnxEmbedder::facts() const {
  std::string samples = to_string(channels) + " of 0 to 255, minus";
  for (const double value : mean) samples.append(" ").append(json(value).dump());
  return {{"samples", samples + ", times " + json(scale).dump()}, {"digest", file_digest}};
}

json OnnxEmbedder::to_json() const {
  return {{"channels", to_string(channels)},
          {"mean", mean},
          {"scale", scale},
          {"output", output},
          {"digest", file_digest}};
}

nlohmann::json describe_embedder(const Model& model) {
  // Ours take grey values in 0 .. 1.
  OnnxEmbedder ours;
  ours.mean = {0};
  ours.scale = 1.0 / 255;
  const auto* theirs = model.embedder.as<OnnxEmbedder>();
  const OnnxEmbedder& embedder = theirs != nullptr ? *theirs : ours;
  json description = {{"format", kEmbedderFormat},
                      {"width", model.preprocessing.width},
                      {"height", model.preprocessing.height},
                      {"channels", to_string(embedder.channels)},
                      {"mean", embedder.mean},
                      {"scale", embedder.scale},
                      {"energy", to_json(model.energy)},
                      {"align", model.preprocessing.align}};
  if (model.energy.weights.empty()) description["energy"] = to_string(model.energy.kind);
  if (model.preprocessing.subsampling > 1) description["step"] = model.preprocessing.subsampling;
  if (model.preprocessing.standardize) description["standardize"] = true;
  if (!embedder.output.empty()) description["output"] = embedder.output;
  if (model.threshold) description["threshold"] = stored_json(*model.threshold);
  const SeenPeople& seen = model.training.seen;
  if (!seen.identities.empty() || !seen.images.empty()) description["seen"] = to_json(seen);
  if (model.training.synthetic) description["synthetic"] = true;
  return description;
}

Model embedder_from_json(const nlohmann::json& description, const std::string& where) {
  const JsonObject object(description, where);
  if (object.text("format") != kEmbedderFormat) {
    object.refuse("format", std::string("\"").append(kEmbedderFormat).append("\""));
  }
  object.expect_only({"format", "width", "height", "channels", "mean", "scale", "step",
                      "standardize", "energy", "align", "output", "seen", "synthetic",
                      "threshold"});
  const auto side = [&](const char* key) {
    return static_cast<int>(object.whole_number(key, 1, kMostSide));
  };
  Model model;
  OnnxEmbedder embedder;
  Preprocessing& p = model.preprocessing;
  p.width = side("width");
  p.height = side("height");
  p.subsampling = object.has("step") ? side("step") : 1;
  object.read("standardize", p.standardize);
  embedder.channels = channels_named(object);
  embedder.mean = object.numbers("mean", embedder.channel_count());
  const auto too_large = [](double value) { return std::abs(value) > kMostSample; };
  if (std::ranges::any_of(embedder.mean, too_large)) {
    object.refuse("mean", "numbers between -1e6 and 1e6");
  }
  embedder.scale = object.number("scale", 0, kMostSample);
  if (embedder.scale == 0) object.refuse("scale", "above 0");
  p.align = object.truth("align");
  object.read("output", embedder.output);
  model.energy = energy_from_json(object.at("energy"), where);
  if (object.has("threshold")) {
    model.threshold = threshold_from_json(object.at("threshold"), where);
  }
  if (object.has("seen")) model.training.seen = seen_people_from_json(object.at("seen"), where);
  object.read("synthetic", model.training.synthetic);
  model.embedder = std::move(embedder);
  return model;
}

std::filesystem::path description_of(const std::filesystem::path& onnx) {
  return onnx.string() + ".json";
}

Model load_onnx_model(const std::filesystem::path& onnx) {
  const std::string bytes = read_file(onnx, kMostOnnxBytes);
  const std::filesystem::path beside = description_of(onnx);
  std::error_code ignored;
  if (!std::filesystem::exists(beside, ignored)) {
    throw Error(ErrorKind::io, onnx.string() + ": an ONNX network needs a description beside it, " +
                                   beside.string() + ", with \"format\": \"" + kEmbedderFormat +
                                   "\"");
  }
  const json description = parse_json(read_file(beside, kMostDescriptionBytes), beside.string());
  Model model = embedder_from_json(description, beside.string());
  OnnxEmbedder& embedder = *model.embedder.as<OnnxEmbedder>();
  embedder.file_digest = sha256_hex(bytes);
  const OnnxInput input{embedder.channel_count(), model.preprocessing.input_height(),
                        model.preprocessing.input_width()};
  embedder.network = onnx_backend().open(bytes, onnx.string(), input, embedder.output);
  if (const auto fault = decision_fault(model)) {
    throw Error(ErrorKind::bad_data, beside.string() + ": " + *fault);
  }
  return model;
}

}  // namespace doppel::internal
