#include "doppel/graph/dlib_network.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "doppel/base/dlib_reader.h"

namespace doppel::internal {
namespace {

constexpr size_t kSide = 150, kEmbedding = 128;

enum class DlibPart {
  convolution,
  affine,
  rectifier,
  max_pool,
  average_pool,
  global_average,
  add,
  projection,
  block_begins,     // its input is the shortcut
  main_path_ends,   // of a block with an average pool in its shortcut
  shortcut_begins,  // which goes back to the block's input
};

struct DlibLayer {
  DlibPart part;
  size_t filters = 0, kernel = 0, stride = 1;

  size_t padding() const { return stride == 1 ? kernel / 2 : 0; }
  // Whether it is a name for a value and computes nothing.
  bool is_tag() const {
    return part == DlibPart::block_begins || part == DlibPart::main_path_ends ||
           part == DlibPart::shortcut_begins;
  }
};

void add_convolution(std::vector<DlibLayer>& layers, size_t filters, size_t kernel, size_t stride) {
  layers.push_back({DlibPart::convolution, filters, kernel, stride});
  layers.push_back({DlibPart::affine, filters});
}

void add_block(std::vector<DlibLayer>& layers, size_t filters, bool halves) {
  layers.push_back({DlibPart::block_begins});
  add_convolution(layers, filters, 3, halves ? 2 : 1);
  layers.push_back({DlibPart::rectifier});
  add_convolution(layers, filters, 3, 1);
  if (halves) {
    layers.push_back({DlibPart::main_path_ends});
    layers.push_back({DlibPart::shortcut_begins});
    layers.push_back({DlibPart::average_pool, 0, 2, 2});
  }
  layers.push_back({DlibPart::add});
  layers.push_back({DlibPart::rectifier});
}

// From the input on.
std::vector<DlibLayer> face_network() {
  std::vector<DlibLayer> layers;
  add_convolution(layers, 32, 7, 2);
  layers.push_back({DlibPart::rectifier});
  layers.push_back({DlibPart::max_pool, 0, 3, 2});
  for (int i = 0; i < 3; ++i) add_block(layers, 32, false);
  struct Level {
    size_t filters;
    int others;
  };
  for (const Level level : {Level{64, 3}, Level{128, 2}, Level{256, 2}, Level{256, 0}}) {
    add_block(layers, level.filters, true);
    for (int i = 0; i < level.others; ++i) add_block(layers, level.filters, false);
  }
  layers.push_back({DlibPart::global_average});
  layers.push_back({DlibPart::projection, kEmbedding});
  return layers;
}

class DlibNetworkReading {
 public:
  DlibNetworkReading(std::string_view bytes, const std::string& name) : in_(bytes, name) {
    result_.graph.input = {3, kSide, kSide};
  }

  // The types of the layers come first, as a version each, from the last layer to the first; then
  // what they hold, from the first to the last.
  DlibNetwork read() {
    const std::vector<DlibLayer> layers = face_network();
    in_.expect(1, "a network of dlib");
    in_.expect_text("loss_metric_2");
    in_.number();  // margin of the loss
    in_.number();  // its threshold
    for (size_t i = layers.size(); i-- > 0;) {
      in_.expect(i == 0 ? 3 : layers[i].is_tag() ? 1 : 2, "dlib's face recognition network");
    }
    in_.expect_text("input_rgb_image_sized");
    for (float& mean : result_.mean) mean = in_.number();
    expect_all({kSide, kSide}, "an input of 150 x 150 pixels");
    channels_ = result_.graph.input.channels;
    for (size_t i = 0; i < layers.size(); ++i) {
      read_layer(layers[i]);
      if (!layers[i].is_tag()) skip_state(i == 0);
    }
    in_.expect_end();
    return std::move(result_);
  }

 private:
  size_t last() const { return result_.graph.nodes.size(); }
  GraphNode& append(Operator op, std::vector<size_t> inputs) {
    result_.graph.nodes.push_back({op, std::move(inputs)});
    return result_.graph.nodes.back();
  }

  void expect_all(std::initializer_list<size_t> values, const std::string& what) {
    for (const size_t value : values) in_.expect(static_cast<int64_t>(value), what);
  }

  // What training left behind: three flags, three tensors.
  void skip_state(bool first) {
    for (int i = 0; i < 3; ++i) in_.truth();
    for (int i = 0; i < 3; ++i) in_.tensor();
    if (first) in_.expect(1, "one picture for each sample");
  }

  // Which part of a layer's parameters is which: a version and four extents.
  void skip_view() {
    for (int i = 0; i < 5; ++i) in_.integer();
  }

  std::vector<float> parameters(size_t size) {
    std::vector<float> values = in_.tensor().values;
    if (values.size() != size) {
      in_.fail("a layer has " + std::to_string(values.size()) + " parameters, " +
               std::to_string(size) + " were expected");
    }
    return values;
  }

  void read_layer(const DlibLayer& layer) {
    switch (layer.part) {
      case DlibPart::convolution:
        return read_convolution(layer);
      case DlibPart::affine:
        return read_affine(layer);
      case DlibPart::rectifier:
        in_.expect_text("relu_");
        append(Rectifier{}, {last()});
        return;
      case DlibPart::max_pool:
        read_pool("max_pool_2", layer);
        append(MaxPooling{layer.kernel, layer.stride}, {last()});
        return;
      case DlibPart::average_pool:
        read_pool("avg_pool_2", layer);
        append(AveragePooling{layer.kernel, layer.stride}, {block_input_});
        shortcut_ = last();
        return;
      case DlibPart::global_average:
        read_pool("avg_pool_2", layer);
        append(GlobalAverage{}, {last()});
        return;
      case DlibPart::add:
        in_.expect_text("add_prev_");
        append(Sum{}, {main_ == 0 ? last() : main_, shortcut_});
        main_ = 0;
        return;
      case DlibPart::projection:
        return read_projection(layer);
      case DlibPart::block_begins:
        block_input_ = shortcut_ = last();
        return;
      case DlibPart::main_path_ends:
        main_ = last();
        return;
      case DlibPart::shortcut_begins:
        return;
    }
  }

  void read_convolution(const DlibLayer& layer) {
    in_.expect_text("con_4");
    const size_t weights = layer.filters * channels_ * layer.kernel * layer.kernel;
    const std::vector<float> values = parameters(weights + layer.filters);
    expect_all({layer.filters, layer.kernel, layer.kernel, layer.stride, layer.stride,
                layer.padding(), layer.padding()},
               "the settings of another convolution");
    skip_view();
    skip_view();
    for (int i = 0; i < 4; ++i) in_.number();  // rates of training
    GraphNode& node =
        append(Convolution{layer.filters, layer.kernel, layer.stride, layer.padding()}, {last()});
    const auto end = values.begin() + static_cast<ptrdiff_t>(weights);
    node.weight.assign(values.begin(), end);
    node.bias.assign(end, values.end());
    channels_ = layer.filters;
  }

  // A scale and a shift of every channel, which go into the convolution before them.
  void read_affine(const DlibLayer& layer) {
    in_.expect_text("affine_");
    const std::vector<float> values = parameters(2 * layer.filters);
    skip_view();
    skip_view();
    in_.expect(0, "a scale for each channel");
    GraphNode& node = result_.graph.nodes.back();
    const size_t each = node.weight.size() / layer.filters;
    for (size_t f = 0; f < layer.filters; ++f) {
      const double scale = double{values[f]}, shift = double{values[layer.filters + f]};
      for (size_t i = f * each; i < (f + 1) * each; ++i) {
        node.weight[i] = static_cast<float>(double{node.weight[i]} * scale);
      }
      node.bias[f] = static_cast<float>(double{node.bias[f]} * scale + shift);
    }
  }

  void read_pool(const std::string& name, const DlibLayer& layer) {
    in_.expect_text(name);
    expect_all({layer.kernel, layer.kernel, layer.stride, layer.stride, 0, 0},
               "the settings of another pool");
  }

  // Its weights are [inputs][outputs].
  void read_projection(const DlibLayer& layer) {
    in_.expect_text("fc_2");
    expect_all({layer.filters, channels_}, "a projection to 128 values");
    const std::vector<float> values = parameters(layer.filters * channels_);
    skip_view();
    skip_view();
    in_.expect(1, "a projection without a bias");
    for (int i = 0; i < 4; ++i) in_.number();
    GraphNode& node = append(Projection{layer.filters}, {last()});
    node.weight.resize(values.size());
    for (size_t o = 0; o < layer.filters; ++o) {
      for (size_t c = 0; c < channels_; ++c) {
        node.weight[o * channels_ + c] = values[c * layer.filters + o];
      }
    }
  }

  DlibReader in_;
  DlibNetwork result_;
  size_t channels_ = 0;
  size_t block_input_ = 0, shortcut_ = 0, main_ = 0;  // values; main_ 0: the last one
};

}  // namespace

DlibNetwork read_dlib_network(std::string_view bytes, const std::string& name) {
  return DlibNetworkReading(bytes, name).read();
}

}  // namespace doppel::internal
