#include "doppel/data/people.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

std::optional<size_t> number_in(std::string_view text) {
  size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// What is left in front of `mark`, which is taken away with it.
std::string_view take_until(char mark, std::string_view& text) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

}  // namespace

std::vector<std::string> parse_people_list(std::string_view text, const std::string& name) {
  size_t line_number = 0;
  const auto next_line = [&] {
    ++line_number;
    std::string_view line = take_until('\n', text);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::bad_data, name + ", line " + std::to_string(line_number) + ": " + what);
  };
  const std::optional<size_t> people = number_in(next_line());
  if (!people) throw refuse("the number of people was expected");

  std::vector<std::string> names;
  std::unordered_set<std::string_view> known;
  while (!text.empty()) {
    const std::string_view line = next_line();
    if (line.empty() && text.find_first_not_of("\r\n") == std::string_view::npos) break;
    std::string_view rest = line;
    const std::string_view person = take_until('\t', rest);
    const std::optional<size_t> images = number_in(rest);
    if (person.empty() || images.value_or(0) == 0) {
      throw refuse("a name, a tab and a number of images were expected, \"" +
                   std::string(line.substr(0, 100)) + "\" came");
    }
    if (!known.insert(person).second) {
      throw refuse(std::string(person) + " is in the list for the second time");
    }
    names.emplace_back(person);
  }
  if (names.size() != *people) {
    throw Error(ErrorKind::bad_data, name + ": the first line says " + std::to_string(*people) +
                                         " people, " + std::to_string(names.size()) + " follow");
  }
  return names;
}

std::vector<std::string> read_people_list(const std::filesystem::path& file) {
  return parse_people_list(read_file(file, size_t{16} << 20), file.string());
}

std::vector<size_t> chosen_identities(const Dataset& dataset, std::string_view text) {
  const size_t count = dataset.identities.size();
  std::unordered_map<std::string_view, size_t> index;
  for (size_t i = 0; i < count; ++i) index[dataset.identities[i].name] = i;
  std::vector<bool> chosen(count);
  do {
    const std::string_view part = take_until(',', text);
    if (const auto named = index.find(part); named != index.end()) {
      chosen[named->second] = true;
      continue;
    }
    std::string_view rest = part;
    const std::optional<size_t> first = number_in(take_until('-', rest));
    const std::optional<size_t> last = part.find('-') == part.npos ? first : number_in(rest);
    if (!first || !last || *first < 1 || *last < *first || *last > count) {
      throw Error(ErrorKind::bad_argument,
                  "\"" + std::string(part) + "\" is no identity of " + dataset.source +
                      " and no number or range within 1-" + std::to_string(count));
    }
    for (size_t i = *first; i <= *last; ++i) chosen[i - 1] = true;
  } while (!text.empty());
  std::vector<size_t> identities;
  for (size_t i = 0; i < count; ++i) {
    if (chosen[i]) identities.push_back(i);
  }
  return identities;
}

}  // namespace doppel::internal
