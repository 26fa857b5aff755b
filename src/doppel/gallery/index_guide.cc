#include "doppel/gallery/index_guide.h"

#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr auto kDirections = static_cast<Eigen::Index>(IndexGuide::kSize);
constexpr int kIterations = 4;

Eigen::Index count(size_t n) { return static_cast<Eigen::Index>(n); }

}  // namespace

bool IndexGuide::suits(const IndexRows& rows) {
  const EnergyKind kind = rows.energy.kind;
  const bool euclidean = kind == EnergyKind::euclidean || kind == EnergyKind::squared_euclidean ||
                         kind == EnergyKind::cosine;
  return euclidean && rows.dimension >= 2 * kSize && rows.size() >= kFewestRows;
}

void IndexGuide::fit(const IndexRows& rows) {
  const size_t n = std::min(rows.size(), kFewestRows), d = rows.dimension;
  RowMajor sample(count(n), count(d));
  for (size_t i = 0; i < n; ++i) {
    const size_t from = i * rows.size() / n;
    const float scale = rows.inverse_lengths.empty() ? 1 : rows.inverse_lengths[from];
    for (size_t k = 0; k < d; ++k) sample(count(i), count(k)) = scale * rows.row(from)[k];
  }
  sample.rowwise() -= sample.colwise().mean().eval();
  // Far from 1 products of products would leave single precision.
  const float largest = sample.cwiseAbs().maxCoeff();
  if (largest > 0) sample /= largest;
  Random random(1, Purpose::sample);
  Eigen::MatrixXf directions(count(d), kDirections);
  for (float& value : directions.reshaped()) value = static_cast<float>(random.normal());
  for (int i = 0; i < kIterations; ++i) {
    const Eigen::MatrixXf image = sample.transpose() * (sample * directions);
    directions = Eigen::HouseholderQR<Eigen::MatrixXf>(image).householderQ() *
                 Eigen::MatrixXf::Identity(count(d), kDirections);
  }
  basis_.resize(kSize * d);
  Eigen::Map<RowMajor>(basis_.data(), kDirections, count(d)) = directions.transpose();
  values_.clear();
}

void IndexGuide::project(const IndexRows& rows, std::span<const float> from,
                         std::span<float> to) const {
  const size_t d = rows.dimension;
  for (size_t k = 0; k < kSize; ++k) to[k] = products(from.data(), basis_.data() + k * d, d);
  if (rows.energy.kind != EnergyKind::cosine) return;
  const float scale = inverse_length(from);
  for (float& value : to) value *= scale;
}

void IndexGuide::append(const IndexRows& rows, ThreadPool& pool) {
  const size_t before = values_.size() / kSize;
  constexpr size_t kPart = 256;
  values_.resize(rows.size() * kSize);
  pool.parallel_for((rows.size() - before + kPart - 1) / kPart, [&](size_t part, size_t) {
    const size_t first = before + part * kPart, end = std::min(rows.size(), first + kPart);
    for (size_t i = first; i < end; ++i) {
      project(rows, rows.row(i), {values_.data() + i * kSize, kSize});
    }
  });
}

void IndexGuide::erase(const std::vector<bool>& marked) {
  size_t kept = 0;
  for (size_t i = 0; i < marked.size(); ++i) {
    if (marked[i]) continue;
    std::ranges::copy(row(i), values_.begin() + static_cast<ptrdiff_t>(kept++ * kSize));
  }
  std::fill(values_.begin() + static_cast<ptrdiff_t>(kept * kSize), values_.end(), 0.0f);
  values_.resize(kept * kSize);
}

std::string IndexGuide::encode() const {
  return {reinterpret_cast<const char*>(basis_.data()), basis_.size() * sizeof(float)};
}

IndexGuide IndexGuide::decode(std::string_view bytes, size_t dimension, const std::string& name) {
  IndexGuide guide;
  if (bytes.empty()) return guide;
  if (bytes.size() != kSize * dimension * sizeof(float)) {
    throw Error(ErrorKind::bad_data, name + ": directions of another dimension");
  }
  guide.basis_.resize(kSize * dimension);
  std::memcpy(guide.basis_.data(), bytes.data(), bytes.size());
  for (const float value : guide.basis_) {
    if (!(std::abs(value) <= 1.001f)) {
      throw Error(ErrorKind::bad_data, name + ": directions that are not of length 1");
    }
  }
  return guide;
}

}  // namespace doppel::internal
