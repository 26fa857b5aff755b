#include "doppel/model/twin_networks.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/model/model.h"
#include "doppel/nn/inference.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostMembers = 64;
constexpr double kMostWeight = 1e6;
constexpr const char* kWhiteningMean = "gradients.mean";
constexpr const char* kWhiteningTransform = "gradients.transform";
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
  explicit InputViews(const TwinNetworks& networks)
      : views_(networks.views),
        shape_{networks.network.input.height, networks.network.input.width} {}

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
void mean_histograms(const Hog& histograms, const Matrix& views, size_t begin, size_t count,
                     std::span<float> out) {
  std::vector<float> one(out.size());
  for (size_t v = 0; v < count; ++v) {
    histograms.make(views.row(begin + v), one);
    add(one, out);
  }
  make_unit(out);
}

Inference ready_members(const TwinNetworks& networks) {
  std::vector<std::vector<float>> parameters;
  Network folded = networks.network;
  for (const std::vector<float>& member : networks.members) {
    FoldedNetwork one = fold_batch_norm(networks.network, member);
    folded = std::move(one.network);
    parameters.push_back(std::move(one.parameters));
  }
  return {folded, std::move(parameters)};
}

// The members' embeddings, and the gradient term behind them.
class ReadyTwins final : public ReadyEmbedder {
 public:
  ReadyTwins(const TwinNetworks& networks, const Preprocessing& input)
      : preprocessing_(input),
        views_(networks),
        members_(ready_members(networks)),
        unit_(networks.length() == EmbeddingLength::unit),
        gradients_(networks.hog),
        size_(networks.size()) {
    if (gradients_.weight > 0) histograms_.emplace(gradients_.histograms, views_.shape());
  }

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
  HogTerm gradients_;
  std::optional<Hog> histograms_;
  size_t size_;
};

bool is_negative(float value) { return value < 0; }

// Its whitening is read with the tensors.
HogTerm read_hog(const ModelMetadata& metadata, const Shape& input) {
  const json value = metadata.parsed("gradients");
  const JsonObject object(value, metadata.place("gradients"));
  HogTerm term;
  term.histograms.cell = object.whole_number("cell", 0, UINT32_MAX);
  term.histograms.bins = object.whole_number("bins", 0, UINT32_MAX);
  term.weight = object.number("weight", 0, kMostWeight);
  try {
    term.histograms.check();
    if (term.weight > 0) Hog(term.histograms, {input.height, input.width}).size();
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  return term;
}

// Several members' tensors have their number before the name.
std::string tensor_name(const Tensor& tensor, size_t member, size_t members) {
  return members == 1 ? tensor.name
                      : std::string("member").append(std::to_string(member)) + "." + tensor.name;
}

// "conv filters=6 kernel=3 padding=valid"
std::string layer_text(const json& layer) {
  std::string text = layer["type"].get<std::string>();
  for (const auto& [key, value] : layer.items()) {
    if (key == "type") continue;
    text += " " + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

}  // namespace

std::unique_ptr<StoredEmbedder> TwinNetworks::clone() const {
  return std::make_unique<TwinNetworks>(*this);
}

size_t TwinNetworks::size() const {
  return members.size() * embedding_size(network) + hog.whitening.size();
}

EmbeddingLength TwinNetworks::length() const {
  const bool unit =
      !network.layers.empty() && std::holds_alternative<L2Normalize>(network.layers.back());
  return unit ? EmbeddingLength::unit : EmbeddingLength::any;
}

std::unique_ptr<const ReadyEmbedder> TwinNetworks::ready(const Preprocessing& input) const {
  return std::make_unique<ReadyTwins>(*this, input);
}

void TwinNetworks::store(TensorFile& file) const {
  file.metadata["network"] = network_to_json(network).dump();
  file.metadata["members"] = std::to_string(members.size());
  file.metadata["views"] = views_to_json(views).dump();
  file.metadata["gradients"] = json{
      {"cell", hog.histograms.cell},
      {"bins", hog.histograms.bins},
      {"weight", hog.weight}}.dump();
  for (size_t m = 0; m < members.size(); ++m) {
    for (const Tensor& tensor : parameter_tensors(network)) {
      const float* values = members[m].data() + tensor.offset;
      file.tensors.push_back(
          {tensor_name(tensor, m, members.size()), tensor.shape, {values, values + tensor.size}});
    }
  }
  if (const size_t size = hog.whitening.size(); size > 0) {
    file.tensors.push_back({kWhiteningMean, {size}, hog.whitening.mean});
    file.tensors.push_back({kWhiteningTransform, {size, size}, hog.whitening.transform.values});
  }
}

std::string TwinNetworks::summary() const {
  const std::string each = std::to_string(parameter_count(network)) + " parameters";
  if (members.size() == 1) return "a network of " + each;
  return std::to_string(members.size()) + " networks of " + each;
}

std::vector<std::pair<std::string, std::string>> TwinNetworks::facts() const {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"views", std::to_string(views.count()) + " of each picture"}};
  if (hog.weight > 0) {
    facts.emplace_back("HOG", std::to_string(hog.whitening.size()) +
                                  " values beside the networks, weight " + json(hog.weight).dump());
  }
  facts.emplace_back("networks", summary() + ", input " + to_string(network.input));
  const json layers = network_to_json(network)["layers"];
  const std::vector<Shape> shapes = layer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i) {
    facts.emplace_back("layer " + std::to_string(i),
                       layer_text(layers[i]) + ": " + to_string(shapes[i]));
  }
  return facts;
}

json TwinNetworks::to_json() const {
  return {{"network", network_to_json(network)},
          {"parameters", parameter_count(network)},
          {"members", members.size()},
          {"views", views_to_json(views)}};
}

const TwinNetworks& twins(const Model& model) {
  if (const auto* networks = model.embedder.as<TwinNetworks>()) return *networks;
  throw Error(ErrorKind::bad_argument,
              "a model that Doppel trained was expected, not " + model.embedder->summary());
}

TwinNetworks& twins(Model& model) {
  return const_cast<TwinNetworks&>(twins(static_cast<const Model&>(model)));
}

AnyEmbedder read_twin_networks(const ModelMetadata& metadata, ModelTensors& tensors,
                               const Preprocessing& input) {
  TwinNetworks read;
  try {
    read.network = network_from_json(metadata.parsed("network"));
    read.views = views_from_json(metadata.parsed("views"));
  } catch (const Error& error) {
    metadata.fail(error.what());
  }
  const Shape made{1, input.input_height(), input.input_width()};
  if (made != read.network.input) {
    metadata.fail("its preprocessing gives " + to_string(made) + ", its network takes " +
                  to_string(read.network.input));
  }
  read.hog = read_hog(metadata, read.network.input);
  const size_t members = metadata.whole_number("members", kMostMembers);
  if (members < 1) metadata.fail("it has no members");
  const std::vector<Tensor> described = parameter_tensors(read.network);
  for (size_t m = 0; m < members; ++m) {
    for (const Tensor& tensor : described) {
      tensors.expect(tensor_name(tensor, m, members), tensor.shape);
    }
  }
  Whitening& whitening = read.hog.whitening;
  if (read.hog.weight > 0) {
    const Shape& shape = read.network.input;
    const size_t size = Hog(read.hog.histograms, {shape.height, shape.width}).size();
    tensors.expect(kWhiteningMean, {size});
    tensors.expect(kWhiteningTransform, {size, size});
  }
  tensors.expect_no_others();
  for (size_t m = 0; m < members; ++m) {
    read.members.emplace_back().reserve(parameter_count(read.network));
    for (const Tensor& tensor : described) {
      const std::vector<float>& values = tensors.values(tensor_name(tensor, m, members));
      if (tensor.name.ends_with(".running_var") && std::ranges::any_of(values, is_negative)) {
        metadata.fail("tensor \"" + tensor.name + "\" holds a variance below 0");
      }
      read.members[m].insert(read.members[m].end(), values.begin(), values.end());
    }
  }
  if (read.hog.weight > 0) {
    whitening.mean = tensors.values(kWhiteningMean);
    whitening.transform = Matrix(whitening.size(), whitening.size());
    whitening.transform.values = tensors.values(kWhiteningTransform);
  }
  return read;
}

Matrix hog_rows(const TwinNetworks& networks, const Matrix& inputs, ThreadPool& pool) {
  const InputViews views(networks);
  const Hog histograms(networks.hog.histograms, views.shape());
  Matrix result(inputs.rows, histograms.size());
  views.for_all(inputs, pool, [&](size_t first, size_t count, const Matrix& made) {
    pool.parallel_for(count, [&](size_t i, size_t) {
      mean_histograms(histograms, made, i * views.count(), views.count(), result.row(first + i));
    });
  });
  return result;
}

}  // namespace doppel::internal
