#include "doppel/gallery/index_measure.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "doppel/base/error.h"

namespace doppel {
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

}  // namespace doppel
