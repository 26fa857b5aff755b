// What a gallery costs beside its networks: a whole `doppel identify` process against many people;
// enrolling a folder beside embedding the same pictures; memory over many identifications. Each
// after checking that the answer is right.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/large_gallery.h"
#include "bench/machine.h"
#include "doppel/gallery/photo_templates.h"
#include "doppel/gallery/search.h"
#include "doppel/image/decode.h"
#include "doppel/model/embedding.h"

namespace doppel::internal {
namespace {

struct Options {
  size_t people = 10'000, identifications = 100'000;
  int runs = 31, rounds = 5;
  bool as_json = false;
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  nlohmann::json run() {
    world_.fill(options_.people);
    nlohmann::json result = {{"people", options_.people},
                             {"values", embedding_size(world_.model())}};
    result.update(machine_facts(world_.pool().threads()));
    result.update(time_process());
    result.update(time_enrolment());
    result.update(measure_memory());
    return result;
  }

 private:
  nlohmann::json time_process() {
    const std::string out = world_.path("answer.json");
    run_program({"identify", world_.gallery_file(), world_.files()[0], "--json"}, out);
    std::ifstream stream(out);
    const nlohmann::json answer = nlohmann::json::parse(stream);
    if (answer.dump().find("\"the one\"") == std::string::npos) {
      throw Error(ErrorKind::numeric, "identify does not find who was enrolled: " + answer.dump());
    }
    std::vector<double> taken;
    for (int i = 0; i < options_.runs; ++i) {
      const Clock::time_point start = Clock::now();
      run_program({"identify", world_.gallery_file(), world_.files()[0]}, "/dev/null");
      taken.push_back(seconds_since(start));
    }
    return {{"identify_process_s", median(taken)},
            {"identify_process_least_s", *std::ranges::min_element(taken)}};
  }

  nlohmann::json time_enrolment() {
    const PhotoEmbedder embedder(world_.model());
    const std::vector<PhotoSource> photos = sources();
    std::vector<Image> images;
    for (const std::string& file : world_.files()) images.push_back(load_image(file));
    std::vector<double> enrolling, embedding;
    for (int round = 0; round < options_.rounds; ++round) {
      Clock::time_point start = Clock::now();
      const auto made = photo_templates(embedder, photos, FaceChoice::one, false, world_.pool());
      enrolling.push_back(seconds_since(start));
      start = Clock::now();
      const Matrix embeddings = embed_images(world_.model(), images, world_.pool());
      embedding.push_back(seconds_since(start));
      for (size_t i = 0; i < world_.files().size(); ++i) {
        const std::span<const float> row = embeddings.row(i);
        check_equal(world_.files()[i], made[i].made->embedding, {row.begin(), row.end()}, 1e-6);
      }
    }
    return {{"photos", world_.files().size()},
            {"enrol_s", median(enrolling)},
            {"embed_s", median(embedding)},
            {"enrol_ratio", median(enrolling) / median(embedding)}};
  }

  std::vector<PhotoSource> sources() const {
    std::vector<PhotoSource> photos;
    for (const std::string& file : world_.files()) photos.push_back(PhotoSource::of_file(file));
    return photos;
  }

  // Photos from their files to names, again and again.
  nlohmann::json measure_memory() {
    Gallery gallery = Gallery::open(world_.gallery_file(), Access::read);
    GallerySearch search(gallery, world_.pool());
    const PhotoEmbedder embedder(world_.model());
    const std::vector<PhotoSource> photos = sources();
    double early = 0;
    size_t done = 0;
    while (done < options_.identifications) {
      const auto made = photo_templates(embedder, photos, FaceChoice::one, false, world_.pool());
      Matrix probes(made.size(), embedding_size(world_.model()));
      for (size_t i = 0; i < made.size(); ++i) {
        std::ranges::copy(made[i].made->embedding, probes.row(i).begin());
      }
      search.refresh();
      const std::vector<Answer> answers = search.identify(probes, 1);
      if (answers[0].candidates.at(0).name != "the one") {
        throw Error(ErrorKind::numeric, "a search does not find who was enrolled");
      }
      done += world_.files().size();
      if (early == 0 && done >= 1000) early = resident_mb();
    }
    return {{"identifications", done},
            {"resident_mb_after_1000", early},
            {"resident_mb_at_the_end", resident_mb()}};
  }

  Options options_;
  LargeGallery world_;
};

void run(const Options& options) {
  const nlohmann::json result = Bench(options).run();
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
  print_machine(result);
  const auto number = [&](const char* key) { return result[key].get<double>(); };
  std::printf(
      "identify as a process, %zu people of %zu values: median of %d %.0f ms, least %.0f ms\n",
      options.people, result["values"].get<size_t>(), options.runs,
      1e3 * number("identify_process_s"), 1e3 * number("identify_process_least_s"));
  std::printf("enrolling %zu photos %.3f s, embedding them alone %.3f s: %.2f times\n",
              result["photos"].get<size_t>(), number("enrol_s"), number("embed_s"),
              number("enrol_ratio"));
  std::printf("memory after 1000 identifications %.1f MB, after %zu %.1f MB\n",
              number("resident_mb_after_1000"), result["identifications"].get<size_t>(),
              number("resident_mb_at_the_end"));
}

}  // namespace
}  // namespace doppel::internal

int main(int argc, char** argv) {
  doppel::internal::Options options;
  CLI::App program{"Measures what a gallery costs beside its networks"};
  program.add_option("--people", options.people, "In the gallery")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  program.add_option("--identifications", options.identifications, "While memory is watched")
      ->check(CLI::Range(1000, 100'000'000))
      ->capture_default_str();
  program.add_option("--runs", options.runs, "Of the whole process")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  program.add_flag("--json", options.as_json, "Print one JSON document");
  CLI11_PARSE(program, argc, argv);
  try {
    doppel::internal::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gallery_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
