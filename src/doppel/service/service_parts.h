// What the routes of the service share.
#pragma once

#include <cstdint>
#include <semaphore>
#include <string>

#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"
#include "doppel/service/embedding_batches.h"
#include "doppel/service/metrics.h"
#include "doppel/service/photo_warnings.h"
#include "doppel/service/served_gallery.h"

namespace doppel::internal {

struct ServiceParts {
  // `wanted` threads: ThreadPool::number_of().
  ServiceParts(Model served, const std::string& location, int wanted, int64_t most_photo_pixels,
               bool people_with_synthetic_model, ServedGallery::Notes notes)
      : model(std::move(served)),
        bound(settings_for(model, "the model that is served")),
        digest(bound.model_digest),
        photos(model),
        threads(ThreadPool::number_of(wanted)),
        most_pixels(most_photo_pixels),
        people_with_synthetic_model(people_with_synthetic_model),
        gallery(location, bound, threads, std::move(notes)),
        batches(model, threads),
        decoding(2 * std::ptrdiff_t{threads}) {}

  const Model model;
  const GallerySettings bound;  // of a gallery of this model
  const std::string& digest;    // embedding_digest() of it
  const PhotoFaces photos;
  const int threads;
  const int64_t most_pixels;  // of a photo
  const bool people_with_synthetic_model;
  ServedGallery gallery;
  EmbeddingBatches batches;
  PhotoWarnings warnings;
  Metrics metrics;
  // Photos that are decoded at once: they take memory and time, where those that wait for their
  // embeddings take neither.
  mutable std::counting_semaphore<> decoding;
  std::counting_semaphore<> explaining{1};  // each takes all threads for a second
};

}  // namespace doppel::internal
