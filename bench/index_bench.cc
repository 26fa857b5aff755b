// How long does it take to find a face among a million? After checking that the index finds what
// comparing all of them finds, one probe at a time: the index, comparing all, and FAISS's
// IndexFlat, which compares all, too; with --hnsw also FAISS's IndexHNSWFlat, a graph like ours.
// Memory and the time to make the index beside.
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "bench/comparison.h"
#include "bench/drawn_embeddings.h"
#include "bench/machine.h"
#include "doppel/base/random.h"
#include "doppel/gallery/index.h"
#include "doppel/gallery/index_measure.h"

namespace doppel::internal {
namespace {

struct Options {
  size_t templates = 1'000'000, people = 0, dimension = 680, probes = 1000;
  FaceSpread spread;
  uint64_t seed = 1;
  int threads = std::min(2, ThreadPool::available_threads());
  bool hnsw = false, as_json = false;
};

// The k nearest of n probes, and how long each of them took. FAISS's name for the type of an id
// moved from one version to the next; it is int64_t in all.
struct Found {
  std::vector<float> distances;  // n x k, squared
  std::vector<int64_t> ids;
  double seconds = 0;
};
Found found_by(const faiss::Index& index, const Matrix& probes, size_t first, size_t n, size_t k) {
  Found found{std::vector<float>(n * k), std::vector<int64_t>(n * k), 0};
  const Clock::time_point start = Clock::now();
  index.search(static_cast<int64_t>(n), probes.row(first).data(), static_cast<int64_t>(k),
               found.distances.data(), found.ids.data());
  found.seconds = seconds_since(start) / static_cast<double>(n);
  return found;
}
double median_of_one(const faiss::Index& index, const Matrix& probes, size_t count) {
  std::vector<double> seconds;
  for (size_t i = 0; i < count; ++i) seconds.push_back(found_by(index, probes, i, 1, 1).seconds);
  return median(seconds);
}

// The first of FAISS's must lie as far away as ours, but for single precision.
void check_same(const faiss::Index& flat, const TemplateIndex& index, const Matrix& probes,
                ThreadPool& pool) {
  std::vector<float> ours;
  for (const auto& neighbours : index.search_exactly(probes, 1, pool)) {
    ours.push_back(neighbours.front().distance * neighbours.front().distance);
  }
  check_equal("the nearest's distance", ours, found_by(flat, probes, 0, probes.rows, 1).distances,
              1e-4);
}

constexpr size_t kNearest = 10;
using Neighbours = std::vector<std::vector<Neighbour>>;

// Of the kNearest nearest templates of each probe, the share that was found.
double share_found(const Neighbours& nearest, const std::function<bool(size_t, int64_t)>& found) {
  size_t all = 0, met = 0;
  for (size_t i = 0; i < nearest.size(); ++i) {
    for (const Neighbour& neighbour : nearest[i]) {
      ++all;
      if (found(i, neighbour.id)) ++met;
    }
  }
  return static_cast<double>(met) / static_cast<double>(all);
}

// FAISS's graph, with as many links as ours and as many templates looked at.
struct Hnsw {
  double made_s = 0, recall_at_1 = 0, recall_at_10 = 0, one_s = 0, many_s = 0;
};
Hnsw measure_hnsw(const Matrix& templates, const Matrix& probes, const Neighbours& nearest) {
  Hnsw result;
  faiss::IndexHNSWFlat graph(static_cast<int>(templates.columns), 16);
  graph.hnsw.efConstruction = 128;
  graph.hnsw.efSearch =
      static_cast<int>(96 * std::max(1.0, std::sqrt(static_cast<double>(templates.rows) / 20'000)));
  const Clock::time_point start = Clock::now();
  graph.add(static_cast<int64_t>(templates.rows), templates.values.data());
  result.made_s = seconds_since(start);
  const Found found = found_by(graph, probes, 0, probes.rows, kNearest);
  const auto begin = [&](size_t i) {
    return found.ids.begin() + static_cast<ptrdiff_t>(i * kNearest);
  };
  result.recall_at_10 = share_found(nearest, [&](size_t i, int64_t id) {
    return std::find(begin(i), begin(i) + kNearest, id) != begin(i) + kNearest;
  });
  size_t first = 0;
  for (size_t i = 0; i < nearest.size(); ++i) first += *begin(i) == nearest[i].front().id ? 1 : 0;
  result.recall_at_1 = static_cast<double>(first) / static_cast<double>(nearest.size());
  result.one_s = median_of_one(graph, probes, std::min<size_t>(probes.rows, 100));
  result.many_s = found_by(graph, probes, 0, probes.rows, 1).seconds;
  return result;
}

void run(Options options) {
  if (options.people == 0) options.people = std::max<size_t>(1, options.templates / 4);
  omp_set_num_threads(options.threads);
  ThreadPool pool(options.threads);
  const DrawnEmbeddings faces(options.dimension, options.spread, options.seed);
  const size_t d = options.dimension;
  Matrix templates(options.templates, d), probes(options.probes, d);
  const auto person = [&](size_t i) { return static_cast<uint32_t>(i % options.people); };
  const auto photo = [&](size_t i) { return static_cast<uint16_t>(i / options.people); };
  pool.parallel_for(templates.rows,
                    [&](size_t i, size_t) { faces.draw(person(i), photo(i), templates.row(i)); });
  for (size_t i = 0; i < probes.rows; ++i) {
    // Another photo of somebody who is there.
    faces.draw(person(i * (templates.rows / probes.rows)), 0xffff, probes.row(i));
  }
  std::vector<int64_t> ids(templates.rows);
  std::iota(ids.begin(), ids.end(), 0);
  TemplateIndex index(d, {}, IndexKind::graph);
  const Clock::time_point start = Clock::now();
  size_t shown = 0;
  index.add(ids, templates, pool, [&](size_t done, size_t total) {
    if (done < total && done * 20 / total == shown) return;
    shown = done * 20 / total;
    std::fprintf(stderr, "linked %zu of %zu, %.0f s\n", done, total, seconds_since(start));
  });
  const double made_s = seconds_since(start);

  faiss::IndexFlatL2 flat(static_cast<int64_t>(d));
  flat.add(static_cast<int64_t>(templates.rows), templates.values.data());
  if (!options.hnsw) templates = Matrix();
  const size_t checked = std::min<size_t>(probes.rows, 40);
  Matrix some(checked, d);
  std::copy_n(probes.values.begin(), some.values.size(), some.values.begin());
  check_same(flat, index, some, pool);
  const IndexMeasure measure = measure_index(index, probes, pool, 100);
  if (measure.recall < 0.99) {
    throw Error(ErrorKind::numeric, "the nearest is found for " + std::to_string(measure.recall) +
                                        " of the probes, 0.99 were expected: nothing is timed");
  }
  const Neighbours nearest = index.search_exactly(probes, kNearest, pool),
                   found = index.search(probes, kNearest, pool);
  const double recall_at_10 = share_found(nearest, [&](size_t i, int64_t id) {
    return std::ranges::find(found[i], id, &Neighbour::id) != found[i].end();
  });
  const double flat_s = median_of_one(flat, probes, checked);
  const double flat_many_s = found_by(flat, probes, 0, probes.rows, 1).seconds;
  const Clock::time_point many = Clock::now();
  (void)index.search(probes, 1, pool);
  const double many_s = seconds_since(many) / static_cast<double>(probes.rows);
  std::optional<Hnsw> hnsw;
  if (options.hnsw) hnsw = measure_hnsw(templates, probes, nearest);

  const double ratio = flat_s / measure.search_s;
  if (options.as_json) {
    nlohmann::json document = {
        {"templates", measure.templates},
        {"dimension", measure.dimension},
        {"probes", measure.probes},
        {"recall_at_1", measure.recall},
        {"recall_at_10", recall_at_10},
        {"make_s", made_s},
        {"bytes", measure.bytes},
        {"one_probe_s",
         {{"index", measure.search_s}, {"exact", measure.exact_s}, {"faiss_flat", flat_s}}},
        {"many_probes_s", {{"index", many_s}, {"faiss_flat", flat_many_s}}},
        {"ratio", ratio}};
    document.update(machine_facts(options.threads));
    if (hnsw) {
      document["faiss_hnsw"] = {{"recall_at_1", hnsw->recall_at_1},
                                {"recall_at_10", hnsw->recall_at_10},
                                {"make_s", hnsw->made_s},
                                {"one_probe_s", hnsw->one_s},
                                {"many_probes_s", hnsw->many_s}};
    }
    std::printf("%s\n", document.dump(2).c_str());
    return;
  }
  print_machine(machine_facts(options.threads));
  std::printf("%zu templates of %zu values, %zu people; made in %.0f s, %.2f GB\n",
              measure.templates, measure.dimension, options.people, made_s,
              static_cast<double>(measure.bytes) / 1e9);
  std::printf("recall@1 %.4f, recall@10 %.4f over %zu probes\n", measure.recall, recall_at_10,
              measure.probes);
  std::printf("%-38s %10.3f ms\n", "one probe: along the graph", 1e3 * measure.search_s);
  std::printf("%-38s %10.3f ms\n", "           comparing all", 1e3 * measure.exact_s);
  std::printf("%-38s %10.3f ms %8.1f times\n", "           FAISS's IndexFlat", 1e3 * flat_s, ratio);
  std::printf("%-38s %10.3f ms\n", "each of all: along the graph", 1e3 * many_s);
  std::printf("%-38s %10.3f ms\n", "             FAISS's IndexFlat", 1e3 * flat_many_s);
  if (hnsw) {
    std::printf("FAISS's IndexHNSWFlat: made in %.0f s; recall@1 %.4f, recall@10 %.4f\n",
                hnsw->made_s, hnsw->recall_at_1, hnsw->recall_at_10);
    std::printf("%-38s %10.3f ms\n", "one probe", 1e3 * hnsw->one_s);
    std::printf("%-38s %10.3f ms\n", "each of all", 1e3 * hnsw->many_s);
  }
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{"Times the search for a face among many beside FAISS's IndexFlat"};
  program.add_option("--templates", options.templates, "Enrolled photos")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  program.add_option("--people", options.people, "Of so many people; a quarter where left out");
  program.add_option("--dimension", options.dimension, "Values of an embedding")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  program.add_option("--probes", options.probes, "Other photos of some of them")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  program.add_option("--decay", options.spread.decay, "How fast the variance falls")
      ->capture_default_str();
  program.add_option("--offset", options.spread.offset, "From where on it falls")
      ->capture_default_str();
  program.add_option("--within", options.spread.within, "Share of it within a person")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  program.add_option("--seed", options.seed, "Which people")->capture_default_str();
  program.add_option("--threads", options.threads, "Threads of both")->check(CLI::Range(1, 256));
  program.add_flag("--hnsw", options.hnsw, "Make and measure FAISS's IndexHNSWFlat, too");
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "index_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
