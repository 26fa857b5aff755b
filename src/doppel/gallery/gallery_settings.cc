#include "doppel/gallery/gallery_settings.h"

#include <cmath>

#include "doppel/base/digest.h"
#include "doppel/base/json_object.h"
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
                         {"fusion", to_string(settings.fusion)},
                         {"photos", settings.photos}};
  if (settings.length) json["embedding_length"] = to_string(*settings.length);
  if (settings.threshold) json["threshold"] = stored_json(*settings.threshold);
  if (settings.distance) json["distance"] = *settings.distance;
  return json;
}

GallerySettings gallery_settings_from_json(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, std::string(where).append(": settings"));
  GallerySettings settings;
  settings.model_digest = object.text("model");
  if (!is_digest_hex(settings.model_digest)) object.refuse("model", "a digest");
  settings.model_file = object.text("model_file");
  settings.embedding_size = object.whole_number("embedding_size", 1, kMostEmbeddingSize);
  if (object.has("embedding_length")) {
    settings.length = embedding_length_named(object.text("embedding_length"));
    if (!settings.length) object.refuse("embedding_length", "\"any\" or \"unit\"");
  }
  settings.energy = energy_from_json(object.at("energy"), object.where());
  if (settings.energy.kind == EnergyKind::weighted_l1 &&
      settings.energy.weights.size() != settings.embedding_size) {
    object.fail("the energy has another number of weights than an embedding of values");
  }
  if (object.has("threshold")) {
    settings.threshold = threshold_from_json(object.at("threshold"), object.where());
    const auto fault =
        threshold_fault(*settings.threshold, settings.energy,
                        settings.length.value_or(EmbeddingLength::any), settings.embedding_size);
    if (fault) object.fail("its threshold " + *fault);
  }
  settings.fpir = object.number("fpir");
  if (!(settings.fpir > 0 && settings.fpir < 1)) object.refuse("fpir", "a rate between 0 and 1");
  object.read("distance", settings.distance);
  const std::optional<Fusion> fusion = fusion_named(object.text("fusion"));
  if (!fusion) object.refuse("fusion", "\"nearest\" or \"mean\"");
  settings.fusion = *fusion;
  settings.photos = object.truth("photos");
  return settings;
}

}  // namespace doppel::internal
