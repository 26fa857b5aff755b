// Where a command's images come from: a folder that was named, or what is at hand.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"

namespace doppel::app {

// The data set in `folder`; where that is empty, the AT&T faces of $DOPPEL_DATA/att_faces or of
// ./data/att_faces, else synthetic ones (40 people, 10 images). Dataset::source says which.
Dataset load_or_make_data(const std::string& folder, ThreadPool& pool);

// The image files among `paths`; a folder stands for the files in it and in its sub-folders, in
// natural order. Throws Error(io) for what is not there, Error(bad_data) for a folder without
// files.
std::vector<std::filesystem::path> image_files(const std::vector<std::string>& paths);

// The help text of the DATA argument.
extern const char* const kDataHelp;

// What the user should know about a data set, on standard error, a line each.
void print_notes(const Dataset& dataset);

}  // namespace doppel::app
