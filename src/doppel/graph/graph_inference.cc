#include "doppel/graph/graph_inference.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doppel/base/overloaded.h"
#include "doppel/error.h"
#include "doppel/graph/graph_kernels.h"
#include "doppel/graph/graph_steps.h"

namespace doppel::internal {
namespace {

// Whose weights are read once for all of them.
constexpr size_t kMostTogether = 16;
// That a task computes in: a gigabyte.
constexpr size_t kMostFloats = size_t{1} << 28;

void check_weights(const Graph& graph) {
  for (const GraphTensor& tensor : graph_tensors(graph)) {
    const GraphNode& node = graph.nodes[tensor.node];
    const size_t given = tensor.bias ? node.bias.size() : node.weight.size();
    if (given == tensor.size()) continue;
    throw Error(ErrorKind::mismatch, "graph: " + tensor.name + " has " + std::to_string(given) +
                                         " values, not " + std::to_string(tensor.size()));
  }
}

}  // namespace

// The steps, where values lie, and which of them share memory.
class GraphInference::Plan {
 public:
  explicit Plan(const Graph& graph) : shapes_(value_shapes(graph)) {
    check_weights(graph);
    lay_out(graph);
    make_steps(graph);
    divide();
    share_memory();
  }

  size_t output_size() const { return shapes_.back().size(); }

  // Of at most kMostTogether images.
  void run(std::span<const float* const> images, Matrix& result, size_t first_row) const {
    std::unique_ptr<Memory> memory = take();
    GraphMemory& values = memory->values;
    const size_t n = images.size();
    for (size_t i = 0; i < n; ++i) {
      put_input(images[i], values.at(0, i));
      for (size_t s = 0; s < alone_; ++s) steps_[s]->run(layouts_, values, i, 1);
    }
    for (size_t s = alone_; s < steps_.size(); ++s) steps_[s]->run(layouts_, values, 0, n);
    for (size_t i = 0; i < n; ++i) {
      take_output(values.at(layouts_.size() - 1, i), result.row(first_row + i));
    }
    give_back(std::move(memory));
  }

 private:
  struct Memory {
    std::vector<AlignedArray<float>> places;
    GraphMemory values;
  };

  void lay_out(const Graph& graph) {
    for (const Shape& shape : shapes_) {
      const size_t pixel = (shape.channels + kBlock - 1) / kBlock * kBlock;
      layouts_.push_back({shape.channels, shape.height, shape.width, pixel, 0, 0, 0});
    }
    bool input_is_products = true;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const GraphNode& node = graph.nodes[i];
      const auto* convolution = std::get_if<Convolution>(&node.op);
      const bool by_points = convolution != nullptr && takes_winograd(*convolution, shapes_[i + 1]);
      if (node.inputs.front() == 0 || node.inputs.back() == 0) {
        input_is_products = input_is_products && convolution != nullptr && !by_points;
      }
      if (convolution == nullptr) continue;
      ValueLayout& in = layouts_[node.inputs[0]];
      const Shape& out = shapes_[i + 1];
      in.frame = std::max(in.frame, convolution->padding);
      // The last tiles of 4 x 4 outputs may stick out.
      const auto beyond = [&](size_t extent, size_t outputs) {
        if (!by_points) return convolution->padding;
        const size_t read = (outputs + 3) / 4 * 4 + 2;
        return std::max(convolution->padding, read - std::min(read, convolution->padding + extent));
      };
      in.below = std::max(in.below, beyond(in.height, out.height));
      in.right_of = std::max(in.right_of, beyond(in.width, out.width));
    }
    if (input_is_products) layouts_[0].pixel = layouts_[0].channels;
  }

  // The only node that reads a value; none where there are several.
  static std::optional<size_t> only_reader(const Graph& graph, size_t value) {
    std::optional<size_t> reader;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const size_t input : graph.nodes[i].inputs) {
        if (input != value) continue;
        if (reader) return {};
        reader = i;
      }
    }
    return reader;
  }

  void make_steps(const Graph& graph) {
    std::vector<bool> done(graph.nodes.size(), false);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (done[i]) continue;
      const GraphNode& node = graph.nodes[i];
      size_t writes = i + 1;
      const auto reader_with = [&](auto is) -> std::optional<size_t> {
        const std::optional<size_t> reader = only_reader(graph, writes);
        return reader && is(graph.nodes[*reader]) ? reader : std::nullopt;
      };
      const auto take = [&](size_t reader) {
        done[reader] = true;
        writes = reader + 1;
      };
      const auto rectified = [&] {
        const auto reader = reader_with(
            [](const GraphNode& next) { return std::holds_alternative<Rectifier>(next.op); });
        if (reader) take(*reader);
        return reader.has_value();
      };
      std::vector<size_t> reads = node.inputs;
      const auto convolution = [&]() -> std::unique_ptr<GraphStep> {
        Finish finish;
        const auto sum = reader_with([&](const GraphNode& next) {
          if (!std::holds_alternative<Sum>(next.op)) return false;
          const size_t other = next.inputs[next.inputs[0] == writes ? 1 : 0];
          return other <= i && shapes_[other] == shapes_[writes];
        });
        if (sum) {
          const std::vector<size_t>& parts = graph.nodes[*sum].inputs;
          finish.skip = parts[parts[0] == writes ? 1 : 0];
          reads.push_back(*finish.skip);
          take(*sum);
        }
        finish.relu = rectified();
        return convolution_step(node, shapes_[node.inputs[0]], shapes_[i + 1],
                                layouts_[node.inputs[0]].pixel, finish);
      };
      std::unique_ptr<GraphStep> step =
          std::visit(Overloaded{[&](const Convolution&) { return convolution(); },
                                [&](const MaxPooling& p) { return pooling_step(p); },
                                [&](const AveragePooling& p) { return pooling_step(p); },
                                [&](const GlobalAverage&) { return global_average_step(); },
                                [&](const Rectifier&) { return rectifier_step(); },
                                [&](const Sum&) { return sum_step(rectified()); },
                                [&](const Projection&) {
                                  return projection_step(node, shapes_[node.inputs[0]].channels);
                                }},
                     node.op);
      step->reads = std::move(reads);
      step->writes = writes;
      scratch_ = std::max(scratch_, step->scratch_floats());
      steps_.push_back(std::move(step));
    }
  }

  // The first steps are computed image after image, as their values are larger than their weights;
  // the others for several images at a time, so that weights are read once for all.
  void divide() {
    for (alone_ = 0; alone_ < steps_.size(); ++alone_) {
      const GraphStep& step = *steps_[alone_];
      const size_t values = layouts_[step.reads[0]].size() + layouts_[step.writes].size();
      if (step.weight_floats() > values) return;
    }
  }

  // Values of equal layout use one place one after the other: its frame stays zero.
  void share_memory() {
    std::vector<size_t> last_use(layouts_.size(), 0);
    std::vector<bool> of_all(layouts_.size(), false);
    const auto see = [&](size_t value, size_t step) {
      last_use[value] = std::max(last_use[value], step);
      if (step >= alone_) of_all[value] = true;
    };
    for (size_t s = 0; s < steps_.size(); ++s) {
      for (const size_t value : steps_[s]->reads) see(value, s);
      see(steps_[s]->writes, s);
    }
    see(layouts_.size() - 1, steps_.size());
    places_of_.resize(layouts_.size());
    size_t floats = scratch_;
    std::map<std::pair<ValueLayout, bool>, std::vector<size_t>> free;
    const auto place = [&](size_t value) {
      const std::pair<ValueLayout, bool> kind(layouts_[value], of_all[value]);
      std::vector<size_t>& idle = free[kind];
      if (idle.empty()) {
        idle.push_back(places_.size());
        places_.push_back({layouts_[value].size(), of_all[value] ? kMostTogether : 1});
        floats += places_.back().floats * places_.back().images;
        if (floats > kMostFloats) {
          throw Error(ErrorKind::bad_data, "graph: its values take more than a gigabyte");
        }
      }
      places_of_[value] = idle.back();
      idle.pop_back();
    };
    place(0);
    for (size_t s = 0; s < steps_.size(); ++s) {
      place(steps_[s]->writes);
      std::vector<size_t> ended;
      for (const size_t value : steps_[s]->reads) {
        if (last_use[value] == s) ended.push_back(value);
      }
      std::ranges::sort(ended);
      ended.erase(std::unique(ended.begin(), ended.end()), ended.end());
      for (const size_t value : ended) {
        free[{layouts_[value], of_all[value]}].push_back(places_of_[value]);
      }
    }
  }

  std::unique_ptr<Memory> take() const {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto memory = std::move(idle_.back());
        idle_.pop_back();
        return memory;
      }
    }
    auto memory = std::make_unique<Memory>();
    for (const Place& place : places_) memory->places.emplace_back(place.floats * place.images);
    for (size_t value = 0; value < layouts_.size(); ++value) {
      const Place& place = places_[places_of_[value]];
      memory->values.values.push_back(memory->places[places_of_[value]].data());
      memory->values.next_image.push_back(place.images > 1 ? place.floats : 0);
    }
    memory->values.scratch = AlignedArray<float>(scratch_);
    return memory;
  }
  void give_back(std::unique_ptr<Memory> memory) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(memory));
  }

  void put_input(const float* image, float* to) const {
    const ValueLayout& in = layouts_[0];
    to += in.origin();
    for (size_t i = 0; i < in.height; ++i) {
      for (size_t j = 0; j < in.width; ++j, image += in.channels) {
        std::copy_n(image, in.channels, to + i * in.row() + j * in.pixel);
      }
    }
  }

  void take_output(const float* from, std::span<float> row) const {
    const ValueLayout& out = layouts_.back();
    from += out.origin();
    size_t at = 0;
    for (size_t c = 0; c < out.channels; ++c) {
      for (size_t i = 0; i < out.height; ++i) {
        for (size_t j = 0; j < out.width; ++j) row[at++] = from[i * out.row() + j * out.pixel + c];
      }
    }
  }

  struct Place {
    size_t floats, images;
  };

  const std::vector<Shape> shapes_;  // of values
  std::vector<ValueLayout> layouts_;
  std::vector<std::unique_ptr<GraphStep>> steps_;
  size_t alone_ = 0;  // steps that are run for one image after the other
  size_t scratch_ = 0;
  std::vector<Place> places_;
  std::vector<size_t> places_of_;  // of values
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Memory>> idle_;
};

GraphInference::GraphInference(const Graph& graph) : plan_(std::make_unique<Plan>(graph)) {}
GraphInference::~GraphInference() = default;

size_t GraphInference::output_size() const { return plan_->output_size(); }

Matrix GraphInference::run(std::span<const float* const> images, ThreadPool& pool) const {
  Matrix result(images.size(), output_size());
  const auto threads = static_cast<size_t>(pool.threads());
  const size_t together =
      std::clamp<size_t>((images.size() + threads - 1) / threads, 1, kMostTogether);
  pool.parallel_for((images.size() + together - 1) / together, [&](size_t task, size_t) {
    const size_t first = task * together;
    plan_->run(images.subspan(first, std::min(together, images.size() - first)), result, first);
  });
  return result;
}

}  // namespace doppel::internal
