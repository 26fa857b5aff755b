// doppel enroll: people and their photos into a gallery.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "commands.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/words.h"
#include "doppel/data/listing.h"
#include "doppel/error.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/person_name.h"
#include "doppel/gallery/photo_notices.h"
#include "doppel/gallery/photo_templates.h"
#include "doppel/gallery/synthetic_model.h"
#include "doppel/model/installed_networks.h"
#include "faces_option.h"
#include "gallery_access.h"
#include "measures.h"
#include "notices.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

namespace fs = std::filesystem;

constexpr double kPoorQuality = 0.15;

struct EnrollOptions {
  std::string gallery, model, name, folder;
  std::vector<std::string> images;
  std::string faces = "one";
  int threads = 0;
  bool keep_photos = false, skip_bad = false, force = false, as_json = false, verbose = false;
};

struct PersonFiles {
  std::string name;
  std::vector<std::string> files;
};

// One person of --name, or those of --folder: a sub-folder's images, or an image with the person's
// name. In natural order.
std::vector<PersonFiles> people_to_enroll(const EnrollOptions& options) {
  if (options.name.empty() == options.folder.empty()) {
    throw Error(ErrorKind::bad_argument,
                "either --name with IMAGES or --folder was expected; doppel enroll --help");
  }
  if (!options.name.empty()) {
    if (options.images.empty()) {
      throw Error(ErrorKind::bad_argument,
                  "IMAGES: at least one photo of \"" + shown(options.name) + "\" was expected");
    }
    return {{normal_name(options.name), options.images}};
  }
  if (!options.images.empty()) {
    throw Error(ErrorKind::bad_argument,
                "--folder names everybody: no IMAGES were expected beside it");
  }
  std::error_code error;
  if (!fs::is_directory(options.folder, error)) {
    throw Error(ErrorKind::io, options.folder + ": a folder was expected");
  }
  const auto hidden = [](const fs::path& path) {
    return path.filename().string().starts_with('.');
  };
  std::vector<PersonFiles> people;
  std::map<std::string, std::string> taken;  // what names look like and where they come from
  const auto add = [&](const std::string& given, std::vector<std::string> files,
                       const fs::path& from) {
    const std::string name = normal_name(given);
    if (const auto [known, fresh] = taken.emplace(comparable_name(name), from.string()); !fresh) {
      throw Error(ErrorKind::bad_data,
                  from.string() + ": \"" + shown(name) + "\" is the name of " + known->second +
                      ", too, or looks like it; a folder or one file was expected of each person");
    }
    std::ranges::sort(files, natural_less);
    people.push_back({name, std::move(files)});
  };
  for (const fs::directory_entry& entry : fs::directory_iterator(options.folder, error)) {
    if (hidden(entry.path())) continue;
    if (!entry.is_directory()) {
      if (is_image_name(entry.path().string())) {
        add(entry.path().stem().string(), {entry.path().string()}, entry.path());
      }
      continue;
    }
    std::vector<std::string> files;
    for (const fs::directory_entry& file : fs::directory_iterator(entry.path(), error)) {
      if (!hidden(file.path()) && is_image_name(file.path().string())) {
        files.push_back(file.path().string());
      }
    }
    if (files.empty()) {
      throw Error(ErrorKind::bad_data,
                  entry.path().string() + ": a person's folder without images");
    }
    add(entry.path().filename().string(), std::move(files), entry.path());
  }
  if (error) throw Error(ErrorKind::io, options.folder + ": cannot be listed: " + error.message());
  if (people.empty()) {
    throw Error(ErrorKind::bad_data,
                options.folder + ": a sub-folder or an image for each person was expected");
  }
  std::ranges::sort(people, natural_less, &PersonFiles::name);
  return people;
}

// Embeds all photos. Those that cannot be are said on standard error; without --skip-bad they are
// the end of it.
std::vector<NewPerson> embed(const std::vector<PersonFiles>& people, const Model& model,
                             const std::string& model_name, const EnrollOptions& options,
                             bool keep_photos, ThreadPool& pool) {
  std::vector<PhotoSource> photos;
  for (const PersonFiles& person : people) {
    for (const std::string& file : person.files) photos.push_back(PhotoSource::of_file(file));
  }
  Progress progress;
  std::vector<PhotoTemplate> templates = photo_templates(
      PhotoEmbedder(model), photos, single_face_choice(options.faces), keep_photos, pool,
      [&](size_t done) {
        progress.show("Enrolling", done, photos.size(), "",
                      static_cast<double>(done) / static_cast<double>(photos.size()));
        check_stop();
      });
  progress.clear();
  for (const PhotoTemplate& photo : templates) {
    if (options.force || !photo.made) continue;
    refuse_person(model, model_name, photo.synthetic, photo.made->origin, "add --force");
  }
  std::vector<NewPerson> result;
  std::vector<std::string> problems;
  size_t next = 0;
  for (const PersonFiles& person : people) {
    NewPerson added{person.name, {}};
    for (size_t i = 0; i < person.files.size(); ++i, ++next) {
      PhotoTemplate& photo = templates[next];
      if (photo.problem) {
        problems.emplace_back(photo.problem->what());
        continue;
      }
      if (photo.made->quality < kPoorQuality) {
        std::fprintf(stderr, "Note: %s: poor quality (%.2f of 1): dark, pale or blurred\n",
                     photo.made->origin.c_str(), photo.made->quality);
      }
      added.templates.push_back(std::move(*photo.made));
    }
    if (!added.templates.empty()) result.push_back(std::move(added));
  }
  if (problems.empty()) return result;
  if (photos.size() == 1) throw Error(ErrorKind::bad_data, problems[0] + "; nothing was enrolled");
  for (const std::string& problem : problems) std::fprintf(stderr, "doppel: %s\n", problem.c_str());
  const std::string count =
      plural(problems.size(), "photo") + " of " + std::to_string(photos.size());
  if (!options.skip_bad || result.empty()) {
    throw Error(ErrorKind::bad_data, count + " cannot be enrolled; nothing was changed" +
                                         (result.empty() ? "" : " (--skip-bad leaves them out)"));
  }
  std::fprintf(stderr, "Note: %s left out\n", count.c_str());
  return result;
}

void run(const EnrollOptions& options) {
  const std::vector<PersonFiles> people = people_to_enroll(options);
  for (const PersonFiles& person : people) {
    check_person_name(person.name, options.folder.empty() ? "--name" : options.folder);
  }
  watch_for_stop();
  ThreadPool pool(options.threads);
  std::optional<Gallery> gallery;
  Model model;
  std::string model_name;
  if (Gallery::exists(options.gallery)) {
    gallery = open_to_change(options.gallery);
    model = model_of(*gallery, options.model);
    model_name = options.model.empty() ? gallery->settings().model_file : options.model;
    if (options.keep_photos && !gallery->settings().photos) {
      throw Error(ErrorKind::bad_argument,
                  "--keep-photos: " + gallery->name() +
                      " keeps none; that is decided when a gallery is made");
    }
  } else {
    model_name = named_or_installed(
        options.model, shown_location(options.gallery) +
                           ": there is no such gallery yet; --model says which model the new one "
                           "is for");
    Gallery::check_place(options.gallery);
    model = load_model(model_name);
  }
  const bool keep = gallery ? gallery->settings().photos : options.keep_photos;
  const std::vector<NewPerson> added = embed(people, model, model_name, options, keep, pool);
  Enrolled enrolled;
  if (gallery) {
    enrolled = gallery->enrol(added);
  } else {
    GallerySettings settings = settings_for(model, fs::absolute(model_name).string());
    settings.photos = options.keep_photos;
    gallery = Gallery::create(options.gallery, settings, added, &enrolled);
  }
  const size_t everybody = gallery->people().size();
  // Scripts that enrol one after the other do not wait for a large gallery's line.
  GalleryRule deciding;
  if (!options.as_json || everybody <= GallerySearch::kQuicklyCompared) {
    deciding = rule_of(*gallery);
  }
  // Of one person's photos less can be told than of everybody's.
  std::optional<std::string> notice =
      notice_of_enrolled(photo_difference(added, gallery->settings().threshold));
  if (!notice) notice = deciding.notice;
  if (options.as_json) {
    nlohmann::json names = nlohmann::json::array();
    for (const NewPerson& person : added) names.push_back(person.name);
    print_json({{"gallery", gallery->name()},
                {"names", names},
                {"new_people", enrolled.people},
                {"templates", enrolled.templates},
                {"already_enrolled", enrolled.repeated},
                {"warnings", warnings_json(notice)},
                {"people", everybody}});
    return;
  }
  for (const std::string& origin : enrolled.repeated) {
    std::fprintf(stderr, "Note: %s: this photo is enrolled already; left out\n", origin.c_str());
  }
  if (added.size() == 1) {
    std::printf("%s: %s added, %zu in all\n", shown(added[0].name).c_str(),
                plural(enrolled.templates, "photo").c_str(),
                gallery->find(added[0].name)->templates);
  }
  std::printf("%s of %s added; %s holds %s with %s\n", plural(enrolled.templates, "photo").c_str(),
              plural(enrolled.people, "new person").c_str(), gallery->name().c_str(),
              plural(everybody, "person").c_str(),
              plural(gallery->templates(), "template").c_str());
  say_rule(deciding.rule, options.verbose, stdout);
  say_notice(notice);
}

}  // namespace

void add_enroll(CLI::App& program) {
  auto options = std::make_shared<EnrollOptions>();
  CLI::App* command = program.add_subcommand("enroll", "Enrol people in a gallery");
  command->footer(
      "A new gallery is made where there is none. It holds templates (embeddings) and digests, "
      "not\n"
      "photos, unless --keep-photos says so when it is made. One call is one transaction: where a\n"
      "photo cannot be used, nothing is changed. A person who is there already gets further "
      "photos.\n"
      "--folder: a sub-folder for each person with photos in it, or an image of each; the "
      "person's\n"
      "name is the sub-folder's or the file's.\n"
      "Examples: doppel enroll team.gallery --model faces.safetensors --folder people/\n"
      "          doppel enroll team.gallery --name \"Ada Lovelace\" ada.jpg");
  add_gallery_argument(*command, options->gallery);
  command->add_option("IMAGES", options->images,
                      "Photos of the person (PGM, PPM, PNG, JPEG, WebP)");
  command
      ->add_option(
          "--model", options->model,
          "The model file; for a new gallery, the network of doppel networks where none is "
          "named")
      ->default_str("the gallery's");
  command->add_option("--name", options->name, "Whom the photos show");
  command->add_option("--folder", options->folder, "A folder of people instead");
  add_faces_option(*command, options->faces);
  command->add_flag("--keep-photos", options->keep_photos,
                    "Of a new gallery: store the photos, too; then it can move to another model");
  command->add_flag("--skip-bad", options->skip_bad, "Leave out photos that cannot be used");
  command->add_flag("--force", options->force,
                    "Enrol photos although the model was trained on synthetic faces");
  add_threads_option(*command, options->threads);
  add_verbose_option(*command, options->verbose);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
