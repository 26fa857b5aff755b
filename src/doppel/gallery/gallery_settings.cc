#include "doppel/gallery/gallery_settings.h"

#include <cmath>

#include "doppel/base/digest.h"
#include "doppel/error.h"
#include "doppel/model/embedding.h"
#include "doppel/model/threshold_fault.h"

namespace doppel::internal {

GallerySettings settings_for(const Model& model, const std::string& file) {
  GallerySettings settings;
  settings.model_digest = embedding_digest(model);
  settings.model_file = file;
  settings.embedding_size = embedding_size(model);
  settings.length = model.embedder->length();
  settings.energy = model.energy;
  settings.threshold = model.threshold;
  if (model.threshold) settings.fpir = model.threshold->far;
  return settings;
}

std::optional<std::string> embedding_fault(std::span<const float> embedding,
                                           const GallerySettings& settings) {
  if (embedding.size() != settings.embedding_size) {
    return "has " + std::to_string(embedding.size()) + " values, " +
           std::to_string(settings.embedding_size) + " were expected";
  }
  return embedding_fault(embedding, settings.length.value_or(EmbeddingLength::any));
}

std::optional<std::string> rule_fault(const GallerySettings& settings) {
  const EmbeddingLength length = settings.length.value_or(EmbeddingLength::any);
  if (settings.distance) {
    const auto fault = distance_fault(
        *settings.distance, {settings.energy, length, settings.embedding_size, settings.threshold});
    if (fault) return "threshold " + *fault;
  }
  if (const auto fault = rate_fault(settings.fpir)) return "fpir " + *fault;
  return {};
}

nlohmann::json to_json(const GallerySettings& settings) {
  nlohmann::json json = {{"model", settings.model_digest},
                         {"model_file", settings.model_file},
                         {"embedding_size", settings.embedding_size},
                         {"energy", to_json(settings.energy)},
                         {"fpir", settings.fpir},
                         {"fusion", settings.fusion == Fusion::mean ? "mean" : "nearest"},
                         {"photos", settings.photos}};
  if (settings.length) json["embedding_length"] = to_string(*settings.length);
  if (settings.threshold) json["threshold"] = stored_json(*settings.threshold);
  if (settings.distance) json["distance"] = *settings.distance;
  return json;
}

GallerySettings gallery_settings_from_json(const nlohmann::json& json, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, where + ": settings: " + what);
  };
  if (!json.is_object()) fail("an object was expected");
  const auto text = [&](const char* field) {
    if (!json.contains(field) || !json[field].is_string()) fail(std::string(field) + " is no text");
    return json[field].get<std::string>();
  };
  GallerySettings settings;
  settings.model_digest = text("model");
  settings.model_file = text("model_file");
  if (!is_digest_hex(settings.model_digest)) fail("model is no digest");
  if (!json.contains("embedding_size") || !json["embedding_size"].is_number_unsigned() ||
      json["embedding_size"] < 1 || json["embedding_size"] > kMostEmbeddingSize) {
    fail("embedding_size is no number from 1 to " + std::to_string(kMostEmbeddingSize));
  }
  settings.embedding_size = json["embedding_size"].get<size_t>();
  if (json.contains("embedding_length")) {
    settings.length = embedding_length_named(text("embedding_length"));
    if (!settings.length) fail("embedding_length is neither any nor unit");
  }
  if (!json.contains("energy")) fail("energy is missing");
  settings.energy = energy_from_json(json["energy"], where);
  if (settings.energy.kind == EnergyKind::weighted_l1 &&
      settings.energy.weights.size() != settings.embedding_size) {
    fail("the energy has another number of weights than an embedding of values");
  }
  if (json.contains("threshold"))
    settings.threshold = threshold_from_json(json["threshold"], where);
  if (settings.threshold) {
    const auto fault =
        threshold_fault(*settings.threshold, settings.energy,
                        settings.length.value_or(EmbeddingLength::any), settings.embedding_size);
    if (fault) fail("its threshold " + *fault);
  }
  if (!json.contains("fpir") || !json["fpir"].is_number()) fail("fpir is no number");
  settings.fpir = json["fpir"].get<double>();
  if (!(settings.fpir > 0 && settings.fpir < 1)) fail("fpir is no rate between 0 and 1");
  if (json.contains("distance")) {
    if (!json["distance"].is_number()) fail("distance is no number");
    settings.distance = json["distance"].get<double>();
    if (!std::isfinite(*settings.distance)) fail("distance is not finite");
  }
  const std::string fusion = text("fusion");
  if (fusion != "mean" && fusion != "nearest") fail("fusion is neither nearest nor mean");
  settings.fusion = fusion == "mean" ? Fusion::mean : Fusion::nearest;
  if (!json.contains("photos") || !json["photos"].is_boolean()) fail("photos is no boolean");
  settings.photos = json["photos"].get<bool>();
  return settings;
}

}  // namespace doppel::internal
