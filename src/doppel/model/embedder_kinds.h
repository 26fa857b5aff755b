// The kinds of embedder that a model may have.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "doppel/model/model.h"
#include "doppel/model/model_file.h"

namespace doppel::internal {

struct EmbedderKind {
  // In model files, as their "kind"; one without is of twin_networks.
  std::string_view name;
  // Back from what StoredEmbedder::store() put into a model file; null: it stays in a file of its
  // own. Throws Error(bad_data).
  AnyEmbedder (*read)(const ModelMetadata& metadata, ModelTensors& tensors,
                      const Preprocessing& input);
  // Of the latter, how that file's name ends, and the model in it; else empty and null.
  std::string_view extension;
  Model (*load)(const std::filesystem::path& file);
};

std::span<const EmbedderKind> embedder_kinds();

}  // namespace doppel::internal
