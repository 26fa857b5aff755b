// doppel gallery: look at a gallery, change it, check it, carry it elsewhere.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "commands.h"
#include "doppel/base/file.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/gallery/exchange.h"
#include "doppel/gallery/index_measure.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/person_name.h"
#include "doppel/gallery/restore.h"
#include "doppel/gallery/synthetic_model.h"
#include "doppel/loss/energy.h"
#include "doppel/model/photo_embedder.h"
#include "gallery_access.h"
#include "measures.h"
#include "notices.h"
#include "output_file.h"
#include "progress.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct GalleryOptions {
  std::string gallery, model, name, to, file, fusion;
  std::vector<std::string> names;
  std::optional<int64_t> template_id;
  std::optional<double> fpir, threshold;
  bool photos = false, force = false, as_json = false, verbose = false;
};

void list(const GalleryOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const std::vector<Person> people = gallery.people();
  const GallerySettings& settings = gallery.settings();
  size_t templates = 0;
  for (const Person& person : people) templates += person.templates;
  const auto with_one_photo = static_cast<size_t>(
      std::ranges::count(people, size_t{1}, [](const Person& p) { return p.templates; }));
  const auto [rule, notice] = rule_of(gallery);
  if (options.as_json) {
    json listed = json::array();
    for (const Person& person : people) {
      listed.push_back(
          {{"name", person.name}, {"templates", person.templates}, {"added", person.added}});
    }
    print_json({{"gallery", gallery.name()},
                {"model", {{"digest", settings.model_digest}, {"file", settings.model_file}}},
                {"photos", settings.photos},
                {"fusion", to_string(settings.fusion)},
                {"rule", to_json(rule)},
                {"warnings", warnings_json(notice)},
                {"people_with_one_photo", with_one_photo},
                {"people", listed}});
    return;
  }
  for (const Person& person : people) {
    std::printf("%s  %4zu  %s\n", person.added.c_str(), person.templates, person.name.c_str());
  }
  std::printf("%s, %s; photos are %s; model %s (%.12s)\n", plural(people.size(), "person").c_str(),
              plural(templates, "template").c_str(), settings.photos ? "kept" : "not kept",
              settings.model_file.c_str(), settings.model_digest.c_str());
  if (with_one_photo > 0) {
    std::printf(
        "%zu of %s %s one photo: five photos of a person cut misses from about 21 to 6 %% "
        "(measured on LFW)\n",
        with_one_photo, plural(people.size(), "person").c_str(),
        with_one_photo == 1 ? "has" : "have");
  }
  say_rule(rule, options.verbose, stdout);
  say_notice(notice);
}

Person person_named(Gallery& gallery, const std::string& name) {
  const std::optional<Person> person = gallery.find(name);
  if (!person) {
    throw Error(ErrorKind::bad_argument, gallery.name() + ": there is no \"" + shown(name) +
                                             "\"; doppel gallery list shows who is there");
  }
  return *person;
}

void show(const GalleryOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const Person person = person_named(gallery, options.name);
  const std::vector<TemplateFacts> templates = gallery.templates_of(person.id);
  if (options.as_json) {
    json listed = json::array();
    for (const TemplateFacts& facts : templates) {
      listed.push_back({{"id", facts.id},
                        {"added", facts.added},
                        {"quality", facts.quality},
                        {"image", facts.image_digest},
                        {"model", facts.model_digest},
                        {"photo", facts.photo}});
    }
    print_json({{"name", person.name}, {"added", person.added}, {"templates", listed}});
    return;
  }
  std::printf("%s, since %s\n", person.name.c_str(), person.added.c_str());
  for (const TemplateFacts& facts : templates) {
    std::printf("  template %lld  %s  quality %.2f  image %.12s%s\n",
                static_cast<long long>(facts.id), facts.added.c_str(), facts.quality,
                facts.image_digest.c_str(), facts.photo ? "  photo kept" : "");
  }
}

void rename(const GalleryOptions& options) {
  open_to_change(options.gallery).rename(options.name, options.to);
  std::printf("%s is now %s\n", shown(options.name).c_str(), shown(options.to).c_str());
}

void remove(const GalleryOptions& options) {
  Gallery gallery = open_to_change(options.gallery);
  if (options.names.empty() == !options.template_id) {
    throw Error(ErrorKind::bad_argument, "either NAMES or --template was expected");
  }
  const bool gone = options.template_id
                        ? gallery.remove_templates(std::vector{*options.template_id})
                        : gallery.remove(options.names);
  if (options.template_id) {
    std::printf("template %lld removed\n", static_cast<long long>(*options.template_id));
  }
  for (const std::string& name : options.names) std::printf("%s removed\n", shown(name).c_str());
  if (!gone) {
    std::fprintf(stderr,
                 "Note: the removed bytes are still in the files of %s, for another process is "
                 "reading it, or its server does not let us rewrite tables; when that has changed, "
                 "the next removal deletes them, too\n",
                 gallery.name().c_str());
  }
}

void set(const GalleryOptions& options) {
  Gallery gallery = open_to_change(options.gallery);
  if (!options.fpir && !options.threshold && options.fusion.empty()) {
    throw Error(ErrorKind::bad_argument, "one of --fpir, --threshold and --fusion was expected");
  }
  if (options.fpir && options.threshold) {
    throw Error(ErrorKind::bad_argument,
                "--fpir or --threshold was expected, not both: each sets the distance");
  }
  const GallerySettings& settings = gallery.settings();
  Fusion fusion = settings.fusion;
  if (!options.fusion.empty()) {
    const std::optional<Fusion> named = fusion_named(options.fusion);
    if (!named) {
      throw Error(ErrorKind::bad_argument,
                  "--fusion: nearest or mean was expected, not " + options.fusion);
    }
    fusion = *named;
  }
  gallery.set_decision(options.fpir.value_or(settings.fpir),
                       options.fpir        ? std::nullopt
                       : options.threshold ? options.threshold
                                           : settings.distance,
                       fusion);
  std::printf("By the %s template of each person.\n",
              gallery.settings().fusion == Fusion::mean ? "mean over the" : "nearest");
  say_rule(rule_of(gallery).rule, true, stdout);
}

void check(const GalleryOptions& options) {
  const std::string name = shown_location(options.gallery);
  const std::vector<std::string> problems = check_gallery(options.gallery);
  if (options.as_json) {
    print_json({{"gallery", name}, {"problems", problems}});
  } else {
    for (const std::string& problem : problems) std::printf("%s\n", problem.c_str());
  }
  if (!problems.empty()) {
    throw Error(ErrorKind::bad_data,
                name + ": " + plural(problems.size(), "problem") + ", see above");
  }
  if (!options.as_json) {
    Gallery gallery = Gallery::open(options.gallery, Access::read);
    std::printf("%s is whole: %s, %s\n", gallery.name().c_str(),
                plural(gallery.people().size(), "person").c_str(),
                plural(gallery.templates(), "template").c_str());
  }
}

void export_to(const GalleryOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  if (options.photos && !gallery.settings().photos) {
    throw Error(ErrorKind::bad_argument, "--photos: " + gallery.name() + " keeps none");
  }
  check_writable("OUT", options.file);
  std::string text;
  size_t lines = 0;
  export_people(gallery, options.photos, [&](const std::string& line) {
    text += line + "\n";
    ++lines;
  });
  write_file_atomically(options.file, text);
  std::printf("%s: %s\n", plural(lines - 1, "person").c_str(), options.file.c_str());
}

void import_from(const GalleryOptions& options) {
  std::ifstream stream(options.file, std::ios::binary);
  if (!stream) throw Error(ErrorKind::io, options.file + ": cannot be read");
  ImportedGallery imported = read_export(stream, options.file);
  watch_for_stop();  // all or nothing from here on: Ctrl-C waits for it
  std::optional<Gallery> gallery;
  Enrolled enrolled;
  if (Gallery::exists(options.gallery)) {
    gallery = open_to_change(options.gallery);
    if (gallery->settings().model_digest != imported.settings.model_digest) {
      throw Error(ErrorKind::mismatch, options.file +
                                           ": its templates are of another model than those of " +
                                           gallery->name() + "; enroll the photos instead");
    }
    if (gallery->settings().photos && !imported.settings.photos) {
      throw Error(ErrorKind::mismatch, options.file + ": it has no photos, " + gallery->name() +
                                           " keeps them; export with --photos");
    }
    enrolled = gallery->enrol(imported.people);
  } else {
    gallery = Gallery::create(options.gallery, imported.settings, imported.people, &enrolled);
  }
  std::printf("%s of %s added, %zu were there; %s holds %s\n",
              plural(enrolled.templates, "template").c_str(),
              plural(enrolled.people, "new person").c_str(), enrolled.repeated.size(),
              gallery->name().c_str(), plural(gallery->people().size(), "person").c_str());
}

void restore(const GalleryOptions& options) {
  watch_for_stop();  // all or nothing: Ctrl-C waits for it
  const Restored restored = restore_gallery(options.file, options.gallery);
  std::printf("%s: %s with %s, as %s holds them\n", options.gallery.c_str(),
              plural(restored.people, "person").c_str(),
              plural(restored.templates, "template").c_str(), options.file.c_str());
  for (const std::string& file : restored.set_aside) {
    std::fprintf(stderr, "Note: the gallery that was there was damaged; it was moved to %s\n",
                 file.c_str());
  }
  std::fprintf(stderr,
               "Note: people who were removed since the backup are back; the access keys are %s\n",
               restored.kept_keys ? "those that were there"
                                  : "the backup's, with those that were revoked since");
}

void migrate(const GalleryOptions& options) {
  Gallery gallery = open_to_change(options.gallery);
  const Model model = load_model(options.model);
  ThreadPool pool(0);
  const PhotoEmbedder embedder(model);
  const size_t total = gallery.templates();
  size_t done = 0;
  Progress progress;
  watch_for_stop();
  gallery.migrate(settings_for(model, fs::absolute(options.model).string()),
                  [&](std::string_view photo, const std::string& name) {
                    check_stop();
                    progress.show("Embedding", done, total, "",
                                  static_cast<double>(done) / static_cast<double>(total));
                    ++done;
                    const auto source = PhotoSource::of_bytes(name, std::string(photo));
                    const EmbeddedPhoto embedded =
                        embedder.embed_one(source, FaceChoice::largest, pool);
                    if (!options.force) {
                      refuse_person(model, options.model, embedded.synthetic, name, "add --force");
                    }
                    return embedded.faces.front().embedding;
                  });
  progress.clear();
  std::printf("%s: %s embedded by %s\n", gallery.name().c_str(), plural(total, "photo").c_str(),
              options.model.c_str());
}

// How far two photos of one person are apart: of people with several, else where the gallery draws
// the line.
double genuine_distance(const std::map<int64_t, std::vector<int64_t>>& templates_of,
                        const GallerySearch& search, bool& measured) {
  double sum = 0;
  size_t pairs = 0;
  for (const auto& [person, templates] : templates_of) {
    for (size_t i = 1; i < templates.size(); ++i, ++pairs) {
      sum += energy_of(search.index().energy(), search.index().embedding(templates[i - 1]),
                       search.index().embedding(templates[i]));
    }
  }
  measured = pairs > 0;
  return measured ? sum / static_cast<double>(pairs) : search.rule().threshold;
}

void bench(const GalleryOptions& options) {
  constexpr size_t kProbes = 1000;
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  ThreadPool pool(0);
  Progress progress;
  GallerySearch search(gallery, pool);
  check_decides(search.rule());
  search.make_graph(pool, index_progress(progress));
  progress.clear();
  std::map<int64_t, std::vector<int64_t>> templates_of;
  std::vector<int64_t> ids;
  gallery.changes_since(0, [&](const StoredTemplate& stored) {
    if (!search.index().contains(stored.id)) return;
    ids.push_back(stored.id);
    templates_of[stored.person].push_back(stored.id);
  });
  if (ids.empty()) {
    throw Error(ErrorKind::bad_argument, gallery.name() + ": there is nobody in it to search for");
  }
  bool measured = false;
  const double distance = genuine_distance(templates_of, search, measured);
  const IndexMeasure measure =
      measure_index(search.index(), probes_near(search.index(), ids, distance, kProbes), pool);
  const double ratio = measure.exact_s / measure.search_s;
  if (options.as_json) {
    print_json({{"gallery", gallery.name()},
                {"templates", measure.templates},
                {"values", measure.dimension},
                {"graph", measure.graph},
                {"probes", measure.probes},
                {"probe_distance", distance},
                {"probe_distance_from", measured ? "templates" : "threshold"},
                {"recall_at_1", measure.recall},
                {"search_s", measure.search_s},
                {"exact_s", measure.exact_s},
                {"ratio", ratio},
                {"bytes", measure.bytes}});
    return;
  }
  std::printf("%s of %zu values, %.1f MB in memory, searched %s\n",
              plural(measure.templates, "template").c_str(), measure.dimension,
              static_cast<double>(measure.bytes) / 1e6,
              measure.graph ? "along a graph" : "by comparing all (a graph would not pay yet)");
  std::printf("recall@1 %.4f over %s at distance %.4g, %s\n", measure.recall,
              plural(measure.probes, "probe").c_str(), distance,
              measured ? "as far as templates of one person are apart"
                       : "as far as a face may be to be known");
  std::printf("one search %.3g ms, comparing all %.3g ms: %.3g times as fast\n",
              1e3 * measure.search_s, 1e3 * measure.exact_s, ratio);
}

}  // namespace

void add_gallery(CLI::App& program) {
  auto options = std::make_shared<GalleryOptions>();
  CLI::App* galleries = program.add_subcommand(
      "gallery", "List, change, check, measure, export, import and restore a gallery");
  galleries->require_subcommand(1);
  galleries->footer(
      "Every change is one transaction: done when the command ends well, else not at all.\n"
      "Example: doppel gallery list team.gallery");
  const auto add = [&](const char* name, const char* what, const char* example,
                       void (*work)(const GalleryOptions&)) {
    CLI::App* command = galleries->add_subcommand(name, what);
    command->footer(std::string("Example: doppel gallery ") + example);
    add_gallery_argument(*command, options->gallery);
    command->callback([options, work] { work(*options); });
    return command;
  };
  const auto add_json = [&](CLI::App* command) {
    command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  };
  CLI::App* command = add("list", "Who is in it, with how many photos, and how it decides",
                          "list team.gallery", list);
  add_verbose_option(*command, options->verbose);
  add_json(command);
  command = add("show", "What is stored of a person", "show team.gallery \"Ada Lovelace\"", show);
  command->add_option("NAME", options->name, "The person")->required();
  add_json(command);
  command = add("rename", "Give a person another name",
                "rename team.gallery \"Ada Byron\" \"Ada Lovelace\"", rename);
  command->add_option("NAME", options->name, "The person")->required();
  command->add_option("NEW", options->to, "The new name, of nobody there")->required();
  command = add("remove", "Delete people, or one template, and all that is stored of them",
                "remove team.gallery \"Ada Lovelace\"", remove);
  command->add_option("NAMES", options->names, "The people");
  command->add_option(
      "--template", options->template_id,
      "One of a person's templates instead; its number as show gives it; the person stays");
  command = add("set", "Change how it decides", "set team.gallery --fpir 0.001", set);
  command->add_option("--fpir", options->fpir,
                      "The rate at which strangers may be taken for somebody, 1e-9 to 0.5");
  command->add_option("--threshold", options->threshold, "A distance of your own instead");
  command->add_option(
      "--fusion", options->fusion,
      "A person with several templates is as far away as the nearest of them, or as "
      "their mean: nearest, mean");
  command = add("check", "Look for damage", "check team.gallery", check);
  add_json(command);
  command = add("bench", "How often and how fast the nearest is found, beside comparing all",
                "bench team.gallery", bench);
  add_json(command);
  command = add("export", "Write everybody into a file of JSON lines",
                "export team.gallery team.jsonl", export_to);
  command->add_option("OUT", options->file, "The file to write")->required();
  command->add_flag("--photos", options->photos, "With the photos, where they are kept");
  command = add("import", "Add everybody of such a file; makes a gallery where there is none",
                "import team.gallery team.jsonl", import_from);
  command->add_option("IN", options->file, "The file to read")->required();
  command = galleries->add_subcommand("restore", "Put a copy in a gallery's place, also in use");
  command->footer(
      "The copy is checked first, and is in place as a whole or not at all. A running service "
      "takes it in.\n"
      "Example: doppel gallery restore team.backup team.gallery");
  command->add_option("BACKUP", options->file, "A gallery's file, as a backup keeps it")
      ->required();
  command->add_option("GALLERY", options->gallery, "The file whose place it takes")->required();
  command->callback([options] { restore(*options); });
  command = add("migrate", "Move a gallery that keeps its photos to another model",
                "migrate team.gallery --model new.safetensors", migrate);
  command->add_option("--model", options->model, "The new model's file")->required();
  command->add_flag("--force", options->force,
                    "Move photos of people to a model of synthetic faces, too");
}

}  // namespace doppel::internal::app
