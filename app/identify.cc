// doppel identify: who is on these photos, of the people of a gallery?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "answers.h"
#include "commands.h"
#include "data_source.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/gallery/photo_notices.h"
#include "gallery_access.h"
#include "measures.h"
#include "notices.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

constexpr size_t kPhotosAtOnce = 256;

struct IdentifyOptions {
  std::string gallery, model, faces = "all";
  std::vector<std::string> images;
  size_t top = 1;
  int threads = 0;
  bool as_json = false, as_csv = false, verbose = false;
};

void run(const IdentifyOptions& options) {
  if (options.as_json && options.as_csv) {
    throw Error(ErrorKind::bad_argument, "--json and --csv: one of them was expected");
  }
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  ThreadPool pool(options.threads);
  const GallerySettings settings = gallery.settings();
  PeopleInBackground people(gallery, options.threads);
  const Model model = load_model_of(settings, gallery.name(), options.model);
  const GallerySettings of_model =
      settings_for(model, options.model.empty() ? settings.model_file : options.model);
  bool ready = false;
  const auto search = [&]() -> GallerySearch& {
    GallerySearch& found = people.get();
    if (!ready) {
      gallery.check_model(of_model);
      say_left_out(found, gallery.name());
      check_decides(found.rule());
      ready = true;
    }
    return found;
  };
  std::vector<std::string> files;
  for (const std::filesystem::path& path : image_files(options.images)) {
    files.push_back(path.string());
  }
  const PhotoAnswers answers(model, search, face_choice(options.faces), options.top, pool);
  nlohmann::json photos = nlohmann::json::array();
  nlohmann::json problems = nlohmann::json::array();
  ProbeNotices probes;
  if (options.as_csv) std::fputs(csv_header().c_str(), stdout);
  for (size_t first = 0; first < files.size(); first += kPhotosAtOnce) {
    const size_t n = std::min(kPhotosAtOnce, files.size() - first);
    for (const PhotoAnswers::Result& result : answers.of(std::span(files).subspan(first, n))) {
      if (result.problem) {
        std::fprintf(stderr, "doppel: %s\n", result.problem->what());
        problems.push_back(result.problem->what());
        continue;
      }
      for (const AnsweredFace& face : result.photo->faces) probes.add(face.looks, face.answer);
      if (options.as_json) {
        photos.push_back(to_json(*result.photo));
      } else {
        std::fputs(
            (options.as_csv ? csv_lines(*result.photo) : plain_lines(*result.photo, options.top))
                .c_str(),
            stdout);
      }
    }
  }
  std::vector<std::string> warnings = probes.all(model.threshold, search().people());
  if (auto notice = notice_of_gallery(search().photo_difference())) {
    warnings.insert(warnings.begin(), std::move(*notice));
  }
  for (const std::string& warning : warnings) say_notice(warning);
  if (options.as_json) {
    print_json({{"gallery", gallery.name()},
                {"people", search().people()},
                {"rule", to_json(search().rule())},
                {"warnings", warnings},
                {"photos", photos},
                {"problems", problems}});
  } else if (!options.as_csv) {
    say_rule(search().rule(), options.verbose, stderr);
  }
  if (!problems.empty()) {
    throw Error(ErrorKind::bad_data, std::to_string(problems.size()) + " of " +
                                         std::to_string(files.size()) +
                                         " photos could not be answered, see above");
  }
}

}  // namespace

void add_identify(CLI::App& program) {
  auto options = std::make_shared<IdentifyOptions>();
  CLI::App* command = program.add_subcommand("identify", "Say who is on photos, or unknown");
  command->footer(
      "A line for each face: file,name,score. The name is unknown_person where nobody of the\n"
      "gallery is near enough; the score is then that of the nearest. A score is a distance; from\n"
      "8 people on it is normalised by how near the photo and the person come to others, and the\n"
      "people themselves draw the line, for the gallery's FPIR, the rate at which strangers may\n"
      "be taken for somebody. That line is on standard error.\n"
      "--csv and --json give with each candidate its distance, its FAR, the rate at which two\n"
      "different people are as near, and its FPIR, the rate at which a stranger comes as near to\n"
      "anybody.\n"
      "Examples: doppel identify team.gallery door.jpg\n"
      "          doppel identify team.gallery photos/ --top 3 --csv > who.csv");
  add_gallery_argument(*command, options->gallery);
  command->add_option("IMAGES", options->images, "Photos, or folders of them")->required();
  add_model_option(*command, options->model);
  command
      ->add_option("--faces", options->faces,
                   "Of a model of aligned faces, which faces of a photo: all, largest, or one, "
                   "where others are an error")
      ->capture_default_str();
  command->add_option("--top", options->top, "Candidates to list for each face")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_threads_option(*command, options->threads);
  add_verbose_option(*command, options->verbose);
  command->add_flag("--csv", options->as_csv, "Print a table of faces and candidates");
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
