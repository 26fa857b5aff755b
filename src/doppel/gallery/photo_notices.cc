#include "doppel/gallery/photo_notices.h"

#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <utility>

namespace doppel::internal {
namespace {

constexpr double kOffsetOfAny = 0.1, kOffsetOfFew = 2.2;
constexpr size_t kFewestNearest = 4;

std::string unlike(const char* photos, const PhotoDifference& difference) {
  return std::string(photos) +
         " are unlike those that the model was calibrated on: " + to_string(difference) +
         ". So its error rates do not hold for them, and more people may be missed or mistaken; "
         "measure it on such photos (doppel eval --open-set), or train a model on them";
}

}  // namespace

std::optional<PhotoDifference> photo_difference(std::span<const NewPerson> people,
                                                const std::optional<Threshold>& calibrated) {
  if (!calibrated || !calibrated->photos) return {};
  std::vector<int64_t> whose;
  std::vector<Looks> looks;
  Matrix embeddings(0, calibrated->photos->embedding.size());
  for (size_t i = 0; i < people.size(); ++i) {
    for (const NewTemplate& photo : people[i].templates) {
      whose.push_back(static_cast<int64_t>(i));
      looks.push_back(photo.looks);
      embeddings.append(photo.embedding);
    }
  }
  if (whose.empty()) return {};
  return compare(*calibrated->photos, summarise(whose, embeddings, looks));
}

std::optional<std::string> notice_of_enrolled(const std::optional<PhotoDifference>& difference) {
  if (!difference || !difference->unlike()) return {};
  return unlike("The enrolled photos", *difference);
}

std::optional<std::string> notice_of_gallery(const std::optional<PhotoDifference>& difference) {
  if (!difference || !difference->unlike()) return {};
  return unlike("The photos in the gallery", *difference);
}

void ProbeNotices::add(const Looks& looks, const Answer& answer) {
  if (answer.candidates.empty()) return;
  const size_t nearest = std::hash<std::string>{}(answer.candidates.front().name);
  latest_.push_back({static_cast<int64_t>(nearest), looks, answer.cohort_offset});
  if (latest_.size() > kLatest) latest_.pop_front();
}

void ProbeNotices::add_visit(const Visit& visit, const Answer& answer) {
  Answer of_visit = answer;
  of_visit.cohort_offset.reset();
  for (const VisitFace& face : visit.faces) add(face.looks, of_visit);
}

std::vector<std::string> ProbeNotices::all(const std::optional<Threshold>& calibrated,
                                           size_t people) const {
  std::vector<std::string> sentences;
  if (latest_.empty()) return sentences;
  if (calibrated && calibrated->photos) {
    std::vector<int64_t> nearest;
    std::vector<Looks> looks;
    for (const Probe& probe : latest_) {
      nearest.push_back(probe.nearest);
      looks.push_back(probe.looks);
    }
    const PhotoDifference difference = compare(*calibrated->photos, summarise(nearest, {}, looks));
    if (difference.unlike()) sentences.push_back(unlike("The photos searched for", difference));
  }
  std::map<int64_t, std::pair<double, double>> of_nearest;  // sums and numbers
  for (const Probe& probe : latest_) {
    if (!probe.cohort_offset) continue;
    of_nearest[probe.nearest].first += *probe.cohort_offset;
    of_nearest[probe.nearest].second += 1;
  }
  if (of_nearest.size() < kFewestNearest || people < kEnoughPeople) return sentences;
  const auto n = static_cast<double>(of_nearest.size());
  double offset = 0;
  for (const auto& [person, sums] : of_nearest) offset += sums.first / sums.second / n;
  const double chance = std::sqrt(1 / n + 1 / static_cast<double>(people));
  if (std::abs(offset) > kOffsetOfAny + kOffsetOfFew * chance) {
    char deviations[32];
    std::snprintf(deviations, sizeof deviations, "%.1f", std::abs(offset));
    sentences.push_back(
        std::string("People on the photos searched for lie ") +
        (offset < 0 ? "nearer to" : "farther from") + " everybody than the enrolled do (by " +
        deviations +
        " deviations): perhaps the camera, the light or the sharpness is another one than at "
        "enrolment, and people are missed more often; enrol photos taken where people are searched "
        "for");
  }
  return sentences;
}

}  // namespace doppel::internal
