// What the commands around a gallery share: which model belongs to it, and how it decides.
#pragma once

#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "doppel/base/thread_pool.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/search.h"
#include "doppel/model/model.h"
#include "progress.h"

namespace CLI {
class App;
}

namespace doppel::internal::app {

// A gallery that is there, to be changed. Throws as Gallery::open() and refuse_damage() do.
Gallery open_to_change(const std::string& location);

// The model in `file`, or where that is empty the one that the gallery names. Throws as
// load_model() and Gallery::check_model() do.
Model model_of(Gallery& gallery, const std::string& file);
// The same without a look whether it belongs to the gallery.
Model load_model_of(const GallerySettings& settings, const std::string& gallery,
                    const std::string& file);

// A gallery's people, read on a thread of its own from the moment this is made. Until get() nobody
// else may use the gallery.
class PeopleInBackground {
 public:
  PeopleInBackground(Gallery& gallery, int threads);
  GallerySearch& get();  // waits; throws what reading threw

 private:
  ThreadPool pool_;
  std::optional<GallerySearch> search_;
  std::shared_future<void> reading_;
};

void add_gallery_argument(CLI::App& command, std::string& gallery);
void add_model_option(CLI::App& command, std::string& model);

// "Deciding: .." by decision_text.h, on the given stream; with `verbose` the figures behind it,
// too.
void say_rule(const DecisionRule& rule, bool verbose, std::FILE* stream);
void add_verbose_option(CLI::App& command, bool& verbose);

// How a gallery decides, and what is to be said of its people's photos (gallery/photo_notices.h).
struct GalleryRule {
  DecisionRule rule;
  std::optional<std::string> notice;
};
// Reads all templates and compares the people with each other.
GalleryRule rule_of(Gallery& gallery);

// A note on standard error for each template that the search has to leave out.
void say_left_out(const GallerySearch& search, const std::string& gallery);

// For GallerySearch: a live line while a large gallery's index is made.
IndexProgress index_progress(Progress& progress);

}  // namespace doppel::internal::app
