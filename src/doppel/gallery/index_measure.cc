#include "doppel/gallery/index_measure.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {
namespace {

using Clock = std::chrono::steady_clock;

template <typename Work>
double seconds_of(const Work& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double middle(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

Matrix probes_near(const TemplateIndex& index, std::span<const int64_t> ids, double distance,
                   size_t count, uint64_t seed) {
  if (ids.empty()) {
    throw Error(ErrorKind::bad_argument, "index: there are no templates to make probes of");
  }
  Matrix probes(std::min(count, ids.size()), index.dimension());
  std::vector<float> direction(index.dimension());
  for (size_t i = 0; i < probes.rows; ++i) {
    const std::span<const float> from = index.embedding(ids[i * ids.size() / probes.rows]);
    const std::span<float> probe = probes.row(i);
    Random random(seed, Purpose::sample, static_cast<uint32_t>(i));
    for (float& value : direction) value = static_cast<float>(random.normal());
    const auto move = [&](double far) {
      for (size_t k = 0; k < probe.size(); ++k) {
        probe[k] = static_cast<float>(from[k] + far * direction[k]);
      }
      return energy_of(index.energy(), from, probe);
    };
    // How far that is differs from energy to energy; it rises with the distance in all of them.
    double near = 0, far = 1e-6;
    while (far < 1e6 && move(far) < distance) far *= 2;
    for (int halving = 0; halving < 40; ++halving) {
      const double middle = (near + far) / 2;
      (move(middle) < distance ? near : far) = middle;
    }
    move(near);
  }
  return probes;
}

IndexMeasure measure_index(const TemplateIndex& index, const Matrix& probes, ThreadPool& pool,
                           size_t timed) {
  if (probes.rows == 0 || index.size() == 0 || timed == 0) {
    throw Error(ErrorKind::bad_argument,
                "index: at least one template and one probe were expected to measure, not " +
                    std::to_string(index.size()) + " and " +
                    std::to_string(std::min(timed, probes.rows)));
  }
  IndexMeasure measure{index.size(), index.dimension(), probes.rows, index.has_graph(), 0, 0, 0,
                       index.bytes()};
  const auto exact = index.search_exactly(probes, 1, pool), found = index.search(probes, 1, pool);
  size_t nearest = 0;
  for (size_t i = 0; i < probes.rows; ++i) {
    if (found[i].front().distance == exact[i].front().distance) ++nearest;
  }
  measure.recall = static_cast<double>(nearest) / static_cast<double>(probes.rows);
  const size_t count = std::min(timed, probes.rows);
  std::vector<double> search_s, exact_s;
  for (size_t i = 0; i < count; ++i) {
    Matrix probe(1, probes.columns);
    std::ranges::copy(probes.row(i * probes.rows / count), probe.values.begin());
    search_s.push_back(seconds_of([&] { (void)index.search(probe, 1, pool); }));
    exact_s.push_back(seconds_of([&] { (void)index.search_exactly(probe, 1, pool); }));
  }
  measure.search_s = middle(search_s);
  measure.exact_s = middle(exact_s);
  return measure;
}

}  // namespace doppel::internal
