#include "gallery_access.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "doppel/error.h"
#include "doppel/gallery/photo_notices.h"
#include "measures.h"

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

std::string rule_text(const DecisionRule& rule) {
  char text[400];
  switch (rule.source) {
    case RuleSource::none:
      return rule.fault;
    case RuleSource::set:
      if (!rule.far) {
        std::snprintf(text, sizeof text,
                      "below distance %.4g, which was set, it is that person; the model has no "
                      "calibration to say at what FAR",
                      rule.threshold);
        return text;
      }
      break;
    case RuleSource::model:
      break;
    case RuleSource::gallery: {
      std::snprintf(text, sizeof text,
                    "below score %.4g it is that person: the gallery's own %s, compared with each "
                    "other, show that a stranger's search is then taken for somebody at an FPIR of "
                    "%.2g %% (nine in ten such galleries: %.2g to %.2g %%)",
                    rule.threshold, plural(rule.people, "person").c_str(), 100 * *rule.fpir,
                    100 * rule.fpir_lower, 100 * rule.fpir_upper);
      std::string sentence = text;
      if (rule.people < kEnoughPeople) {
        sentence += "; so few people tell little of strangers";
        if (rule.distance) {
          std::snprintf(text, sizeof text,
                        ", so the distance has to be below the model's %.4g, too", *rule.distance);
          sentence += text;
        }
      } else if (rule.extrapolated) {
        sentence += "; so rare a rate is extrapolated";
      }
      return sentence;
    }
  }
  std::snprintf(
      text, sizeof text,
      "below distance %.4g%s it is that person: FAR %.2g %% of one comparison%s by the model's "
      "calibration, FPIR %.2g %% of a search among %zu (95 %% interval %.2g to %.2g %%)",
      rule.threshold, rule.source == RuleSource::set ? ", which was set," : "", 100 * *rule.far,
      rule.extrapolated ? ", extrapolated" : "", 100 * *rule.fpir, rule.chances,
      100 * rule.fpir_lower, 100 * rule.fpir_upper);
  std::string sentence = text;
  if (rule.source == RuleSource::model) {
    sentence +=
        "; from " + plural(kFewestPeople, "person") + " on the gallery's own people draw the line";
  }
  return sentence;
}

GalleryRule rule_of(Gallery& gallery) {
  ThreadPool pool(ThreadPool::available_threads());
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
