#include "doppel/gallery/line_file.h"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "doppel/base/file.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostLineBytes = 16 * 1024;
constexpr size_t kNumbers = 13;
// Of how lines are drawn: what was drawn in another way is drawn anew.
constexpr uint64_t kVersion = 2;

std::array<double, kNumbers> numbers_of(const PeopleIndex::Drawn& drawn) {
  const OwnLine::Numbers& line = drawn.line.numbers();
  return {line.people,        line.searched,           line.middle,
          line.slope,         line.pair_middle,        line.pair_slope,
          line.near_middle,   line.near_slope,         drawn.same_person,
          drawn.cohorts.mean, drawn.cohorts.deviation, drawn.cohorts.without_nearest,
          drawn.confused};
}

PeopleIndex::Drawn drawn_of(const std::vector<double>& n) {
  return {OwnLine(OwnLine::Numbers{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]}),
          n[8],
          {n[9], n[10], n[11]},
          n[12]};
}

}  // namespace

std::optional<PeopleIndex::Drawn> read_line(const std::filesystem::path& file,
                                            const std::string& key) {
  try {
    const nlohmann::json kept = parse_json(read_file(file, kMostLineBytes), file.string());
    const JsonObject object(kept, file.string());
    if (object.text("key") != key || object.whole_number("version", 0, UINT32_MAX) != kVersion) {
      return {};
    }
    const std::vector<double> numbers = object.numbers("numbers", kNumbers);
    // People, and those of them who searched.
    if (numbers[0] < 1 || numbers[1] < 1) return {};
    return drawn_of(numbers);
  } catch (const Error&) {
    return {};
  }
}

void keep_line(const PeopleIndex::Drawn& drawn, const std::string& key,
               const std::filesystem::path& file) {
  try {
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    write_file_atomically(
        file, nlohmann::json({{"version", kVersion}, {"key", key}, {"numbers", numbers_of(drawn)}})
                      .dump() +
                  "\n");
  } catch (const Error&) {
    // As said.
  }
}

}  // namespace doppel::internal
