#include "doppel/gallery/search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "doppel/base/error.h"
#include "doppel/base/large_pages.h"

namespace doppel {
namespace {

// Enough for the few templates that people have; searched further where it is not.
constexpr size_t kFirstNeighbours = 32;

size_t strangers_chances(const GallerySettings& settings, size_t templates, size_t people) {
  return std::max<size_t>(1, settings.fusion == Fusion::mean ? people : templates);
}

}  // namespace

DecisionRule decision_rule(const GallerySettings& settings, size_t templates) {
  DecisionRule rule;
  rule.templates = templates;
  if (!settings.threshold) {
    if (!settings.distance) {
      throw Error(
          ErrorKind::bad_argument,
          settings.model_file +
              ": the gallery's model has no calibrated threshold, so "
              "strangers could not be told; set a distance (doppel gallery set --threshold), or "
              "train or calibrate the model on people kept for that");
    }
    rule.threshold = *settings.distance;
    return rule;
  }
  const FarCurve& curve = settings.threshold->curve;
  rule.far = settings.distance ? far_at(curve, *settings.distance)
                               : far_for(settings.fpir, std::max<size_t>(1, templates));
  const FarPoint point = point_at(curve, *rule.far);
  // Rarer than the curve knows: its rarest.
  if (!settings.distance) rule.far = std::max(*rule.far, curve.points.front().far);
  rule.threshold = settings.distance.value_or(point.distance);
  const size_t chances = std::max<size_t>(1, templates);
  rule.fpir = fpir_of(*rule.far, chances);
  rule.fpir_lower = fpir_of(point.lower, chances);
  rule.fpir_upper = fpir_of(point.upper, chances);
  rule.extrapolated = *rule.far < curve.resolved;
  return rule;
}

GallerySearch::GallerySearch(Gallery& gallery, ThreadPool& pool, IndexProgress progress)
    : gallery_(gallery),
      pool_(pool),
      progress_(std::move(progress)),
      index_(gallery.settings().embedding_size, gallery.settings().energy) {
  refresh();
}

bool GallerySearch::refresh() {
  behind_ = gallery_.changed() || behind_;
  if (!behind_) return false;
  std::vector<int64_t> ids;
  Matrix embeddings(0, gallery_.settings().embedding_size);
  // Growing would copy them again and again.
  if (revision_ == 0) {
    reserve_large_pages(embeddings.values, gallery_.templates() * embeddings.columns);
  }
  std::vector<std::pair<int64_t, int64_t>> owners;
  const auto take = [&](const StoredTemplate& added) {
    ids.push_back(added.id);
    owners.emplace_back(added.id, added.person);
    embeddings.columns = added.embedding.size();
    embeddings.values.insert(embeddings.values.end(), added.embedding.begin(),
                             added.embedding.end());
    ++embeddings.rows;
  };
  GalleryChanges changes = gallery_.changes_since(revision_, take);
  if (changes.revision == revision_) {
    behind_ = false;
    return false;
  }
  const bool from_nothing = model_digest_ != gallery_.settings().model_digest;
  if (from_nothing && revision_ != 0) {
    // The gallery was moved to another model: nothing of the old embeddings is worth keeping.
    revision_ = 0;
    ids.clear();
    owners.clear();
    embeddings = Matrix(0, gallery_.settings().embedding_size);
    changes = gallery_.changes_since(0, take);
  }
  if (from_nothing) {
    names_.clear();
    person_of_.clear();
    templates_of_.clear();
  } else {
    std::vector<int64_t> gone;
    for (const int64_t id : changes.removed) {
      const auto found = person_of_.find(id);
      if (found == person_of_.end()) continue;
      gone.push_back(id);
      std::erase(templates_of_[found->second], id);
      if (templates_of_[found->second].empty()) {
        templates_of_.erase(found->second);
        names_.erase(found->second);
      }
      person_of_.erase(found);
    }
    index_.remove(gone, pool_);
  }
  for (const Person& person : changes.people) names_[person.id] = person.name;
  for (const auto& [id, person] : owners) {
    person_of_[id] = person;
    templates_of_[person].push_back(id);
  }
  if (from_nothing) {
    revision_ = changes.revision;
    load(ids, std::move(embeddings));
  } else {
    index_.add(ids, std::move(embeddings), pool_, progress_);
  }
  revision_ = changes.revision;
  model_digest_ = gallery_.settings().model_digest;
  const GallerySettings& settings = gallery_.settings();
  rule_ = decision_rule(settings, strangers_chances(settings, person_of_.size(), people()));
  behind_ = false;
  return true;
}

void GallerySearch::load(std::span<const int64_t> ids, Matrix embeddings) {
  const GallerySettings& settings = gallery_.settings();
  index_ = TemplateIndex(settings.embedding_size, settings.energy);
  if (ids.size() <= kMostCompared) {
    index_.add(ids, std::move(embeddings), pool_, progress_);
    return;
  }
  const std::filesystem::path file = gallery_.index_file();
  const std::string key = gallery_.identity() + " " + std::to_string(revision_);
  TemplateIndex::Loaded loaded =
      TemplateIndex::load(file, key, ids, embeddings, settings.energy, pool_);
  if (loaded.index) {
    index_ = std::move(*loaded.index);
    return;
  }
  index_.add(ids, std::move(embeddings), pool_, progress_);
  if (!index_.has_graph()) return;
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  try {
    index_.save(file, key);
  } catch (const Error&) {
    // A folder that cannot be written costs time at the next start, nothing else.
  }
}

std::vector<Answer> GallerySearch::identify(const Matrix& probes, size_t top) const {
  const bool mean = gallery_.settings().fusion == Fusion::mean;
  size_t k = std::max(mean ? kMeanCandidates : kFirstNeighbours, 2 * top);
  std::vector<Answer> answers(probes.rows);
  std::vector<size_t> open(probes.rows);
  for (size_t i = 0; i < open.size(); ++i) open[i] = i;
  // A person's many templates may fill the first places: then more of them are looked at.
  while (!open.empty()) {
    Matrix rest(open.size(), probes.columns);
    for (size_t i = 0; i < open.size(); ++i) {
      std::ranges::copy(probes.row(open[i]), rest.row(i).begin());
    }
    const std::vector<std::vector<Neighbour>> near = index_.search(rest, k, pool_);
    std::vector<size_t> still;
    for (size_t i = 0; i < open.size(); ++i) {
      answers[open[i]] = answer(rest.row(i), near[i], top);
      const bool all = near[i].size() < k || answers[open[i]].candidates.size() >= top;
      if (!all) still.push_back(open[i]);
    }
    open = std::move(still);
    k *= 4;
  }
  return answers;
}

Answer GallerySearch::answer(std::span<const float> probe, std::span<const Neighbour> near,
                             size_t top) const {
  // The first template of a person is its nearest one.
  std::vector<std::pair<double, int64_t>> people;
  std::unordered_map<int64_t, bool> met;
  for (const Neighbour& neighbour : near) {
    const int64_t person = person_of_.at(neighbour.id);
    if (met.emplace(person, true).second) people.emplace_back(neighbour.distance, person);
  }
  if (gallery_.settings().fusion == Fusion::mean) {
    for (auto& [distance, person] : people) {
      distance = 0;
      const std::vector<int64_t>& templates = templates_of_.at(person);
      for (const int64_t id : templates) {
        distance += energy_of(index_.energy(), probe, index_.embedding(id)) /
                    static_cast<double>(templates.size());
      }
    }
    std::ranges::sort(people);
  }
  Answer answer;
  const std::optional<Threshold>& calibrated = gallery_.settings().threshold;
  for (const auto& [distance, person] : people) {
    if (answer.candidates.size() == top) break;
    Candidate candidate{names_.at(person), distance, std::nullopt, std::nullopt};
    if (calibrated) {
      candidate.far = far_at(calibrated->curve, distance);
      candidate.fpir = fpir_of(*candidate.far, rule_.templates);
    }
    answer.candidates.push_back(candidate);
  }
  answer.known = !people.empty() && people.front().first < rule_.threshold;
  return answer;
}

}  // namespace doppel
