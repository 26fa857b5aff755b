// What a model embeds with, as its file holds it: one of several kinds, each in a file of its own
// (twin_networks.h, onnx_embedder.h), all in the table of embedder_kinds.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/face/five_points.h"
#include "doppel/image/image.h"
#include "doppel/image/preprocessing.h"
#include "doppel/model/safetensors.h"

namespace doppel::internal {

struct Model;

// How long a model's embeddings are.
enum class EmbeddingLength {
  any,   // as its network gives them
  unit,  // 1: its network ends with an L2Normalize
};

// Ready to embed: weights are folded and prepared. Immutable; several threads may use one at the
// same time, each with a pool of its own or one that they share.
class ReadyEmbedder {
 public:
  virtual ~ReadyEmbedder() = default;
  // images x StoredEmbedder::size(). An embedding does not depend on the other images.
  virtual Matrix embed(std::span<const Image> images, ThreadPool& pool) const = 0;
};

class StoredEmbedder {
 public:
  virtual ~StoredEmbedder() = default;
  virtual std::unique_ptr<StoredEmbedder> clone() const = 0;

  virtual size_t size() const = 0;  // values of an embedding
  virtual EmbeddingLength length() const = 0;
  virtual bool takes_color() const = 0;  // whether images need Image::colors
  virtual size_t networks() const = 0;   // that were trained, one after the other
  // What places the faces that it takes, where they are aligned by five points; null: by eyes and
  // mouth.
  virtual std::shared_ptr<const FivePointFinder> five_points() const { return nullptr; }
  virtual std::unique_ptr<const ReadyEmbedder> ready(const Preprocessing& input) const = 0;

  // Puts its tensors into a model file and, as JSON texts, all else that shapes an embedding.
  // Throws Error(bad_argument) where it stays in the file that it came in.
  virtual void store(TensorFile& file) const = 0;
  virtual bool stays_in_its_file() const = 0;
  // embedding_digest() of a model that embeds with it: a digest of what store() puts into a file
  // and of the model's preprocessing and energy, unless the kind says otherwise.
  virtual std::string digest(const Model& model) const;

  // For people: "5 networks of 12,345 parameters"; and what `doppel info` says, lines with a label.
  virtual std::string summary() const = 0;
  virtual std::vector<std::pair<std::string, std::string>> facts() const = 0;
  // For scripts: the same, in `doppel info --json` beside what all models have.
  virtual nlohmann::json to_json() const = 0;
};

// One of any kind, copied with its owner.
class AnyEmbedder {
 public:
  AnyEmbedder();  // twin networks that are still to be described
  template <typename Kind>
  AnyEmbedder(Kind kind) : embedder_(std::make_unique<Kind>(std::move(kind))) {}  // NOLINT
  AnyEmbedder(const AnyEmbedder& other) : embedder_(other.embedder_->clone()) {}
  AnyEmbedder(AnyEmbedder&& other) noexcept = default;
  AnyEmbedder& operator=(AnyEmbedder other) noexcept {
    embedder_.swap(other.embedder_);
    return *this;
  }
  ~AnyEmbedder() = default;

  const StoredEmbedder& operator*() const { return *embedder_; }
  const StoredEmbedder* operator->() const { return embedder_.get(); }

  // Null where it is of another kind.
  template <typename Kind>
  const Kind* as() const {
    return dynamic_cast<const Kind*>(embedder_.get());
  }
  template <typename Kind>
  Kind* as() {
    return dynamic_cast<Kind*>(embedder_.get());
  }

 private:
  std::unique_ptr<StoredEmbedder> embedder_;
};

}  // namespace doppel::internal
