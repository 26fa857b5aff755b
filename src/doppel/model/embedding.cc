#include "doppel/model/embedding.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "doppel/error.h"
#include "doppel/model/embedding_fault.h"
#include "doppel/nn/engine.h"

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

ImageShape input_shape(const Model& model) {
  return {model.network.input.height, model.network.input.width};
}

// Every view of the inputs first .. first + count - 1, those of an input one behind the other.
Matrix looks_of(const Model& model, const Matrix& inputs, size_t first, size_t count,
                ThreadPool& pool) {
  const size_t views = model.views.count(), size = views * inputs.columns;
  Matrix looks(count * views, inputs.columns);
  pool.parallel_for(count, [&](size_t i, size_t) {
    make_views(model.views, input_shape(model), inputs.row(first + i),
               std::span<float>(looks.values).subspan(i * size, size));
  });
  return looks;
}

// Calls use(first, count, looks) for the inputs in order, so many at a time that their views take
// little memory.
template <typename Use>
void for_looks(const Model& model, const Matrix& inputs, ThreadPool& pool, const Use& use) {
  const size_t step = std::max<size_t>(1, kInputsAtOnce / model.views.count());
  for (size_t first = 0; first < inputs.rows; first += step) {
    const size_t count = std::min(step, inputs.rows - first);
    use(first, count, looks_of(model, inputs, first, count, pool));
  }
}

// The members, ready to run.
class Networks {
 public:
  Networks(const Model& model, ThreadPool& pool)
      : size_(embedding_size(model.network)),
        unit_(std::holds_alternative<L2Normalize>(model.network.layers.back())) {
    for (const std::vector<float>& member : model.members) {
      folded_.push_back(fold_batch_norm(model.network, member));
    }
    engine_.emplace(folded_.front().network, pool);
  }

  bool unit() const { return unit_; }
  size_t size() const { return folded_.size() * size_; }

  // Of each input with `views` looks, into the first values of the rows of `out` from `first` on.
  void embed(const Matrix& looks, size_t views, double factor, size_t first, Matrix& out) {
    std::vector<const float*> rows;
    for (size_t i = 0; i < looks.rows; ++i) rows.push_back(looks.row(i).data());
    factor /= std::sqrt(static_cast<double>(folded_.size()));
    for (size_t m = 0; m < folded_.size(); ++m) {
      const Matrix embeddings = engine_->embed(folded_[m].parameters, rows);
      for (size_t i = 0; i < looks.rows / views; ++i) {
        const std::span<float> part = out.row(first + i).subspan(m * size_, size_);
        for (size_t v = 0; v < views; ++v) add(embeddings.row(i * views + v), part);
        if (views > 1) scale(part, 1 / static_cast<double>(views));
        if (views > 1 && unit_) make_unit(part);
        if (factor != 1) scale(part, factor);
      }
    }
  }

 private:
  size_t size_;
  bool unit_;
  std::vector<FoldedNetwork> folded_;
  std::optional<Engine> engine_;  // of all: they differ in their parameters alone
};

// Of the input whose looks begin at row `begin`.
void mean_histograms(const GradientHistograms& histograms, const Matrix& looks, size_t begin,
                     size_t views, std::span<float> out) {
  std::vector<float> one(out.size());
  for (size_t v = 0; v < views; ++v) {
    histograms.make(looks.row(begin + v), one);
    add(one, out);
  }
  make_unit(out);
}

Matrix embed_unchecked(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  if (images.empty()) return Matrix(0, embedding_size(model));
  return embed_inputs(model,
                      model.foreign
                          ? foreign_inputs(*model.foreign, model.preprocessing, images, pool)
                          : preprocess(images, model.preprocessing, pool),
                      pool);
}

}  // namespace

Matrix gradient_histograms(const Model& model, const Matrix& inputs, ThreadPool& pool) {
  const GradientHistograms histograms(model.gradients.histograms, input_shape(model));
  const size_t views = model.views.count();
  Matrix result(inputs.rows, histograms.size());
  for_looks(model, inputs, pool, [&](size_t first, size_t count, const Matrix& looks) {
    pool.parallel_for(count, [&](size_t i, size_t) {
      mean_histograms(histograms, looks, i * views, views, result.row(first + i));
    });
  });
  return result;
}

Matrix embed_images(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  Matrix rows = embed_unchecked(model, images, pool);
  const auto finite = [](float value) { return std::isfinite(value); };
  for (size_t i = 0; i < rows.rows; ++i) {
    if (std::ranges::all_of(rows.row(i), finite)) continue;
    throw Error(ErrorKind::numeric, "image " + std::to_string(i + 1) + " of " +
                                        std::to_string(rows.rows) +
                                        ": the model's embedding of it is not finite");
  }
  return rows;
}

EachEmbedding embed_each(const Model& model, std::span<const Image> images, ThreadPool& pool) {
  EachEmbedding result{embed_unchecked(model, images, pool), {}};
  const EmbeddingLength length = embedding_length(model);
  for (size_t i = 0; i < result.rows.rows; ++i) {
    result.faults.push_back(embedding_fault(result.rows.row(i), length));
  }
  return result;
}

Matrix embed_inputs(const Model& model, const Matrix& inputs, ThreadPool& pool) {
  if (model.foreign) return model.foreign->network->embed(inputs);
  const GradientTerm& gradients = model.gradients;
  Networks networks(model, pool);
  std::optional<GradientHistograms> histograms;
  if (gradients.weight > 0) histograms.emplace(gradients.histograms, input_shape(model));
  // Of the whole, so that unit parts make a unit whole.
  const double whole = networks.unit() ? 1 / std::sqrt(1 + gradients.weight) : 1;
  const size_t views = model.views.count();
  Matrix result(inputs.rows, embedding_size(model));
  for_looks(model, inputs, pool, [&](size_t first, size_t count, const Matrix& looks) {
    networks.embed(looks, views, whole, first, result);
    if (!histograms) return;
    pool.parallel_for(count, [&](size_t i, size_t) {
      const std::span<float> part = result.row(first + i).subspan(networks.size());
      mean_histograms(*histograms, looks, i * views, views, part);
      whiten(gradients.whitening, part);
      make_unit(part);
      scale(part, whole * std::sqrt(gradients.weight));
    });
  });
  return result;
}

}  // namespace doppel::internal
