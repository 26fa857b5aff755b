// What a public Model holds.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"

namespace doppel::internal {

struct LoadedModel {
  explicit LoadedModel(Model loaded);  // throws as PhotoEmbedder does

  const Model model;
  const PhotoEmbedder embedder;
  const std::string digest;

  std::string file() const;  // where it lies, an absolute path; empty: in memory alone
  void lies_in(const std::filesystem::path& file) const;

 private:
  mutable std::mutex mutex_;
  mutable std::string file_;
};

}  // namespace doppel::internal
