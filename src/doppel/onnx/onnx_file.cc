#include "doppel/onnx/onnx_file.h"

// As Debian builds these classes.
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "doppel/base/overloaded.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr int kMostNodes = 20000, kMostDepth = 32;
constexpr int64_t kMostTensorValues = int64_t{1} << 28;
constexpr int kMostTensorRank = 8;
constexpr int64_t kMostKernel = 1024;  // and stride, frame, dilation

// ---- out

void put_tensor(const OnnxConstant& constant, onnx::TensorProto& tensor) {
  tensor.set_name(constant.name);
  for (const int64_t extent : constant.shape) tensor.add_dims(extent);
  // Little-endian, as all that we run on.
  std::visit(Overloaded{[&](const std::vector<float>& values) {
                          tensor.set_data_type(onnx::TensorProto::FLOAT);
                          tensor.set_raw_data(values.data(), values.size() * sizeof(float));
                        },
                        [&](const std::vector<int64_t>& values) {
                          tensor.set_data_type(onnx::TensorProto::INT64);
                          tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
                        }},
             constant.values);
}

void put_attribute(const std::string& name, const OnnxAttribute& value,
                   onnx::AttributeProto& attribute) {
  attribute.set_name(name);
  std::visit(Overloaded{[&](int64_t number) {
                          attribute.set_type(onnx::AttributeProto::INT);
                          attribute.set_i(number);
                        },
                        [&](float number) {
                          attribute.set_type(onnx::AttributeProto::FLOAT);
                          attribute.set_f(number);
                        },
                        [&](const std::vector<int64_t>& numbers) {
                          attribute.set_type(onnx::AttributeProto::INTS);
                          for (const int64_t number : numbers) attribute.add_ints(number);
                        }},
             value);
}

void put_value(const char* name, const std::vector<int64_t>& shape, onnx::ValueInfoProto& value) {
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape()->add_dim()->set_dim_param("N");
  for (const int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

// ---- in

// What the networks that embed pictures are made of. Left out on purpose: what makes a tensor as
// large as a number in the file says (ConstantOfShape, Tile, Resize, ..), what runs a graph of its
// own (If, Loop, Scan) and what changes between runs.
constexpr std::string_view kOperators =
    " "
    "Abs Add Atan AveragePool BatchNormalization Cast Clip Concat Constant Conv Div Dropout "
    "Elu Erf Exp Expand Flatten Gather Gemm GlobalAveragePool GlobalMaxPool HardSigmoid "
    "HardSwish Identity InstanceNormalization LeakyRelu Log LpNormalization MatMul Max "
    "MaxPool Min Mul Neg PRelu Pad Pow Reciprocal ReduceL2 ReduceMax ReduceMean ReduceSum "
    "Relu Reshape Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh "
    "Transpose Unsqueeze ";

bool is_known(const std::string& op) {
  return op.find(' ') == std::string::npos &&
         kOperators.find(std::string(" ").append(op) + " ") != std::string_view::npos;
}

// What a file calls something, as a terminal can take it.
std::string shown(const std::string& name) {
  std::string text = name.substr(0, 120);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

class Checks {
 public:
  explicit Checks(const std::string& name) : name_(name) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": " + what);
  }

  onnx::ModelProto parsed(std::string_view bytes) const {
    if (bytes.size() > kMostOnnxBytes) {
      fail("at most " + std::to_string(kMostOnnxBytes >> 20) + " MiB were expected, not " +
           std::to_string(bytes.size()) + " bytes");
    }
    google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
    google::protobuf::io::CodedInputStream coded(&stream);
    coded.SetRecursionLimit(kMostDepth);
    coded.SetTotalBytesLimit(static_cast<int>(kMostOnnxBytes));
    onnx::ModelProto model;
    if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage() ||
        !model.has_graph()) {
      fail("no ONNX file: it does not parse as one");
    }
    return model;
  }

  void tensor(const onnx::TensorProto& tensor) const {
    const std::string what = "its tensor \"" + shown(tensor.name()) + "\"";
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() > 0) {
      fail(what + " lies in another file; all weights were expected in this one");
    }
    if (tensor.has_segment()) fail(what + " comes in segments");
    if (tensor.dims_size() > kMostTensorRank) fail(what + " has too many dimensions");
    int64_t count = 1;
    for (const int64_t extent : tensor.dims()) {
      if (extent < 0 || (extent > 0 && count > kMostTensorValues / extent)) {
        fail(what + " has an impossible shape");
      }
      count *= extent;
    }
    int64_t size = 0, listed = 0;
    switch (tensor.data_type()) {
      case onnx::TensorProto::FLOAT:
        size = 4;
        listed = tensor.float_data_size();
        break;
      case onnx::TensorProto::DOUBLE:
        size = 8;
        listed = tensor.double_data_size();
        break;
      case onnx::TensorProto::INT64:
        size = 8;
        listed = tensor.int64_data_size();
        break;
      case onnx::TensorProto::INT32:
        size = 4;
        listed = tensor.int32_data_size();
        break;
      case onnx::TensorProto::FLOAT16:
        size = 2;
        listed = tensor.int32_data_size();
        break;
      case onnx::TensorProto::INT8:
      case onnx::TensorProto::UINT8:
        size = 1;
        listed = tensor.int32_data_size();
        break;
      default:
        fail(what + " is of a type that is not supported");
    }
    const auto raw = static_cast<int64_t>(tensor.raw_data().size());
    const bool fits = tensor.has_raw_data() ? raw == count * size : listed == count;
    if (!fits) fail(what + " has not as many values as its shape says");
  }

  void attribute(const std::string& op, const onnx::AttributeProto& attribute) const {
    const std::string what = op + "'s \"" + shown(attribute.name()) + "\"";
    if (attribute.has_g() || attribute.graphs_size() > 0 || attribute.tensors_size() > 0 ||
        attribute.has_sparse_tensor() || attribute.sparse_tensors_size() > 0 ||
        attribute.has_tp() || attribute.type_protos_size() > 0) {
      fail("its " + what + " is nothing that a feed-forward network has");
    }
    if (attribute.has_t()) tensor(attribute.t());
    constexpr int kMostNumbers = 4096;
    if (attribute.ints_size() > kMostNumbers || attribute.floats_size() > kMostNumbers ||
        attribute.strings_size() > kMostNumbers) {
      fail("its " + what + " is too long");
    }
    const std::string& name = attribute.name();
    if (name == "kernel_shape" || name == "strides" || name == "dilations" || name == "pads") {
      const int64_t least = name == "pads" ? 0 : 1;
      for (const int64_t number : attribute.ints()) {
        if (number < least || number > kMostKernel) {
          fail("its " + what + " holds " + std::to_string(number) + ", not " +
               std::to_string(least) + " to " + std::to_string(kMostKernel));
        }
      }
    }
    if (name == "group" && attribute.i() < 1) fail("its " + what + " is below 1");
  }

  void graph(const onnx::GraphProto& graph) const {
    if (graph.node_size() > kMostNodes || graph.initializer_size() > kMostNodes) {
      fail("more than " + std::to_string(kMostNodes) + " nodes or tensors");
    }
    if (graph.sparse_initializer_size() > 0) fail("sparse tensors are not supported");
    for (const onnx::TensorProto& constant : graph.initializer()) tensor(constant);
    std::set<std::string_view> shapes;  // of values, as Shape gives them
    for (const onnx::NodeProto& node : graph.node()) {
      const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
      if (!standard || !is_known(node.op_type())) {
        fail("its operator \"" + shown((standard ? "" : node.domain() + ".") + node.op_type()) +
             "\" is none of the standard ones that an embedder needs");
      }
      if (node.input_size() > kMostNodes || node.output_size() > kMostNodes) {
        fail("a node with too many inputs or outputs");
      }
      if (node.op_type() == "Shape") shapes.insert(node.output().begin(), node.output().end());
      // As PyTorch writes a division by a length: to the size that another value has.
      if (node.op_type() == "Expand" &&
          (node.input_size() != 2 || !shapes.contains(node.input(1)))) {
        fail("its operator \"Expand\" was expected to take the shape of a value");
      }
      for (const onnx::AttributeProto& a : node.attribute()) attribute(node.op_type(), a);
    }
  }

  // What ONNX's own checker demands: values are there before they are used, operators have the
  // inputs and attributes that they need. OpenCV relies on it.
  void consistency(onnx::ModelProto& model) const {
    // Later versions of the file's frame only add to it.
    model.set_ir_version(std::min<int64_t>(model.ir_version(), onnx::Version::IR_VERSION));
    try {
      onnx::checker::check_model(model);
    } catch (const std::exception& error) {
      const std::string text = error.what();
      fail("ONNX's checker refuses it: " + shown(text.substr(0, text.find('\n'))));
    }
  }

  // The only input that is no constant, as a picture.
  void input(const onnx::GraphProto& graph, const OnnxInput& wanted) const {
    std::set<std::string_view> constants;
    for (const onnx::TensorProto& constant : graph.initializer()) constants.insert(constant.name());
    const onnx::ValueInfoProto* found = nullptr;
    for (const onnx::ValueInfoProto& value : graph.input()) {
      if (constants.contains(value.name())) continue;
      if (found != nullptr) fail("it has several inputs, one was expected");
      found = &value;
    }
    if (found == nullptr) fail("it has no input");
    const auto& type = found->type().tensor_type();
    const std::string expected = "batch x " + std::to_string(wanted.channels) + " x " +
                                 std::to_string(wanted.height) + " x " +
                                 std::to_string(wanted.width);
    if (type.elem_type() != onnx::TensorProto::FLOAT || type.shape().dim_size() != 4) {
      fail("its input is not one of " + expected + " floats");
    }
    const int64_t sizes[] = {1, static_cast<int64_t>(wanted.channels),
                             static_cast<int64_t>(wanted.height),
                             static_cast<int64_t>(wanted.width)};
    std::string declared;
    bool fits = true;
    for (int i = 0; i < 4; ++i) {
      const auto& dim = type.shape().dim(i);
      // Exporters write a free size as a name, as nothing, 0 or -1.
      const bool fixed = dim.has_dim_value() && dim.dim_value() > 0;
      declared += (i > 0 ? " x " : "") + (fixed ? std::to_string(dim.dim_value()) : "any");
      fits = fits && (!fixed || dim.dim_value() == sizes[i]);
    }
    if (!fits) fail("its input is " + declared + ", its description says " + expected);
  }

  std::string output(const onnx::GraphProto& graph, const std::string& wanted) const {
    if (graph.output_size() == 0) fail("it has no output");
    if (wanted.empty() && graph.output_size() == 1) return graph.output(0).name();
    std::string names;
    for (int i = 0; i < std::min(graph.output_size(), 8); ++i) {
      if (!wanted.empty() && graph.output(i).name() == wanted) return wanted;
      names += (i > 0 ? ", " : "") + shown(graph.output(i).name());
    }
    fail(wanted.empty() ? "it has several outputs, its description must name one: " + names
                        : "it has no output \"" + shown(wanted) + "\"; it has: " + names);
  }

 private:
  const std::string& name_;
};

}  // namespace

std::string encode_onnx(const OnnxGraph& graph) {
  onnx::ModelProto model;
  model.set_ir_version(6);  // of ONNX 1.6, to which the operators belong
  model.set_producer_name("doppel");
  model.set_producer_version(DOPPEL_VERSION);
  model.add_opset_import()->set_version(OnnxGraph::kOpset);
  for (const auto& [key, text] : graph.metadata) {
    auto& property = *model.add_metadata_props();
    property.set_key(key);
    property.set_value(text);
  }
  onnx::GraphProto& written = *model.mutable_graph();
  written.set_name("embedder");
  put_value(OnnxGraph::kInput, graph.input, *written.add_input());
  put_value(OnnxGraph::kOutput, graph.output_shape, *written.add_output());
  for (const OnnxConstant& constant : graph.constants) {
    put_tensor(constant, *written.add_initializer());
  }
  const auto in_file = [&](const std::string& name) {
    return name == graph.output ? OnnxGraph::kOutput : name;
  };
  for (const OnnxNode& node : graph.nodes) {
    onnx::NodeProto& entry = *written.add_node();
    entry.set_op_type(node.op);
    for (const std::string& input : node.inputs) entry.add_input(in_file(input));
    entry.add_output(in_file(node.output));
    entry.set_name(node.output);
    for (const auto& [name, value] : node.attributes) {
      put_attribute(name, value, *entry.add_attribute());
    }
  }
  std::string bytes;
  // Nothing in it is a map, so the order of the bytes is that of the fields.
  if (!model.SerializeToString(&bytes)) {
    throw Error(ErrorKind::bad_data, "ONNX: the network is larger than the 2 GiB of a file");
  }
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_data, std::string("ONNX: ") + error.what());
  }
  return bytes;
}

std::string check_onnx(std::string_view bytes, const std::string& name, const OnnxInput& input,
                       const std::string& output) {
  const Checks checks(name);
  onnx::ModelProto model = checks.parsed(bytes);
  if (model.functions_size() > 0 || model.training_info_size() > 0) {
    checks.fail("functions and training graphs of its own are not supported");
  }
  checks.graph(model.graph());
  checks.consistency(model);
  checks.input(model.graph(), input);
  return checks.output(model.graph(), output);
}

}  // namespace doppel::internal
