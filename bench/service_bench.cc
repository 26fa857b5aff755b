// What HTTP costs: `doppel serve` under load (wrk, on the same cores) beside decoding, embedding
// and searching the same pictures in a process; then with twice the clients that it can serve, and
// its memory over many requests. After checking that both give the same answers.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/large_gallery.h"
#include "bench/machine.h"
#include "bench/served_load.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/gallery/search.h"
#include "doppel/image/decode.h"
#include "doppel/model/embedding.h"

namespace doppel::internal {
namespace {

struct Options {
  size_t people = 10'000, soak = 0;
  int seconds = 10, rounds = 3, clients = 32;
  bool as_json = false;
};

// What the service can have under way: its workers and its queue (HttpSettings).
constexpr int kServedAtOnce = 32 + 64;

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {
    world_.fill(options_.people);
    for (const std::string& file : world_.files()) {
      bytes_.push_back(read_file(file, kMostImageBytes));
    }
  }

  nlohmann::json run() {
    const Serving serving(world_);
    check_answers(serving);
    // In turn, so that both meet the same machine.
    std::vector<double> alone, served, p50, p99;
    for (int round = 0; round < options_.rounds; ++round) {
      alone.push_back(in_process());
      const Load load = load_.run(serving, options_.clients, options_.seconds);
      if (load.refused_per_s > 0 || load.broken > 0) {
        throw Error(ErrorKind::numeric, "some requests were not answered: nothing is compared");
      }
      served.push_back(load.answered_per_s);
      p50.push_back(load.p50_ms);
      p99.push_back(load.p99_ms);
    }
    const int many = 2 * kServedAtOnce;
    const Load over = load_.run(serving, many, options_.seconds);
    nlohmann::json result = {{"people", options_.people},
                             {"values", embedding_size(world_.model())},
                             {"in_process_per_s", median(alone)},
                             {"clients", options_.clients},
                             {"served_per_s", median(served)},
                             {"ratio", median(served) / median(alone)},
                             {"p50_ms", median(p50)},
                             {"p99_ms", median(p99)},
                             {"overload_clients", many},
                             {"overload_answered_per_s", over.answered_per_s},
                             {"overload_refused_per_s", over.refused_per_s},
                             {"overload_broken", over.broken},
                             {"overload_ratio", over.answered_per_s / median(served)}};
    result.update(machine_facts(world_.pool().threads()));
    if (options_.soak > 0) result.update(soak(serving));
    return result;
  }

 private:
  std::vector<Answer> identify(GallerySearch& search, std::span<const std::string> photos) {
    std::vector<Image> images(photos.size());
    world_.pool().parallel_for(
        photos.size(), [&](size_t i, size_t) { images[i] = decode_image(photos[i], "a picture"); });
    return search.identify(embed_images(world_.model(), images, world_.pool()), 1);
  }

  void check_answers(const Serving& serving) {
    Gallery gallery = Gallery::open(world_.gallery_file(), Access::read);
    GallerySearch search(gallery, world_.pool());
    const std::vector<Answer> answers = identify(search, std::span(bytes_).first(3));
    for (size_t i = 0; i < answers.size(); ++i) {
      const nlohmann::json answer = nlohmann::json::parse(
          output_of("curl -s -F photo=@" + world_.files()[i] + " " + serving.url("/v1/identify")));
      const nlohmann::json& face = answer["photos"][0]["faces"][0];
      const Candidate& nearest = answers[i].candidates.at(0);
      if (face["candidates"][0]["name"] != nearest.name || face["known"] != answers[i].known) {
        throw Error(ErrorKind::numeric, "the service answers otherwise: " + answer.dump());
      }
      check_equal("a distance", {static_cast<float>(nearest.distance)},
                  {face["candidates"][0]["distance"].get<float>()}, 1e-5);
    }
    if (answers[0].candidates.at(0).name != "the one") {
      throw Error(ErrorKind::numeric, "a search does not find who was enrolled");
    }
  }

  // Pictures a second, from bytes in memory to names, 64 at a time on all threads.
  double in_process() {
    Gallery gallery = Gallery::open(world_.gallery_file(), Access::read);
    GallerySearch search(gallery, world_.pool());
    size_t done = 0;
    const Clock::time_point start = Clock::now();
    for (size_t first = 0; seconds_since(start) < options_.seconds; done += 64) {
      identify(search, std::span(bytes_).subspan(first, 64));
      first = (first + 64) % (bytes_.size() - 64);
    }
    return static_cast<double>(done) / seconds_since(start);
  }

  nlohmann::json soak(const Serving& serving) {
    size_t done = load_.run(serving, options_.clients, 2).requests;
    const double early = resident_mb(serving.process());
    while (done < options_.soak) done += load_.run(serving, options_.clients, 20).requests;
    return {{"soak_requests", done},
            {"soak_mb_early", early},
            {"soak_mb_at_the_end", resident_mb(serving.process())}};
  }

  Options options_;
  LargeGallery world_;
  LoadMaker load_{world_};
  std::vector<std::string> bytes_;
};

void run(const Options& options) {
  const nlohmann::json result = Bench(options).run();
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
  print_machine(result);
  const auto number = [&](const char* key) { return result[key].get<double>(); };
  std::printf("in a process: %.0f pictures/s decoded, embedded and searched among %zu people\n",
              number("in_process_per_s"), options.people);
  std::printf("served to %d clients: %.0f/s, %.2f of that; p50 %.1f ms, p99 %.1f ms\n",
              options.clients, number("served_per_s"), number("ratio"), number("p50_ms"),
              number("p99_ms"));
  std::printf("to %.0f clients: %.0f/s answered, %.2f of that; %.0f/s refused with 503\n",
              number("overload_clients"), number("overload_answered_per_s"),
              number("overload_ratio"), number("overload_refused_per_s"));
  if (options.soak > 0) {
    std::printf("memory %.1f MB at first, after %.0f requests %.1f MB\n", number("soak_mb_early"),
                number("soak_requests"), number("soak_mb_at_the_end"));
  }
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{"Measures doppel serve beside the same work in a process; needs wrk and curl"};
  program.add_option("--people", options.people, "In the gallery")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  program.add_option("--clients", options.clients, "At once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  program.add_option("--seconds", options.seconds, "Of each measurement")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  program.add_option("--rounds", options.rounds, "Of both in turn")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  program.add_option("--soak", options.soak, "Requests over which memory is watched")
      ->capture_default_str();
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "service_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
