#include "gallery_access.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "decision_text.h"
#include "doppel/error.h"
#include "doppel/gallery/photo_notices.h"

namespace doppel::internal::app {

Model load_model_of(const GallerySettings& settings, const std::string& gallery,
                    const std::string& file) {
  try {
    return load_model(file.empty() ? settings.model_file : file);
  } catch (const Error& error) {
    if (!file.empty()) throw;
    throw Error(error.kind(), std::string(error.what()) + " (the model that " + gallery +
                                  " was made with; --model says where it is now)");
  }
}

Gallery open_to_change(const std::string& location) {
  Gallery gallery = Gallery::open(location, Access::read_write);
  gallery.refuse_damage();
  return gallery;
}

Model model_of(Gallery& gallery, const std::string& file) {
  Model model = load_model_of(gallery.settings(), gallery.name(), file);
  gallery.check_model(settings_for(model, file.empty() ? gallery.settings().model_file : file));
  return model;
}

PeopleInBackground::PeopleInBackground(Gallery& gallery, int threads)
    : pool_(threads), reading_(std::async(std::launch::async, [this, &gallery] {
        Progress progress;
        search_.emplace(gallery, pool_);
        search_->make_graph(pool_, index_progress(progress));
        progress.clear();
      })) {}

GallerySearch& PeopleInBackground::get() {
  reading_.get();
  return *search_;
}

void add_gallery_argument(CLI::App& command, std::string& gallery) {
  command.add_option("GALLERY", gallery, "A gallery's file, or postgresql://USER@HOST/DATABASE")
      ->required();
}

void add_model_option(CLI::App& command, std::string& model) {
  command.add_option("--model", model, "The gallery's model file")
      ->default_str("where it was at enrolment");
}

void say_rule(const DecisionRule& rule, bool verbose, std::FILE* stream) {
  std::fprintf(stream, "Deciding: %s.\n", decision_text(rule).c_str());
  const std::string figures = verbose ? decision_figures(rule) : "";
  if (!figures.empty()) std::fprintf(stream, "  %s\n", figures.c_str());
}

void add_verbose_option(CLI::App& command, bool& verbose) {
  command.add_flag("--verbose", verbose, "Say the figures behind the decision, too");
}

GalleryRule rule_of(Gallery& gallery) {
  ThreadPool pool(0);
  GallerySearch search(gallery, pool);
  return {search.rule(), notice_of_gallery(search.photo_difference())};
}

void say_left_out(const GallerySearch& search, const std::string& gallery) {
  for (const LeftOut& left_out : search.left_out()) {
    std::fprintf(stderr, "Note: %s\n", to_string(left_out, gallery).c_str());
  }
}

IndexProgress index_progress(Progress& progress) {
  return [&progress](size_t done, size_t total) {
    progress.show("Indexing", done, total, "",
                  static_cast<double>(done) / static_cast<double>(total));
  };
}

}  // namespace doppel::internal::app
