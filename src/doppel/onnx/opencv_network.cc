#include "doppel/onnx/opencv_network.h"

#include "doppel/error.h"

#ifdef DOPPEL_WITH_OPENCV

#include <algorithm>
#include <mutex>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

namespace doppel::internal {
namespace {

constexpr int64_t kMostLayerValues = int64_t{1} << 28, kMostOperations = 1'000'000'000'000;
constexpr size_t kMostEmbedding = 65536;

int say_nothing(int, const char*, const char*, const char*, int, void*) { return 0; }

// While one lives OpenCV prints nothing: what it has to say comes as an exception. How it prints is
// the whole process's, so the last one leaves it as the first one found it.
class Silence {
 public:
  Silence() {
    const std::lock_guard lock(mutex_);
    if (living_++ > 0) return;
    level_ = cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    handler_ = cv::redirectError(say_nothing, nullptr, &data_);
  }
  ~Silence() {
    const std::lock_guard lock(mutex_);
    if (--living_ > 0) return;
    cv::redirectError(handler_, data_);
    cv::utils::logging::setLogLevel(level_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  inline static std::mutex mutex_;
  inline static size_t living_ = 0;
  inline static cv::utils::logging::LogLevel level_;
  inline static cv::ErrorCallback handler_;
  inline static void* data_;
};

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::bad_data, name + ": " + what);
}

// The first line of what OpenCV says, without where in its sources it says so.
[[noreturn]] void refuse(const std::string& name, const cv::Exception& exception) {
  std::string text = exception.err.substr(0, std::min<size_t>(exception.err.find('\n'), 200));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';  // it may quote the file
  }
  refuse(name, "OpenCV cannot run this network: " + text);
}

// How many values the layer's outputs have; -1 where that is impossible.
int64_t values_in(const std::vector<cv::dnn::MatShape>& shapes) {
  int64_t sum = 0;
  for (const cv::dnn::MatShape& shape : shapes) {
    int64_t count = 1;
    for (const int extent : shape) {
      if (extent < 1 || count > kMostLayerValues / extent) return -1;
      count *= extent;
    }
    sum += count;
    if (sum > kMostLayerValues) return -1;
  }
  return sum;
}

void check_sizes(const cv::dnn::Net& net, const cv::dnn::MatShape& input, const std::string& name) {
  std::vector<int> ids;
  std::vector<std::vector<cv::dnn::MatShape>> in, out;
  net.getLayersShapes(input, ids, in, out);
  int64_t sum = 0;
  for (const std::vector<cv::dnn::MatShape>& shapes : out) {
    const int64_t values = values_in(shapes);
    if (values < 0 || sum > kMostLayerValues - values) {
      refuse(name, "its layers take more than the " + std::to_string(kMostLayerValues) +
                       " values that are supported");
    }
    sum += values;
  }
  const int64_t operations = net.getFLOPS(input);
  if (operations < 0 || operations > kMostOperations) {
    refuse(name, "an embedding takes more than the 10^12 operations that are supported");
  }
}

class OpenCvNetwork final : public OnnxNetwork {
 public:
  OpenCvNetwork(std::string_view bytes, std::string name, const OnnxInput& input,
                std::string output)
      : name_(std::move(name)), input_(input), output_(std::move(output)) {
    const Silence silence;
    try {
      net_ = cv::dnn::readNetFromONNX(bytes.data(), bytes.size());
      net_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
      check_sizes(net_,
                  {1, static_cast<int>(input.channels), static_cast<int>(input.height),
                   static_cast<int>(input.width)},
                  name_);
    } catch (const cv::Exception& exception) {
      refuse(name_, exception);
    }
    size_ = run(std::vector<float>(input.size(), 0.0f)).total();
    if (size_ < 1 || size_ > kMostEmbedding) {
      refuse(name_, "an embedding of 1 to " + std::to_string(kMostEmbedding) +
                        " values was expected, not of " + std::to_string(size_));
    }
  }

  size_t embedding_size() const override { return size_; }

  Matrix embed(const Matrix& inputs) const override {
    if (inputs.columns != input_.size()) {
      throw Error(ErrorKind::mismatch, name_ + ": inputs of " + std::to_string(input_.size()) +
                                           " values were expected, not of " +
                                           std::to_string(inputs.columns));
    }
    const std::lock_guard lock(mutex_);
    const Silence silence;
    Matrix embeddings(inputs.rows, size_);
    for (size_t i = 0; i < inputs.rows; ++i) {
      const std::span<float> row = embeddings.row(i);
      const cv::Mat given = run(inputs.row(i));
      if (given.total() != size_) refuse(name_, "its embeddings differ in size");
      std::copy_n(given.ptr<float>(), size_, row.begin());
    }
    return embeddings;
  }

 private:
  cv::Mat run(std::span<const float> input) const {
    const int sizes[] = {1, static_cast<int>(input_.channels), static_cast<int>(input_.height),
                         static_cast<int>(input_.width)};
    // It is only read.
    const cv::Mat blob(4, sizes, CV_32F, const_cast<float*>(input.data()));
    try {
      net_.setInput(blob);
      cv::Mat given = net_.forward(output_);
      if (given.type() != CV_32F || !given.isContinuous()) refuse(name_, "its output is no floats");
      return given;
    } catch (const cv::Exception& exception) {
      refuse(name_, exception);
    }
  }

  std::string name_;
  OnnxInput input_;
  std::string output_;
  size_t size_ = 0;
  mutable std::mutex mutex_;  // a Net holds the values of its run
  mutable cv::dnn::Net net_;
};

}  // namespace

std::shared_ptr<const OnnxNetwork> open_with_opencv(std::string_view bytes, const std::string& name,
                                                    const OnnxInput& input,
                                                    const std::string& output) {
  return std::make_shared<OpenCvNetwork>(bytes, name, input, output);
}

}  // namespace doppel::internal

#else  // DOPPEL_WITH_OPENCV

namespace doppel::internal {

std::shared_ptr<const OnnxNetwork> open_with_opencv(std::string_view, const std::string& name,
                                                    const OnnxInput&, const std::string&) {
  throw Error(ErrorKind::unavailable,
              name +
                  ": this program was built without OpenCV (DOPPEL_OPENCV), which runs ONNX "
                  "networks");
}

}  // namespace doppel::internal

#endif  // DOPPEL_WITH_OPENCV
