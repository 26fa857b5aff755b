// Where a command's images come from: a folder or archive that was named, or what is at hand.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"

namespace CLI {
class App;
}

namespace doppel::internal::app {

// `source`, a folder or an archive; where that is empty, the AT&T faces of $DOPPEL_DATA/att_faces
// or of ./data/att_faces, else nothing.
std::string data_at_hand(const std::string& source);

// The data set that is at hand, else a synthetic one (40 people, 10 images). Dataset::source says
// which.
Dataset load_or_make_data(const std::string& source, ThreadPool& pool,
                          const LoadOptions& options = {});

// The argument DATA and the options that take a part of it.
struct DataSource {
  std::string data;        // for load_or_make_data()
  std::string people;      // a file for read_people_list(); empty: everybody
  std::string identities;  // for chosen_identities(); empty: everybody

  void add_to(CLI::App& command);

  // The chosen identities in natural order; Dataset::source says what was chosen. Throws as loading
  // and choosing do, Error(bad_argument) where fewer than two identities are left.
  Dataset load(ThreadPool& pool, const LoadOptions& options = {}) const;
};

// The image files among `paths`; a folder stands for the files in it and in its sub-folders that
// are called like images, in natural order. Throws Error(io) for a folder that cannot be listed,
// Error(bad_data) for one without images.
std::vector<std::filesystem::path> image_files(const std::vector<std::string>& paths);

// The help text of the DATA argument.
extern const char* const kDataHelp;

// What the user should know about a data set, on standard error, a line each.
void print_notes(const Dataset& dataset);

}  // namespace doppel::internal::app
