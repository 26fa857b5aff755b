#include "doppel/model/onnx_export.h"

#include <cmath>
#include <numbers>

#include "doppel/model/onnx_embedder.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

using Floats = std::vector<float>;

int64_t extent(size_t size) { return static_cast<int64_t>(size); }

// Too short to change a length, and a vector of zeros divided by it stays zeros.
constexpr float kLeastLength = 1e-12f;

// A value of the graph. ONNX has flat vectors as N x n, our networks have them as n x 1 x 1.
struct Value {
  std::string name;
  Shape shape;
  bool flat = false;
};

Value as_flat(OnnxGraph& graph, const Value& value) {
  if (value.flat) return value;
  return {graph.add("Flatten", {value.name}, {{"axis", int64_t{1}}}), {value.shape.size()}, true};
}

Value as_picture(OnnxGraph& graph, const Value& value) {
  if (!value.flat) return value;
  const std::string shape = graph.integers({-1, extent(value.shape.channels), 1, 1});
  return {graph.add("Reshape", {value.name, shape}), value.shape, false};
}

std::string transposed(OnnxGraph& graph, const std::string& value, std::vector<int64_t> order) {
  return graph.add("Transpose", {value}, {{"perm", std::move(order)}});
}

std::string concatenated(OnnxGraph& graph, std::vector<std::string> values) {
  if (values.size() == 1) return values.front();
  return graph.add("Concat", std::move(values), {{"axis", int64_t{1}}});
}

std::string scaled(OnnxGraph& graph, const std::string& value, double factor) {
  if (factor == 1) return value;
  return graph.add("Mul", {value, graph.constant({}, Floats{static_cast<float>(factor)})});
}

// The square root of the values' sums of squares, within the columns that `sums` adds up, back in
// all columns through `spread`: what each value is to be divided by.
std::string lengths(OnnxGraph& graph, const std::string& values, const std::string& sums,
                    const std::string& spread) {
  const std::string added = graph.add("MatMul", {graph.add("Mul", {values, values}), sums});
  const std::string least = graph.constant({}, Floats{kLeastLength * kLeastLength});
  const std::string root = graph.add("Sqrt", {graph.add("Add", {added, least})});
  return graph.add("MatMul", {root, spread});
}

// N x size, every row divided by its length.
std::string unit(OnnxGraph& graph, const std::string& rows, size_t size) {
  const std::string sums = graph.constant({extent(size), 1}, Floats(size, 1.0f));
  const std::string spread = graph.constant({1, extent(size)}, Floats(size, 1.0f));
  return graph.add("Div", {rows, lengths(graph, rows, sums, spread)});
}

// Of N * views rows, an input's one behind the other, the means: N rows.
std::string mean_of_views(OnnxGraph& graph, const std::string& rows, size_t views, size_t size) {
  if (views == 1) return rows;
  const std::string shape = graph.integers({-1, extent(views), extent(size)});
  // Without keepdims OpenCV 4.6 takes the batch for one that stays as it was.
  const std::string mean = graph.add("ReduceMean", {graph.add("Reshape", {rows, shape})},
                                     {{"axes", std::vector<int64_t>{1}}});
  return graph.add("Flatten", {mean}, {{"axis", int64_t{1}}});
}

// The matrix by which a row of `size` values is multiplied to be mapped as `map(in, out)` does,
// which is linear: it is known by what it makes of the unit vectors.
template <typename Map>
std::string matrix_of(OnnxGraph& graph, size_t size, const Map& map) {
  Floats values(size * size);
  for (size_t i = 0; i < size; ++i) {
    Floats one(size, 0.0f);
    one[i] = 1;
    map(std::span<const float>(one), std::span<float>(values).subspan(i * size, size));
  }
  return graph.constant({extent(size), extent(size)}, std::move(values));
}

// `picture`, N x C x height x width, with every row multiplied by `matrix`; with every column.
std::string rows_by(OnnxGraph& graph, const std::string& picture, const std::string& matrix) {
  return graph.add("MatMul", {picture, matrix});
}
std::string columns_by(OnnxGraph& graph, const std::string& picture, const std::string& matrix) {
  return transposed(graph, rows_by(graph, transposed(graph, picture, {0, 1, 3, 2}), matrix),
                    {0, 1, 3, 2});
}

// All views of the input, one behind the other in the batch, as make_views() makes them. Scaling
// about the centre treats rows and columns each by themselves.
Value views_of(OnnxGraph& graph, const TwinNetworks& networks) {
  const Shape& shape = networks.network.input;
  std::vector<std::string> looks;
  std::string reversal;
  for (const double scale : networks.views.scales) {
    const auto scaling = [&](ImageShape line) {
      return [line, scale](std::span<const float> in, std::span<float> out) {
        warp(line, in, {1 / scale, 0, 0, 0, 1 / scale, 0}, {}, out);
      };
    };
    std::string look = OnnxGraph::kInput;
    if (scale != 1) {
      look = rows_by(graph, look, matrix_of(graph, shape.width, scaling({1, shape.width})));
      look = columns_by(graph, look, matrix_of(graph, shape.height, scaling({shape.height, 1})));
    }
    looks.push_back(look);
    if (!networks.views.mirror) continue;
    if (reversal.empty()) {
      const auto reverse = [&](std::span<const float> in, std::span<float> out) {
        mirror({1, shape.width}, in, out);
      };
      reversal = matrix_of(graph, shape.width, reverse);
    }
    looks.push_back(rows_by(graph, look, reversal));
  }
  if (looks.size() == 1) return {looks.front(), shape, false};
  const std::string one_behind_the_other =
      graph.integers({-1, 1, extent(shape.height), extent(shape.width)});
  return {graph.add("Reshape", {concatenated(graph, looks), one_behind_the_other}), shape, false};
}

// Runs through the layers of one network.
class Layers {
 public:
  Layers(OnnxGraph& graph, const FoldedNetwork& folded, const Value& input)
      : graph_(graph),
        folded_(folded),
        shapes_(layer_shapes(folded.network)),
        tensors_(parameter_tensors(folded.network)),
        values_{input} {
    for (const Layer& layer : folded.network.layers) {
      std::visit([&](const auto& kind) { values_.push_back(next(kind)); }, layer);
    }
  }

  std::string embedding() { return as_flat(graph_, values_.back()).name; }

 private:
  size_t index() const { return values_.size() - 1; }
  const Shape& shape() const { return shapes_[index()]; }  // of what this layer gives
  Value picture() { return as_picture(graph_, values_.back()); }
  Value flat() { return as_flat(graph_, values_.back()); }

  // This layer's tensors, as constants.
  std::vector<std::string> tensors() {
    std::vector<std::string> names;
    for (const Tensor& tensor : tensors_) {
      if (tensor.layer != index()) continue;
      std::vector<int64_t> shape;
      for (const size_t n : tensor.shape) shape.push_back(extent(n));
      const std::span<const float> all = folded_.parameters;
      names.push_back(graph_.constant(std::move(shape), all.subspan(tensor.offset, tensor.size)));
    }
    return names;
  }
  std::vector<std::string> with_tensors(const Value& value) {
    std::vector<std::string> inputs = tensors();
    inputs.insert(inputs.begin(), value.name);
    return inputs;
  }

  Value next(const Conv& conv) {
    const std::vector<int64_t> kernel(2, extent(conv.kernel)), strides(2, extent(conv.stride));
    const std::vector<int64_t> pads(4, extent(conv.padding));
    return {graph_.add("Conv", with_tensors(picture()),
                       {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}}),
            shape(), false};
  }
  Value next(const BatchNorm&) {
    const Value in = values_.back();
    return {graph_.add("BatchNormalization", with_tensors(in),
                       {{"epsilon", static_cast<float>(kNormEpsilon)}}),
            shape(), in.flat};
  }
  Value next(const Relu&) {
    const Value in = values_.back();
    return {graph_.add("Relu", {in.name}), shape(), in.flat};
  }
  Value next(const Relu6&) {
    const Value in = values_.back();
    // relu(x) - relu(x - 6): OpenCV 4.6 reads no Clip of this opset.
    const std::string beyond = graph_.add("Sub", {in.name, graph_.constant({}, Floats{6})});
    const std::string x = graph_.add("Relu", {in.name});
    return {graph_.add("Sub", {x, graph_.add("Relu", {beyond})}), shape(), in.flat};
  }
  Value next(const MaxPool& pool) {
    const std::vector<int64_t> size(2, extent(pool.size));
    return {graph_.add("MaxPool", {picture().name}, {{"kernel_shape", size}, {"strides", size}}),
            shape(), false};
  }
  Value next(const GlobalAveragePool&) {
    return {graph_.add("GlobalAveragePool", {picture().name}), shape(), false};
  }
  Value next(const Dropout&) { return values_.back(); }
  Value next(const Flatten&) { return flat(); }
  Value next(const Dense&) {
    return {graph_.add("Gemm", with_tensors(flat()), {{"transB", int64_t{1}}}), shape(), true};
  }
  Value next(const Add& add) {
    const Value here = picture(), before = as_picture(graph_, values_[index() - add.back]);
    return {graph_.add("Add", {here.name, before.name}), shape(), false};
  }
  Value next(const L2Normalize&) {
    return {unit(graph_, flat().name, shape().size()), shape(), true};
  }

  OnnxGraph& graph_;
  const FoldedNetwork& folded_;
  std::vector<Shape> shapes_;
  std::vector<Tensor> tensors_;
  std::vector<Value> values_;  // the input, then what each layer gives
};

// The central difference of a line of `size` >= 2 values, one-sided at its ends.
std::string differences(OnnxGraph& graph, size_t size) {
  return matrix_of(graph, size, [size](std::span<const float> in, std::span<float> out) {
    for (size_t i = 0; i < size; ++i) {
      const size_t before = i > 0 ? i - 1 : 0, after = i + 1 < size ? i + 1 : i;
      out[i] = (in[after] - in[before]) / static_cast<float>(after - before);
    }
  });
}

// What each pixel of a line of `size` adds to each of the `cells` along it.
std::string cell_weights(OnnxGraph& graph, const Hog& histograms, size_t size, size_t cells) {
  Floats values(size * cells);
  for (size_t i = 0; i < size; ++i) {
    for (size_t c = 0; c < cells; ++c) values[i * cells + c] = histograms.weight(i, c);
  }
  return graph.constant({extent(size), extent(cells)}, std::move(values));
}

// How much each pixel's gradient counts for each of the directions: N x bins x height x width. Of
// a gradient g and a direction e, u = g.e and v = g x e; the angle between them is
// pi / 2 - atan(u / |v|), and g counts by its length for the directions to both sides, the less the
// farther it lies from them.
std::string votes(OnnxGraph& graph, const Value& looks, size_t bins) {
  const std::string gradients =
      concatenated(graph, {rows_by(graph, looks.name, differences(graph, looks.shape.width)),
                           columns_by(graph, looks.name, differences(graph, looks.shape.height))});
  const auto number = [&](double value) {
    return graph.constant({}, Floats{static_cast<float>(value)});
  };
  const auto combined = [&](const std::string& input, auto x_weight, auto y_weight) {
    Floats weights;
    for (size_t b = 0; b < bins; ++b) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(b) / static_cast<double>(bins);
      weights.push_back(static_cast<float>(x_weight(angle)));
      weights.push_back(static_cast<float>(y_weight(angle)));
    }
    return graph.add("Conv", {input, graph.constant({extent(bins), 2, 1, 1}, std::move(weights))},
                     {{"kernel_shape", std::vector<int64_t>{1, 1}}});
  };
  const auto sine = [](double a) { return std::sin(a); };
  const auto cosine = [](double a) { return std::cos(a); };
  const auto minus_sine = [](double a) { return -std::sin(a); };
  const auto one = [](double) { return 1.0; };
  const std::string u = combined(gradients, cosine, sine);
  const std::string v = graph.add("Abs", {combined(gradients, minus_sine, cosine)});
  const std::string strength =
      graph.add("Sqrt", {combined(graph.add("Mul", {gradients, gradients}), one, one)});
  const std::string ratio = graph.add("Div", {u, graph.add("Add", {v, number(1e-20)})});
  const auto width = static_cast<double>(bins) / (2 * std::numbers::pi);  // 1 / a bin's angle
  const std::string near =
      graph.add("Add", {graph.add("Mul", {graph.add("Atan", {ratio}), number(width)}),
                        number(1 - static_cast<double>(bins) / 4)});
  return graph.add("Mul", {graph.add("Relu", {near}), strength});
}

// Hog::make() of N x 1 x height x width: N x histograms.size().
std::string histogram_rows(OnnxGraph& graph, const Hog& histograms, const Value& looks,
                           size_t bins) {
  const size_t down = histograms.down(), across = histograms.across(), cells = down * across;
  const size_t size = histograms.size();
  std::string value = votes(graph, looks, bins);
  value = rows_by(graph, value, cell_weights(graph, histograms, looks.shape.width, across));
  value = transposed(graph, value, {0, 1, 3, 2});
  value = rows_by(graph, value, cell_weights(graph, histograms, looks.shape.height, down));
  value = transposed(graph, value, {0, 3, 2, 1});  // cells row by row, of each its bins
  value = graph.add("Reshape", {value, graph.integers({-1, extent(size)})});
  // A cell is divided by its length plus half the mean one.
  Floats sums(size * cells), spread(cells * size);
  for (size_t c = 0; c < cells; ++c) {
    for (size_t i = 0; i < size; ++i) {
      const bool own = i / bins == c;
      sums[i * cells + c] = own ? 1.0f : 0.0f;
      spread[c * size + i] = (own ? 1.0f : 0.0f) + 0.5f / static_cast<float>(cells);
    }
  }
  const std::string by =
      lengths(graph, value, graph.constant({extent(size), extent(cells)}, std::move(sums)),
              graph.constant({extent(cells), extent(size)}, std::move(spread)));
  return unit(graph, graph.add("Div", {value, by}), size);
}

// (row - mean) S^(-1/2), whose matrix is symmetric.
std::string whitened(OnnxGraph& graph, const Whitening& whitening, const std::string& rows) {
  const int64_t size = extent(whitening.size());
  const std::string centred = graph.add("Sub", {rows, graph.constant({size}, whitening.mean)});
  return graph.add("MatMul", {centred, graph.constant({size, size}, whitening.transform.values)});
}

std::string input_in_words(const Preprocessing& p) {
  std::string text = "N x 1 x " + std::to_string(p.input_height()) + " x " +
                     std::to_string(p.input_width()) +
                     " (batch, channel, rows from the top, columns): grey values in 0 .. 1 (0.299 "
                     "R + 0.587 G + 0.114 B) of the picture resized to " +
                     std::to_string(p.width) + " x " + std::to_string(p.height) +
                     " (wide x high; averaged over areas where it shrinks, linear where it grows)";
  if (p.align) text += ", a face whose eyes and mouth were brought to fixed places";
  if (p.subsampling > 1) text += ", of it every row and column in " + std::to_string(p.subsampling);
  if (p.standardize) {
    text +=
        "; then each picture's values minus their mean, divided by their standard deviation "
        "(zeros where that is below 1e-5)";
  }
  return text;
}

}  // namespace

OnnxGraph onnx_graph(const Model& model, const std::string& licence) {
  const TwinNetworks& networks = twins(model);
  OnnxGraph graph;
  const Shape& input = networks.network.input;
  graph.input = {extent(input.channels), extent(input.height), extent(input.width)};
  const Value looks = views_of(graph, networks);
  const size_t views = networks.views.count();
  const bool units = std::holds_alternative<L2Normalize>(networks.network.layers.back());
  const double weight = networks.hog.weight;
  const double whole = units ? 1 / std::sqrt(1 + weight) : 1;  // as Embedder has it
  const double factor = whole / std::sqrt(static_cast<double>(networks.members.size()));
  std::vector<std::string> parts;
  for (const std::vector<float>& member : networks.members) {
    const FoldedNetwork folded = fold_batch_norm(networks.network, member);
    const size_t size = embedding_size(networks.network);
    std::string part = Layers(graph, folded, looks).embedding();
    part = mean_of_views(graph, part, views, size);
    if (views > 1 && units) part = unit(graph, part, size);
    parts.push_back(scaled(graph, part, factor));
  }
  if (weight > 0) {
    const HogSettings& settings = networks.hog.histograms;
    const Hog histograms(settings, {input.height, input.width});
    std::string part = histogram_rows(graph, histograms, looks, settings.bins);
    if (views > 1) {
      part = mean_of_views(graph, part, views, histograms.size());
      part = unit(graph, part, histograms.size());
    }
    part = unit(graph, whitened(graph, networks.hog.whitening, part), histograms.size());
    parts.push_back(scaled(graph, part, whole * std::sqrt(weight)));
  }
  graph.output = concatenated(graph, std::move(parts));
  graph.output_shape = {extent(embedding_size(model))};

  const nlohmann::json data = {{"digest", model.training.data_digest},
                               {"identities", model.training.identities},
                               {"images", model.training.images}};
  const nlohmann::json gradients = {{"cell", networks.hog.histograms.cell},
                                    {"bins", networks.hog.histograms.bins},
                                    {"weight", weight}};
  graph.metadata = {{"description", describe_embedder(model).dump()},
                    {"input", input_in_words(model.preprocessing)},
                    {"views", views_to_json(networks.views).dump()},
                    {"gradients", gradients.dump()},
                    {"data", data.dump()},
                    {"version", model.version}};
  if (model.threshold) graph.metadata["threshold"] = stored_json(*model.threshold).dump();
  if (!licence.empty()) graph.metadata["licence"] = licence;
  return graph;
}

}  // namespace doppel::internal
