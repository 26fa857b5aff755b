// Which identities of a data set are meant: a list of people in the format of Labeled Faces in the
// Wild, or a few names and numbers as one types them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/data/dataset.h"

namespace doppel::internal {

// The names in a list like LFW's peopleDevTrain.txt: the number of people in the first line, then
// for each a line "name<TAB>number of images". The numbers of images are checked to be numbers and
// not used. Lines may end in CR LF. `name` stands in front of every error. Throws Error(bad_data)
// naming the line that is something else, a name that comes twice, more or fewer people than said.
std::vector<std::string> parse_people_list(std::string_view text, const std::string& name);

// The list in a file of at most 16 MB. Throws as read_file() and parse_people_list() do.
std::vector<std::string> read_people_list(const std::filesystem::path& file);

// The identities that "s1,s2,10-20" means, as indices into dataset.identities, in natural order and
// each once: names, and numbers or ranges of numbers that are no names, counted from 1 in the order
// of the data set. Throws Error(bad_argument) naming the part that is neither or out of range.
std::vector<size_t> chosen_identities(const Dataset& dataset, std::string_view text);

}  // namespace doppel::internal
