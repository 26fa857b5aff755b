// Photos in, the embeddings of the faces on them out: the one way from a photo to what is enrolled,
// searched for and compared.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/face/choose.h"
#include "doppel/image/looks.h"
#include "doppel/image/photo_source.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"

namespace doppel::internal {

struct EmbeddedFace {
  PhotoFace face;      // without its image
  double quality = 0;  // 0 .. 1, image/quality.h
  std::vector<float> embedding;
};

struct EmbeddedPhoto {
  std::vector<EmbeddedFace> faces;  // as FaceChoice has them, in their order
  std::string image_digest;         // of the photo as it was decoded, where it was asked for
  std::string bytes;                // of its file, where they were asked for
  bool synthetic = false;           // is_synthetic_file(); pixels are not
  std::optional<Error> problem;     // names the photo; then there is nothing else
};

// Immutable; several threads may use one at the same time, each with a pool of its own or one that
// is shared_pool()'s.
class PhotoEmbedder {
 public:
  struct Options {
    FaceChoice choice = FaceChoice::one;
    bool digests = false;  // fill EmbeddedPhoto::image_digest
    bool bytes = false;    // fill EmbeddedPhoto::bytes
    // Throw the first photo's problem, once its part of the photos is read, instead of keeping it.
    bool all_or_nothing = false;
  };

  // Throws as PhotoFaces does.
  explicit PhotoEmbedder(const Model& model);

  const PhotoFaces& faces() const { return faces_; }
  const Embedder& embedder() const { return embedder_; }

  // One for each photo, in their order. They are read, decoded and embedded in parts, so that many
  // need not fit into memory at once, each as good as alone: what is wrong with one is said of it
  // and of no other. `progress` is told after every part; what it throws ends the work.
  std::vector<EmbeddedPhoto> embed(std::span<const PhotoSource> photos, const Options& options,
                                   ThreadPool& pool,
                                   const std::function<void(size_t done)>& progress = {}) const;

  // Of one photo, whose problem is thrown.
  EmbeddedPhoto embed_one(const PhotoSource& photo, FaceChoice choice, ThreadPool& pool) const;

 private:
  Image decoded(const PhotoSource& source, const Options& options, EmbeddedPhoto& result) const;

  const Preprocessing input_;
  PhotoFaces faces_;
  Embedder embedder_;
};

}  // namespace doppel::internal
