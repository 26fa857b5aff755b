#include "data_source.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "doppel/base/natural_order.h"
#include "doppel/data/listing.h"
#include "doppel/data/people.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/pipeline/dataset_loading.h"

namespace doppel::internal::app {

namespace fs = std::filesystem;

const char* const kDataHelp =
    "Folder or zip archive with one sub-folder of images per identity. Without it: the AT&T faces "
    "in "
    "$DOPPEL_DATA/att_faces or data/att_faces, else synthetic faces";

std::string data_at_hand(const std::string& source) {
  if (!source.empty()) return source;
  std::vector<fs::path> places;
  if (const char* given = std::getenv("DOPPEL_DATA"); given != nullptr && *given != '\0') {
    places.push_back(fs::path(given) / "att_faces");
  }
  places.push_back(fs::path("data") / "att_faces");
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::is_directory(place, ignored)) return place.string();
  }
  return {};
}

Dataset load_or_make_data(const std::string& source, ThreadPool& pool, const LoadOptions& options) {
  const std::string found = data_at_hand(source);
  if (!found.empty()) return load_dataset(found, pool, options);
  Dataset drawn = synthetic_dataset(40, 10, 1);
  prepare_images(drawn, options.preparation, pool);
  return drawn;
}

void DataSource::add_to(CLI::App& command) {
  command.add_option("DATA", data, kDataHelp);
  CLI::Option* list = command.add_option(
      "--people", people,
      "Only the people of this list (in the format of LFW's peopleDevTrain.txt)");
  command
      .add_option("--identities", identities,
                  "Only these: names, and numbers from 1 in natural order: s1,s2,10-20")
      ->excludes(list);
}

Dataset DataSource::load(ThreadPool& pool, const LoadOptions& options) const {
  Dataset all = load_or_make_data(data, pool, options);
  if (people.empty() && identities.empty()) return all;
  Dataset chosen;
  if (!people.empty()) {
    std::vector<std::string> names = read_people_list(people);
    std::ranges::sort(names, natural_less);  // as a folder of these people alone would be read
    chosen = select_identities(all, names);
    chosen.source += ", people of " + people;
  } else {
    chosen = select_identities(all, chosen_identities(all, identities));
    chosen.source += ", identities " + identities;
  }
  keep_preparation_note(options, chosen);
  if (chosen.identities.size() < 2) {
    throw Error(ErrorKind::bad_argument, chosen.source + ": at least two identities are needed");
  }
  return chosen;
}

std::vector<fs::path> image_files(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.emplace_back(path);  // reading it will say what is wrong with it
      continue;
    }
    std::vector<fs::path> inside;
    for (auto it = fs::recursive_directory_iterator(path, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (name.starts_with('.')) {
        if (it->is_directory()) it.disable_recursion_pending();
      } else if (it->is_regular_file() && is_image_name(name)) {
        inside.push_back(it->path());
      }
    }
    if (error) throw Error(ErrorKind::io, path + ": cannot be listed: " + error.message());
    if (inside.empty()) throw Error(ErrorKind::bad_data, path + ": a folder without images");
    std::ranges::sort(inside, [](const fs::path& a, const fs::path& b) {
      return natural_less(a.string(), b.string());
    });
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

void print_notes(const Dataset& dataset) {
  for (const std::string& note : dataset.notes) std::fprintf(stderr, "Note: %s\n", note.c_str());
}

}  // namespace doppel::internal::app
