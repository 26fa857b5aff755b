// A file of dlib's face recognition network with drawn weights, as dlib writes it: what tests read.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "doppel/base/dlib_writer.h"
#include "doppel/base/random.h"

namespace doppel::internal {

class DlibNetworkFixture {
 public:
  explicit DlibNetworkFixture(uint64_t seed = 1) : random_(seed, Purpose::weights, 0) {
    out_.integer(1);
    out_.text("loss_metric_2");
    out_.number(0.04f);
    out_.number(0.6f);
    // From the last layer to the first: 2, of tags 1, of the first one 3.
    const std::vector<int64_t> plain = {2, 2, 2, 2, 2, 2, 2, 1};
    const std::vector<int64_t> halving = {2, 2, 2, 1, 1, 2, 2, 2, 2, 2, 1};
    std::vector<int64_t> versions = {2, 2};
    const auto add = [&](const std::vector<int64_t>& block, int times) {
      for (int i = 0; i < times; ++i) versions.insert(versions.end(), block.begin(), block.end());
    };
    add(halving, 1);
    for (const int others : {2, 2, 3}) {
      add(plain, others);
      add(halving, 1);
    }
    add(plain, 3);
    versions.insert(versions.end(), {2, 2, 2, 3});
    for (const int64_t version : versions) out_.integer(version);
    out_.text("input_rgb_image_sized");
    for (const float mean : {122.782f, 117.001f, 104.298f}) out_.number(mean);
    out_.integers({150, 150});
    convolution(32, 7, 2, true);
    plain_layer("relu_");
    pool("max_pool_2", 3, 2);
    for (int i = 0; i < 3; ++i) block(32, false);
    for (const auto& [filters, others] : {std::pair{64, 3}, {128, 2}, {256, 2}, {256, 0}}) {
      block(filters, true);
      for (int i = 0; i < others; ++i) block(filters, false);
    }
    pool("avg_pool_2", 0, 1);
    out_.text("fc_2");
    out_.integers({128, 256});
    out_.tensor({256, 128, 1, 1}, drawn(256 * 128, 1 / 16.0));
    views();
    out_.integer(1);
    for (int i = 0; i < 4; ++i) out_.number(1);
    state();
  }

  const std::string& bytes() const { return out_.bytes(); }
  // Of the first convolution and the scale and shift behind it.
  std::vector<float> first_weights, first_affine;

 private:
  std::vector<float> drawn(size_t count, double deviation, double mean = 0) {
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(mean + deviation * random_.normal());
    return values;
  }

  void views() {
    for (int i = 0; i < 2; ++i) out_.integers({1, 1, 1, 1, 1});
  }
  void state() {
    out_.truth(true);
    out_.truth(true);
    out_.truth(false);
    for (int i = 0; i < 3; ++i) out_.tensor({0, 0, 0, 0}, {});
  }
  void plain_layer(const char* name) {
    out_.text(name);
    state();
  }
  void pool(const char* name, int64_t size, int64_t stride) {
    out_.text(name);
    out_.integers({size, size, stride, stride, 0, 0});
    state();
  }

  void convolution(int64_t filters, int64_t kernel, int64_t stride, bool first = false) {
    const int64_t padding = stride == 1 ? kernel / 2 : 0;
    const auto each = static_cast<size_t>(channels_ * kernel * kernel);
    const std::vector<float> weights = drawn(static_cast<size_t>(filters) * (each + 1),
                                             std::sqrt(1.0 / static_cast<double>(each)));
    out_.text("con_4");
    out_.tensor({static_cast<int64_t>(weights.size()), 1, 1, 1}, weights);
    out_.integers({filters, kernel, kernel, stride, stride, padding, padding});
    views();
    for (int i = 0; i < 4; ++i) out_.number(1);
    state();
    if (first) out_.integer(1);
    const std::vector<float> affine = drawn(2 * static_cast<size_t>(filters), 0.1, 0.5);
    out_.text("affine_");
    out_.tensor({2 * filters, 1, 1, 1}, affine);
    views();
    out_.integer(0);
    state();
    if (first) {
      first_weights = weights;
      first_affine = affine;
    }
    channels_ = filters;
  }

  void block(int64_t filters, bool halves) {
    convolution(filters, 3, halves ? 2 : 1);
    plain_layer("relu_");
    convolution(filters, 3, 1);
    if (halves) pool("avg_pool_2", 2, 2);
    plain_layer("add_prev_");
    plain_layer("relu_");
  }

  DlibWriter out_;
  Random random_;
  int64_t channels_ = 3;
};

}  // namespace doppel::internal
