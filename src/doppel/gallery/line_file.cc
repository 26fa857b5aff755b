#include "doppel/gallery/line_file.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostLineBytes = 16 * 1024;
constexpr size_t kNumbers = 13;
// Of how lines are drawn: what was drawn in another way is drawn anew.
constexpr int kVersion = 2;

std::array<double, kNumbers> numbers_of(const PeopleIndex::Drawn& drawn) {
  const OwnLine::Numbers& line = drawn.line.numbers();
  return {line.people,        line.searched,           line.middle,
          line.slope,         line.pair_middle,        line.pair_slope,
          line.near_middle,   line.near_slope,         drawn.same_person,
          drawn.cohorts.mean, drawn.cohorts.deviation, drawn.cohorts.without_nearest,
          drawn.confused};
}

PeopleIndex::Drawn drawn_of(const std::array<double, kNumbers>& n) {
  return {OwnLine(OwnLine::Numbers{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]}),
          n[8],
          {n[9], n[10], n[11]},
          n[12]};
}

}  // namespace

std::optional<PeopleIndex::Drawn> read_line(const std::filesystem::path& file,
                                            const std::string& key) {
  nlohmann::json kept;
  try {
    kept = nlohmann::json::parse(read_file(file, kMostLineBytes), nullptr, false);
  } catch (const Error&) {
    return {};
  }
  if (!kept.is_object() || kept.value("key", nlohmann::json()) != key ||
      kept.value("version", nlohmann::json()) != kVersion) {
    return {};
  }
  const nlohmann::json numbers = kept.value("numbers", nlohmann::json());
  if (!numbers.is_array() || numbers.size() != kNumbers) return {};
  std::array<double, kNumbers> values = {};
  for (size_t i = 0; i < kNumbers; ++i) {
    if (!numbers[i].is_number()) return {};
    values[i] = numbers[i].get<double>();
    if (!std::isfinite(values[i])) return {};
  }
  // People, and those of them who searched.
  if (values[0] < 1 || values[1] < 1) return {};
  return drawn_of(values);
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
