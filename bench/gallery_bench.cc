// What a gallery costs beside its networks: a whole `doppel identify` process against many people;
// enrolling a folder beside embedding the same pictures; memory over many identifications. Each
// after checking that the answer is right.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "doppel/base/random.h"
#include "doppel/data/synthetic.h"
#include "doppel/gallery/photo_templates.h"
#include "doppel/gallery/search.h"
#include "doppel/image/decode.h"
#include "doppel/model/embedding.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;

struct Options {
  size_t people = 10'000, identifications = 100'000;
  int runs = 31, rounds = 5;
  bool as_json = false;
};

// Of its own, gone afterwards.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "gallery_benchXXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::io, pattern + ": no folder");
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// The program, to its end; what it prints goes to `out`.
void run_program(std::vector<std::string> words, const std::string& out) {
  words.insert(words.begin(), DOPPEL_PROGRAM);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr ||
        std::freopen("/dev/null", "w", stderr) == nullptr) {
      _exit(127);
    }
    execv(DOPPEL_PROGRAM, arguments.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    throw Error(ErrorKind::io, words[1] + ": the program failed");
  }
}

double resident_mb() {
  std::ifstream stream("/proc/self/statm");
  double total = 0, resident = 0;
  stream >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

const auto kNoProgress = [](size_t) {};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {
    write_synthetic(folder_ / "faces", 40, 10, 1);
    // The default recipe's networks; how well they were trained costs no time.
    run_program({"train", folder_ / "faces", "--out", model_file(), "--set", "training.steps=50"},
                "/dev/null");
    model_ = load_model(model_file());
    for (const auto& person : fs::directory_iterator(folder_ / "faces")) {
      for (const auto& file : fs::directory_iterator(person)) files_.push_back(file.path());
    }
    std::ranges::sort(files_);
  }

  nlohmann::json run() {
    make_gallery();
    nlohmann::json result = {{"people", options_.people},
                             {"values", embedding_size(model_)},
                             {"threads", pool_.threads()}};
    result.update(time_process());
    result.update(time_enrolment());
    result.update(measure_memory());
    return result;
  }

 private:
  std::string model_file() const { return folder_ / "m.safetensors"; }
  std::string gallery_file() const { return folder_ / "people.gallery"; }

  // Directions without a face, and one person.
  void make_gallery() {
    Gallery gallery = Gallery::create(gallery_file(), settings_for(model_, model_file()));
    Random random(1, Purpose::sample);
    std::vector<NewPerson> people;
    for (size_t i = 1; i < options_.people; ++i) {
      NewTemplate made;
      double squares = 0;
      for (size_t k = 0; k < embedding_size(model_); ++k) {
        made.embedding.push_back(static_cast<float>(random.normal()));
        squares += double{made.embedding.back()} * made.embedding.back();
      }
      for (float& value : made.embedding) value /= static_cast<float>(std::sqrt(squares));
      made.image_digest = std::string(64, '0');
      std::snprintf(made.image_digest.data(), 65, "%064zu", i);
      people.push_back({std::string("person ").append(std::to_string(i)), {made}});
    }
    const std::vector<std::string> one = {files_[0]};
    people.push_back({"the one",
                      {*PhotoTemplates(model_, pool_)
                            .of_files(one, FaceChoice::one, false, kNoProgress)
                            .front()
                            .made}});
    gallery.enrol(people);
  }

  nlohmann::json time_process() {
    const std::string out = folder_ / "answer.json";
    run_program({"identify", gallery_file(), files_[0], "--json"}, out);
    std::ifstream stream(out);
    const nlohmann::json answer = nlohmann::json::parse(stream);
    if (answer.dump().find("\"the one\"") == std::string::npos) {
      throw Error(ErrorKind::numeric, "identify does not find who was enrolled: " + answer.dump());
    }
    std::vector<double> taken;
    for (int i = 0; i < options_.runs; ++i) {
      const Clock::time_point start = Clock::now();
      run_program({"identify", gallery_file(), files_[0]}, "/dev/null");
      taken.push_back(seconds_since(start));
    }
    return {{"identify_process_s", median(taken)},
            {"identify_process_least_s", *std::ranges::min_element(taken)}};
  }

  nlohmann::json time_enrolment() {
    const PhotoTemplates templates(model_, pool_);
    std::vector<Image> images;
    for (const std::string& file : files_) images.push_back(load_image(file));
    std::vector<double> enrolling, embedding;
    for (int round = 0; round < options_.rounds; ++round) {
      Clock::time_point start = Clock::now();
      const auto made = templates.of_files(files_, FaceChoice::one, false, kNoProgress);
      enrolling.push_back(seconds_since(start));
      start = Clock::now();
      const Matrix embeddings = embed_images(model_, images, pool_);
      embedding.push_back(seconds_since(start));
      for (size_t i = 0; i < files_.size(); ++i) {
        const std::span<const float> row = embeddings.row(i);
        check_equal(files_[i], made[i].made->embedding, {row.begin(), row.end()}, 1e-6);
      }
    }
    return {{"photos", files_.size()},
            {"enrol_s", median(enrolling)},
            {"embed_s", median(embedding)},
            {"enrol_ratio", median(enrolling) / median(embedding)}};
  }

  // Photos from their files to names, again and again.
  nlohmann::json measure_memory() {
    Gallery gallery = Gallery::open(gallery_file(), Access::read);
    GallerySearch search(gallery, pool_);
    const PhotoTemplates templates(model_, pool_);
    double early = 0;
    size_t done = 0;
    while (done < options_.identifications) {
      const auto made = templates.of_files(files_, FaceChoice::one, false, kNoProgress);
      Matrix probes(made.size(), embedding_size(model_));
      for (size_t i = 0; i < made.size(); ++i) {
        std::ranges::copy(made[i].made->embedding, probes.row(i).begin());
      }
      search.refresh();
      const std::vector<Answer> answers = search.identify(probes, 1);
      if (answers[0].candidates.at(0).name != "the one") {
        throw Error(ErrorKind::numeric, "a search does not find who was enrolled");
      }
      done += files_.size();
      if (early == 0 && done >= 1000) early = resident_mb();
    }
    return {{"identifications", done},
            {"resident_mb_after_1000", early},
            {"resident_mb_at_the_end", resident_mb()}};
  }

  Options options_;
  Folder folder_;
  ThreadPool pool_{ThreadPool::available_threads()};
  Model model_;
  std::vector<std::string> files_;
};

void run(const Options& options) {
  const nlohmann::json result = Bench(options).run();
  if (options.as_json) {
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
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
}  // namespace doppel

int main(int argc, char** argv) {
  doppel::Options options;
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
    doppel::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gallery_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
