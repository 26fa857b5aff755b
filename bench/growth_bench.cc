// What a growing gallery costs those who ask: `doppel serve` under load (wrk, on the same cores)
// while nothing is changed, then while people are enrolled past the number from which a graph is
// made, and until the graph is ready. After checking that the service finds who was enrolled.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/large_gallery.h"
#include "bench/machine.h"
#include "bench/served_load.h"
#include "doppel/gallery/index.h"

namespace doppel::internal {
namespace {

struct Options {
  size_t from = kMostCompared - 1000, to = kMostCompared + 1000, batch = 100;
  int seconds = 10, rounds = 3, clients = 4;
  bool as_json = false;
};

constexpr int kLongestSeconds = 1800;

// A figure of the service's /metrics.
double metric(const Serving& serving, const std::string& name) {
  const std::string all = output_of("curl -s " + serving.url("/metrics"));
  const size_t at = all.find("\n" + name + " ");
  if (at == std::string::npos) throw Error(ErrorKind::bad_data, "/metrics: there is no " + name);
  return std::stod(all.substr(at + name.size() + 2));
}

void check_found(const Serving& serving, const LargeGallery& world) {
  const nlohmann::json answer = nlohmann::json::parse(
      output_of("curl -s -F photo=@" + world.files()[0] + " " + serving.url("/v1/identify")));
  if (answer["photos"][0]["faces"][0]["candidates"][0]["name"] != "the one") {
    throw Error(ErrorKind::numeric, "the service does not find who was enrolled: " + answer.dump());
  }
}

nlohmann::json to_json(const std::vector<Load>& loads) {
  std::vector<double> p50, p99, answered;
  size_t requests = 0;
  for (const Load& load : loads) {
    if (load.refused_per_s > 0 || load.broken > 0) {
      throw Error(ErrorKind::numeric, "some requests were not answered");
    }
    p50.push_back(load.p50_ms);
    p99.push_back(load.p99_ms);
    answered.push_back(load.answered_per_s);
    requests += load.requests;
  }
  return {{"measurements", loads.size()},
          {"requests", requests},
          {"answered_per_s", median(answered)},
          {"p50_ms", median(p50)},
          {"p99_ms", median(p99)},
          {"largest_p99_ms", std::ranges::max(p99)}};
}

nlohmann::json measure(const Options& options) {
  LargeGallery world;
  world.fill(options.from);
  const LoadMaker load(world);
  const Serving serving(world);
  check_found(serving, world);

  const auto quiet_loads = [&] {
    std::vector<Load> loads;
    for (int round = 0; round < options.rounds; ++round) {
      loads.push_back(load.run(serving, options.clients, options.seconds));
    }
    return loads;
  };
  const std::vector<Load> quiet = quiet_loads();

  std::atomic<bool> ending = false;
  const Clock::time_point start = Clock::now();
  std::future<double> grown = std::async(std::launch::async, [&] {
    for (size_t people = options.from; people < options.to && !ending; people += options.batch) {
      world.grow(std::min(options.batch, options.to - people));
    }
    return seconds_since(start);
  });
  std::vector<Load> growing;
  const auto is_done = [&] {
    return grown.wait_for(std::chrono::seconds(0)) == std::future_status::ready &&
           metric(serving, "doppel_search_graph") == 1 &&
           metric(serving, "doppel_gallery_templates") == static_cast<double>(options.to);
  };
  while (!is_done() && seconds_since(start) < kLongestSeconds) {
    growing.push_back(load.run(serving, options.clients, options.seconds));
    std::fprintf(stderr, "\rgrowing: %.0f s, %.0f templates, %.0f of %.0f linked",
                 seconds_since(start), metric(serving, "doppel_gallery_templates"),
                 metric(serving, "doppel_search_graph_linked"),
                 metric(serving, "doppel_search_graph_to_link"));
  }
  std::fprintf(stderr, "\n");
  const double seconds = seconds_since(start);
  ending = true;
  const double enrolling = grown.get();
  if (seconds >= kLongestSeconds) throw Error(ErrorKind::numeric, "the graph is never ready");
  check_found(serving, world);

  const nlohmann::json before = to_json(quiet), meanwhile = to_json(growing),
                       after = to_json(quiet_loads());
  nlohmann::json result = {
      {"from", options.from},
      {"to", options.to},
      {"clients", options.clients},
      {"enrolled_s", enrolling},
      {"graph_ready_s", seconds},
      {"quiet", before},
      {"growing", meanwhile},
      {"with_graph", after},
      {"p99_ratio", meanwhile["largest_p99_ms"].get<double>() / before["p99_ms"].get<double>()}};
  result.update(machine_facts(world.pool().threads()));
  return result;
}

void run(const Options& options) {
  const nlohmann::json result = measure(options);
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
  print_machine(result);
  const auto print = [&](const char* what, const char* key) {
    const nlohmann::json& loads = result[key];
    std::printf("%-38s %6.0f requests/s; p50 %6.1f ms, p99 %6.1f ms, at most %6.1f ms\n", what,
                loads["answered_per_s"].get<double>(), loads["p50_ms"].get<double>(),
                loads["p99_ms"].get<double>(), loads["largest_p99_ms"].get<double>());
  };
  std::printf("%zu to %zu templates, %d clients; p99 of measurements of %d s\n", options.from,
              options.to, options.clients, options.seconds);
  print("quiet:", "quiet");
  print("growing, until the graph is ready:", "growing");
  print("with the graph:", "with_graph");
  std::printf("the largest p99 is %.2f times the quiet one's; no request was refused\n",
              result["p99_ratio"].get<double>());
  std::printf("enrolled in %.0f s; the graph was ready after %.0f s\n",
              result["enrolled_s"].get<double>(), result["graph_ready_s"].get<double>());
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{
      "Measures doppel serve while its gallery grows past the size from which a graph is made; "
      "needs "
      "wrk and curl"};
  program.add_option("--from", options.from, "Templates at first")
      ->check(CLI::Range(2, 10'000'000))
      ->capture_default_str();
  program
      .add_option("--to", options.to, "Templates in the end; a graph is made of more than 100,000")
      ->check(CLI::Range(static_cast<int>(doppel::internal::kMostCompared) + 1, 10'000'000))
      ->capture_default_str();
  program.add_option("--batch", options.batch, "People enrolled at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  program.add_option("--clients", options.clients, "At once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  program.add_option("--seconds", options.seconds, "Of each measurement")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  program.add_option("--rounds", options.rounds, "Measurements while nothing is changed")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "growth_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
