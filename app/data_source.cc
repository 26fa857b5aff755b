#include "data_source.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "doppel/base/error.h"
#include "doppel/base/natural_order.h"
#include "doppel/data/synthetic.h"

namespace doppel::app {

namespace fs = std::filesystem;

const char* const kDataHelp =
    "Folder with one sub-folder of images per identity. Left out: the AT&T faces in "
    "$DOPPEL_DATA/att_faces or data/att_faces, else synthetic faces";

Dataset load_or_make_data(const std::string& folder, ThreadPool& pool) {
  if (!folder.empty()) return load_dataset(folder, pool);
  std::vector<fs::path> places;
  if (const char* given = std::getenv("DOPPEL_DATA"); given != nullptr && *given != '\0') {
    places.push_back(fs::path(given) / "att_faces");
  }
  places.push_back(fs::path("data") / "att_faces");
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::is_directory(place, ignored)) return load_dataset(place, pool);
  }
  return synthetic_dataset(40, 10, 1);
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
      } else if (it->is_regular_file()) {
        inside.push_back(it->path());
      }
    }
    if (error) throw Error(ErrorKind::io, path + ": cannot be listed: " + error.message());
    if (inside.empty()) throw Error(ErrorKind::bad_data, path + ": a folder without files");
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

}  // namespace doppel::app
