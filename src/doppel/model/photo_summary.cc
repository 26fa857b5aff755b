#include "doppel/model/photo_summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/base/words.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kFewestPeopleMet = 4;
constexpr double kLimit = 0.1, kLimitOfFew = 0.8, kLookWeight = 0.05;
// Parts of the total that are worth a word.
constexpr double kTightnessToSay = 0.05, kShiftToSay = 0.05, kLookToSay = 1;

constexpr std::array<const char*, 3> kLookNames = {"brightness", "contrast", "sharpness"};
// Collections are not so uniform that less than that is no chance.
constexpr std::array<double, 3> kLeastDeviation = {0.02, 0.05, 0.05};
constexpr double kLeastLogarithm = 1e-6;

std::array<double, 3> compared(const Looks& looks) {
  const auto log_of = [](double value) {
    return elementary::log(std::max(value, kLeastLogarithm));
  };
  return {looks.brightness, log_of(looks.contrast), log_of(looks.sharpness)};
}

// The photos of each person.
using Groups = std::map<int64_t, std::vector<size_t>>;

// Of squared distances from a mean that was taken of the same people.
double unbiased(double squares, size_t people) {
  return people < 2 ? squares
                    : squares * static_cast<double>(people) / static_cast<double>(people - 1);
}

// The mean over people of their photos' means.
template <typename Value>
double mean_over(const Groups& groups, const Value& value) {
  double sum = 0;
  for (const auto& [person, photos] : groups) {
    double of_person = 0;
    for (const size_t photo : photos) of_person += value(photo);
    sum += of_person / static_cast<double>(photos.size());
  }
  return sum / static_cast<double>(groups.size());
}

double significant(double value) {
  char text[32];
  const auto written =
      std::to_chars(std::begin(text), std::end(text), value, std::chars_format::scientific, 3);
  double rounded = 0;
  std::from_chars(std::begin(text), written.ptr, rounded);
  return rounded;
}

std::string hundredths(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

}  // namespace

PhotoSummary summarise(std::span<const int64_t> people, const Matrix& embeddings,
                       std::span<const Looks> looks) {
  Groups groups;
  for (size_t i = 0; i < people.size(); ++i) groups[people[i]].push_back(i);
  PhotoSummary summary;
  summary.people = groups.size();
  if (embeddings.rows > 0) {
    std::vector<double> mean(embeddings.columns);
    for (size_t k = 0; k < mean.size(); ++k) {
      mean[k] = mean_over(groups, [&](size_t i) { return double{embeddings.row(i)[k]}; });
    }
    summary.spread = significant(unbiased(mean_over(groups,
                                                    [&](size_t i) {
                                                      double squares = 0;
                                                      for (size_t k = 0; k < mean.size(); ++k) {
                                                        const double off =
                                                            embeddings.row(i)[k] - mean[k];
                                                        squares += off * off;
                                                      }
                                                      return squares;
                                                    }),
                                          groups.size()));
    for (const double value : mean) {
      summary.embedding.push_back(static_cast<float>(significant(value)));
    }
  }
  for (size_t look = 0; look < kLookNames.size() && !looks.empty(); ++look) {
    const double mean = mean_over(groups, [&](size_t i) { return compared(looks[i])[look]; });
    const double squares = mean_over(groups, [&](size_t i) {
      const double off = compared(looks[i])[look] - mean;
      return off * off;
    });
    summary.looks[look] = {significant(mean),
                           significant(std::sqrt(unbiased(squares, groups.size())))};
  }
  return summary;
}

PhotoDifference compare(const PhotoSummary& calibrated, const PhotoSummary& met) {
  PhotoDifference difference;
  const double of_calibrated = 1 / static_cast<double>(calibrated.people);
  const double of_met = 1 / static_cast<double>(met.people);
  const double chance = of_calibrated + of_met;
  difference.limit = kLimit + kLimitOfFew * chance;
  if (met.people >= kFewestPeopleMet && calibrated.spread > 0 &&
      met.embedding.size() == calibrated.embedding.size()) {
    double squares = 0;
    for (size_t k = 0; k < met.embedding.size(); ++k) {
      const double off = double{met.embedding[k]} - double{calibrated.embedding[k]};
      squares += off * off;
    }
    const double by_chance = calibrated.spread * of_calibrated + met.spread * of_met;
    difference.shift = std::max(0.0, (squares - by_chance) / calibrated.spread);
    difference.tightness = std::max(0.0, 1 - met.spread / calibrated.spread);
  }
  difference.total = difference.shift + difference.tightness;
  const auto known = [](const PhotoSummary& summary) {
    return summary.looks != std::array<PhotoSummary::Look, 3>{};
  };
  for (size_t look = 0; look < kLookNames.size() && known(calibrated) && known(met); ++look) {
    const double off = (met.looks[look].mean - calibrated.looks[look].mean) /
                       std::max(calibrated.looks[look].deviation, kLeastDeviation[look]);
    difference.looks[look] = off;
    difference.total += kLookWeight * std::max(0.0, off * off - chance);
  }
  return difference;
}

std::string to_string(const PhotoDifference& difference) {
  std::vector<std::pair<double, std::string>> parts;  // what each adds to the total
  if (difference.tightness > kTightnessToSay) {
    parts.emplace_back(difference.tightness,
                       "the people on them look more alike to the model (they differ " +
                           hundredths(1 - difference.tightness) + " times as much)");
  }
  if (difference.shift > kShiftToSay) {
    parts.emplace_back(difference.shift, "faces are framed, turned or lit in another way");
  }
  constexpr std::array<std::array<const char*, 2>, 3> kWords = {
      {{"darker", "brighter"}, {"paler", "higher in contrast"}, {"less sharp", "sharper"}}};
  std::vector<std::string> looks;
  double of_looks = 0;
  for (size_t look = 0; look < kWords.size(); ++look) {
    const double off = difference.looks[look];
    if (std::abs(off) < kLookToSay) continue;
    of_looks += kLookWeight * off * off;
    looks.emplace_back(kWords[look][off > 0 ? 1 : 0]);
  }
  if (!looks.empty()) parts.emplace_back(of_looks, "the pictures are " + enumerated(looks));
  if (parts.empty()) parts.emplace_back(0, "they differ a little in many ways");
  std::ranges::stable_sort(parts, std::greater{}, &std::pair<double, std::string>::first);
  std::vector<std::string> texts;
  for (std::pair<double, std::string>& part : parts) texts.push_back(std::move(part.second));
  return enumerated(texts);
}

nlohmann::json to_json(const PhotoSummary& summary) {
  nlohmann::json json = {{"people", summary.people}, {"spread", summary.spread}};
  for (size_t look = 0; look < kLookNames.size(); ++look) {
    json[kLookNames[look]] = {summary.looks[look].mean, summary.looks[look].deviation};
  }
  // As few digits as they have: a float made a double has more.
  nlohmann::json& embedding = json["embedding"] = nlohmann::json::array();
  for (const float value : summary.embedding) embedding.push_back(significant(double{value}));
  return json;
}

PhotoSummary photo_summary_from_json(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, std::string(where).append(": photos"));
  PhotoSummary summary;
  summary.people = object.whole_number("people", 1, UINT64_MAX);
  for (size_t look = 0; look < kLookNames.size(); ++look) {
    const char* name = kLookNames[look];
    const std::vector<double> mean_and_deviation = object.numbers(name, 2);
    summary.looks[look] = {mean_and_deviation[0], mean_and_deviation[1]};
    if (summary.looks[look].deviation < 0) {
      object.refuse(name, "a mean and a deviation of at least 0");
    }
  }
  for (const double value : object.numbers("embedding")) {
    summary.embedding.push_back(static_cast<float>(value));
    if (!std::isfinite(summary.embedding.back())) object.refuse("embedding", "a list of floats");
  }
  summary.spread = object.number("spread", 0);
  return summary;
}

}  // namespace doppel::internal
