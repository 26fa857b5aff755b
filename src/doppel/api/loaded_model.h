// What a public Model holds.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"

namespace doppel::internal {

struct LoadedModel {
  // `file`: where it lies; empty where it is in memory alone. Throws as PhotoEmbedder does.
  explicit LoadedModel(Model loaded, std::string file = {});

  const Model model;
  const PhotoEmbedder embedder;
  const std::string digest;

  std::string file() const;  // an absolute path, or empty
  void lies_in(const std::filesystem::path& file) const;

 private:
  mutable std::mutex mutex_;
  mutable std::string file_;
};

}  // namespace doppel::internal
