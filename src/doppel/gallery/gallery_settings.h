// What a gallery is bound to and how it decides; kept in it as JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/model/embedding_fault.h"
#include "doppel/model/fusion.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold.h"

namespace doppel::internal {

inline constexpr size_t kMostEmbeddingSize = 65536;

struct GallerySettings {
  std::string model_digest;  // embedding_digest()
  std::string model_file;    // where that model lay when the gallery was made; a hint
  size_t embedding_size = 0;
  // Of its embeddings; nothing in a gallery of an older program, until the model is there to ask.
  std::optional<EmbeddingLength> length;
  Energy energy;
  std::optional<Threshold> threshold;  // the model's, with its FAR curve
  // The rate at which strangers may be taken for somebody; the distance follows from the
  // threshold's curve and the number of templates. Else `distance` itself.
  double fpir = 0.01;
  std::optional<double> distance;
  Fusion fusion = Fusion::nearest;
  bool photos = false;  // whether photos are kept beside the templates
};
// Of a gallery that `model`, from `file`, makes: the FPIR is the FAR its threshold was chosen for.
GallerySettings settings_for(const Model& model, const std::string& file);

// Why this cannot be an embedding of that model, as it stands behind "its embedding"; nothing where
// it can. What a gallery stores and searches for has passed here.
std::optional<std::string> embedding_fault(std::span<const float> embedding,
                                           const GallerySettings& settings);

// Why their distance or FPIR cannot be meant (model/threshold_fault.h); nothing where all is well.
std::optional<std::string> rule_fault(const GallerySettings& settings);

nlohmann::json to_json(const GallerySettings& settings);
// Throws Error(bad_data) that begins with `where` for anything that to_json() cannot have written.
GallerySettings gallery_settings_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
