#include "doppel/gallery/search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_set>
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

std::string to_string(const LeftOut& left_out, const std::string& gallery) {
  return gallery + ": template " + std::to_string(left_out.id) +
         " is left out of the search: its embedding " + left_out.fault;
}

DecisionRule decision_rule(const GallerySettings& settings, size_t templates) {
  DecisionRule rule;
  rule.templates = templates;
  if (const auto fault = decision_fault(settings)) throw CannotDecide(*fault);
  if (!settings.threshold) {
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

GallerySearch::GallerySearch(Gallery& gallery, ThreadPool& pool, size_t most_compared)
    : gallery_(gallery),
      pool_(pool),
      most_compared_(most_compared),
      settings_(gallery.settings()),
      index_(settings_.embedding_size, settings_.energy) {
  refresh();
}

std::optional<GallerySearch::Update> GallerySearch::read(bool surely) {
  behind_ = gallery_.changed() || behind_ || surely;
  if (!behind_) return {};
  std::optional<Update> update(std::in_place);
  const auto read_since = [&](int64_t revision) {
    update->ids.clear();
    update->owners.clear();
    update->left_out.clear();
    Matrix& embeddings = update->embeddings = Matrix(0, gallery_.settings().embedding_size);
    // Growing would copy them again and again.
    if (revision == 0) {
      reserve_large_pages(embeddings.values, gallery_.templates() * embeddings.columns);
    }
    update->changes = gallery_.changes_since(revision, [&](const StoredTemplate& added) {
      if (auto fault = embedding_fault(added.embedding, gallery_.settings())) {
        update->left_out.push_back({added.id, std::move(*fault)});
        return;
      }
      update->ids.push_back(added.id);
      update->owners.emplace_back(added.id, added.person);
      embeddings.columns = added.embedding.size();
      embeddings.append(added.embedding);
    });
    update->identity = gallery_.identity();
    update->settings = gallery_.settings();
  };
  read_since(revision_);
  if (update->changes.revision == revision_ && update->identity == identity_) {
    behind_ = false;
    return {};
  }
  if (revision_ != 0 && starts_anew(*update)) read_since(0);
  return update;
}

// Where the gallery was moved to another model, or an older state of it was put in its place,
// nothing of what is held is worth keeping.
bool GallerySearch::starts_anew(const Update& update) const {
  return revision_ == 0 || settings_.model_digest != update.settings.model_digest ||
         identity_ != update.identity || update.changes.revision < revision_;
}

bool GallerySearch::apply(Update& update) {
  if (!update.begun) begin(update);
  const size_t total = update.ids.size(), first = update.taken;
  const bool loaded = index_.size() == total && person_of_.empty();  // from the file
  const bool in_parts = index_.has_graph() && !loaded;
  const size_t end = in_parts ? std::min(total, first + kLinkedAtOnce) : total;
  if (loaded) {
    // Nothing is to be added.
  } else if (first == 0 && end == total) {
    index_.add(update.ids, std::move(update.embeddings), pool_);
  } else if (first < end) {
    Matrix part(0, update.embeddings.columns);
    for (size_t i = first; i < end; ++i) part.append(update.embeddings.row(i));
    index_.add(std::span(update.ids).subspan(first, end - first), std::move(part), pool_);
  }
  for (size_t i = first; i < end; ++i) {
    const auto& [id, person] = update.owners[i];
    person_of_[id] = person;
    templates_of_[person].push_back(id);
  }
  update.taken = end;
  rule_ = decision_rule(settings_, strangers_chances(settings_, person_of_.size(), people()));
  if (end < total) return false;
  revision_ = update.changes.revision;
  behind_ = false;
  return true;
}

// All but the new templates.
void GallerySearch::begin(Update& update) {
  update.begun = true;
  if (starts_anew(update)) {
    names_.clear();
    person_of_.clear();
    templates_of_.clear();
    left_out_.clear();
    settings_ = update.settings;
    identity_ = update.identity;
    revision_ = 0;
    load(update);
  } else {
    forget(update);
    settings_ = update.settings;
  }
  std::ranges::move(update.left_out, std::back_inserter(left_out_));
  std::unordered_set<int64_t> owners;
  for (const auto& [id, person] : update.owners) owners.insert(person);
  for (const Person& person : update.changes.people) {
    if (templates_of_.contains(person.id) || owners.contains(person.id)) {
      names_[person.id] = person.name;
    }
  }
}

// What is gone, and what is learnt again: a template of another person now.
void GallerySearch::forget(const Update& update) {
  std::vector<int64_t> gone;
  const auto forget_one = [&](int64_t id) {
    std::erase_if(left_out_, [id](const LeftOut& left_out) { return left_out.id == id; });
    const auto found = person_of_.find(id);
    if (found == person_of_.end()) return;
    gone.push_back(id);
    std::erase(templates_of_[found->second], id);
    if (templates_of_[found->second].empty()) {
      templates_of_.erase(found->second);
      names_.erase(found->second);
    }
    person_of_.erase(found);
  };
  for (const int64_t id : update.changes.removed) forget_one(id);
  for (const int64_t id : update.ids) forget_one(id);
  for (const LeftOut& left_out : update.left_out) forget_one(left_out.id);
  index_.remove(gone, pool_);
}

bool GallerySearch::refresh() {
  std::optional<Update> update = read();
  if (!update) return false;
  while (!apply(*update)) {
  }
  return true;
}

std::string GallerySearch::index_key(int64_t revision) const {
  return identity_ + " " + std::to_string(revision);
}

// The index of the file where that is of this state, with all templates, else one without any.
void GallerySearch::load(Update& update) {
  index_ = TemplateIndex(settings_.embedding_size, settings_.energy, IndexKind::automatic,
                         most_compared_);
  if (update.ids.size() <= most_compared_) return;
  TemplateIndex::Loaded loaded = TemplateIndex::load(
      gallery_.index_file(), index_key(update.changes.revision), update.ids, update.embeddings,
      settings_.energy, pool_, IndexKind::automatic, most_compared_);
  if (loaded.index) index_ = std::move(*loaded.index);
}

void GallerySearch::make_graph(ThreadPool& pool, const IndexProgress& progress) {
  if (!graph_due()) return;
  index_.make_graph(pool, progress);
  const std::filesystem::path file = gallery_.index_file();
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  try {
    index_.save(file, index_key(revision_));
  } catch (const Error&) {
    // A folder that cannot be written costs time at the next start, nothing else.
  }
}

std::vector<Answer> GallerySearch::identify(const Matrix& probes, size_t top) const {
  const bool mean = settings_.fusion == Fusion::mean;
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
  if (settings_.fusion == Fusion::mean) {
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
  const std::optional<Threshold>& calibrated = settings_.threshold;
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
