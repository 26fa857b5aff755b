#include "gallery_access.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <future>

#include "doppel/base/error.h"
#include "measures.h"

namespace doppel::app {

Model model_of(const Gallery& gallery, const std::string& file) {
  return model_of(gallery, file, [] {});
}

Model model_of(const Gallery& gallery, const std::string& file,
               const std::function<void()>& meanwhile) {
  const std::string path = file.empty() ? gallery.settings().model_file : file;
  std::future<void> other = std::async(std::launch::async, meanwhile);
  Model model = [&] {
    try {
      return load_model(path);
    } catch (const Error& error) {
      if (!file.empty()) throw;
      throw Error(error.kind(), std::string(error.what()) + " (the model that " + gallery.name() +
                                    " was made with; --model says where it is now)");
    }
  }();
  const std::string digest = embedding_digest(model);
  other.get();
  gallery.check_model(digest, path);
  return model;
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
  char text[300];
  if (!rule.far) {
    std::snprintf(text, sizeof text,
                  "below distance %.4g, which was set, it is that person; the model has no "
                  "calibration to say at what FAR",
                  rule.threshold);
    return text;
  }
  std::snprintf(
      text, sizeof text,
      "below distance %.4g it is that person: FAR %.2g %% of one comparison%s, FPIR %.2g %% "
      "of a search among %zu (95 %% interval %.2g to %.2g %%)",
      rule.threshold, 100 * *rule.far, rule.extrapolated ? ", extrapolated" : "", 100 * *rule.fpir,
      rule.templates, 100 * rule.fpir_lower, 100 * rule.fpir_upper);
  return text;
}

nlohmann::json to_json(const DecisionRule& rule) {
  nlohmann::json json = {{"threshold", rule.threshold},
                         {"templates", rule.templates},
                         {"far", to_json(rule.far)},
                         {"fpir", to_json(rule.fpir)}};
  if (rule.fpir) {
    json["fpir_ci"] = {rule.fpir_lower, rule.fpir_upper};
    json["extrapolated"] = rule.extrapolated;
  }
  return json;
}

IndexProgress index_progress(Progress& progress) {
  return [&progress](size_t done, size_t total) {
    progress.show("Indexing", done, total, "",
                  static_cast<double>(done) / static_cast<double>(total));
  };
}

}  // namespace doppel::app
