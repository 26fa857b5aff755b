#include "doppel/model/embedding.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "doppel/error.h"
#include "doppel/nn/inference.h"

namespace doppel::internal {
namespace {

constexpr size_t kInputsAtOnce = 1024;

void add(std::span<const float> from, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void scale(std::span<float> values, double factor) {
  for (float& v : values) v = static_cast<float>(v * factor);
}

void make_unit(std::span<float> values) {
  double squares = 0;
  for (float v : values) squares += double{v} * v;
  scale(values, 1 / std::max(std::sqrt(squares), 1e-12));
}

// The network's inputs of images, as views at test time look at them.
class InputViews {
 public:
  explicit InputViews(const Model& model)
      : views_(model.views), shape_{model.network.input.height, model.network.input.width} {}

  const ImageShape& shape() const { return shape_; }
  size_t count() const { return views_.count(); }

  // Calls use(first, count, views) for the inputs in order, so many at a time that their views take
  // little memory; the views of an input stand one behind the other.
  template <typename Use>
  void for_all(const Matrix& inputs, ThreadPool& pool, const Use& use) const {
    const size_t step = std::max<size_t>(1, kInputsAtOnce / count());
    for (size_t first = 0; first < inputs.rows; first += step) {
      const size_t n = std::min(step, inputs.rows - first), size = count() * inputs.columns;
      Matrix made(n * count(), inputs.columns);
      pool.parallel_for(n, [&](size_t i, size_t) {
        make_views(views_, shape_, inputs.row(first + i),
                   std::span<float>(made.values).subspan(i * size, size));
      });
      use(first, n, made);
    }
  }

 private:
  Views views_;
  ImageShape shape_;
};

// Of the input whose views begin at row `begin`.
void mean_histograms(const GradientHistograms& histograms, const Matrix& views, size_t begin,
                     size_t count, std::span<float> out) {
  std::vector<float> one(out.size());
  for (size_t v = 0; v < count; ++v) {
    histograms.make(views.row(begin + v), one);
    add(one, out);
  }
  make_unit(out);
}

Inference ready_members(const Model& model) {
  std::vector<std::vector<float>> parameters;
  Network folded = model.network;
  for (const std::vector<float>& member : model.members) {
    FoldedNetwork one = fold_batch_norm(model.network, member);
    folded = std::move(one.network);
    parameters.push_back(std::move(one.parameters));
  }
  return {folded, std::move(parameters)};
}

}  // namespace

// How a kind of model embeds.
class Embedder::Kind {
 public:
  virtual ~Kind() = default;
  virtual size_t size() const = 0;
  virtual Matrix embed(std::span<const Image> images, ThreadPool& pool) const = 0;
};

namespace {

// Ours: the members' embeddings, and the gradient term behind them.
class TwinNetworks final : public Embedder::Kind {
 public:
  explicit TwinNetworks(const Model& model)
      : preprocessing_(model.preprocessing),
        views_(model),
        members_(ready_members(model)),
        unit_(std::holds_alternative<L2Normalize>(model.network.layers.back())),
        gradients_(model.gradients),
        size_(embedding_size(model)) {
    if (gradients_.weight > 0) histograms_.emplace(gradients_.histograms, views_.shape());
  }

  size_t size() const override { return size_; }

  Matrix embed(std::span<const Image> images, ThreadPool& pool) const override {
    const Matrix inputs = preprocess(images, preprocessing_, pool);
    // Of the whole, so that unit parts make a unit whole.
    const double whole = unit_ ? 1 / std::sqrt(1 + gradients_.weight) : 1;
    Matrix result(inputs.rows, size_);
    views_.for_all(inputs, pool, [&](size_t first, size_t count, const Matrix& views) {
      embed_by_members(views, whole, first, pool, result);
      if (!histograms_) return;
      pool.parallel_for(count, [&](size_t i, size_t) {
        const std::span<float> part =
            result.row(first + i).subspan(members_.members() * members_.embedding_size());
        mean_histograms(*histograms_, views, i * views_.count(), views_.count(), part);
        whiten(gradients_.whitening, part);
        make_unit(part);
        scale(part, whole * std::sqrt(gradients_.weight));
      });
    });
    return result;
  }

 private:
  // Into the first values of the rows of `out` from `first` on.
  void embed_by_members(const Matrix& views, double factor, size_t first, ThreadPool& pool,
                        Matrix& out) const {
    std::vector<const float*> rows;
    for (size_t i = 0; i < views.rows; ++i) rows.push_back(views.row(i).data());
    factor /= std::sqrt(static_cast<double>(members_.members()));
    const size_t each = views_.count(), size = members_.embedding_size();
    for (size_t m = 0; m < members_.members(); ++m) {
      const Matrix embeddings = members_.embed(m, rows, pool);
      for (size_t i = 0; i < views.rows / each; ++i) {
        const std::span<float> part = out.row(first + i).subspan(m * size, size);
        for (size_t v = 0; v < each; ++v) add(embeddings.row(i * each + v), part);
        if (each > 1) scale(part, 1 / static_cast<double>(each));
        if (each > 1 && unit_) make_unit(part);
        if (factor != 1) scale(part, factor);
      }
    }
  }

  Preprocessing preprocessing_;
  InputViews views_;
  Inference members_;
  bool unit_;
  GradientTerm gradients_;
  std::optional<GradientHistograms> histograms_;
  size_t size_;
};

class OnnxEmbedder final : public Embedder::Kind {
 public:
  explicit OnnxEmbedder(const Model& model)
      : network_(*model.foreign), preprocessing_(model.preprocessing) {}

  size_t size() const override { return network_.network->embedding_size(); }
  Matrix embed(std::span<const Image> images, ThreadPool& pool) const override {
    return network_.network->embed(foreign_inputs(network_, preprocessing_, images, pool));
  }

 private:
  ForeignNetwork network_;
  Preprocessing preprocessing_;
};

std::unique_ptr<const Embedder::Kind> kind_of(const Model& model) {
  if (model.foreign) return std::make_unique<OnnxEmbedder>(model);
  return std::make_unique<TwinNetworks>(model);
}

}  // namespace

Embedder::Embedder(const Model& model) : kind_(kind_of(model)), length_(embedding_length(model)) {}

Embedder::~Embedder() = default;

size_t Embedder::size() const { return kind_->size(); }

Matrix Embedder::embed(std::span<const Image> images, ThreadPool& pool) const {
  if (images.empty()) return Matrix(0, size());
  Matrix rows = kind_->embed(images, pool);
  const auto finite = [](float value) { return std::isfinite(value); };
  for (size_t i = 0; i < rows.rows; ++i) {
    if (std::ranges::all_of(rows.row(i), finite)) continue;
    throw Error(ErrorKind::numeric, "image " + std::to_string(i + 1) + " of " +
                                        std::to_string(rows.rows) +
                                        ": the model's embedding of it is not finite");
  }
  return rows;
}

EachEmbedding Embedder::embed_each(std::span<const Image> images, ThreadPool& pool) const {
  if (images.empty()) return {Matrix(0, size()), {}};
  EachEmbedding result{kind_->embed(images, pool), {}};
  for (size_t i = 0; i < result.rows.rows; ++i) {
    result.faults.push_back(embedding_fault(result.rows.row(i), length_));
  }
  return result;
}

Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  return Embedder(model).embed(images, pool);
}

Matrix gradient_histograms(const Model& model, const Matrix& inputs, ThreadPool& pool) {
  const InputViews views(model);
  const GradientHistograms histograms(model.gradients.histograms, views.shape());
  Matrix result(inputs.rows, histograms.size());
  views.for_all(inputs, pool, [&](size_t first, size_t count, const Matrix& made) {
    pool.parallel_for(count, [&](size_t i, size_t) {
      mean_histograms(histograms, made, i * views.count(), views.count(), result.row(first + i));
    });
  });
  return result;
}

}  // namespace doppel::internal
