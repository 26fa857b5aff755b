#include "doppel/gallery/people_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace doppel::internal {
namespace {

constexpr int64_t kNobodyLeft = -1;  // no person's number

// The mean of the first `size` distances that are taken; of fewer, where there are no more.
struct CohortMean {
  size_t size = 0, taken = 0;
  double sum = 0;
  bool full() const { return taken == size; }
  void take(double distance) {
    sum += distance;
    ++taken;
  }
  double value() const { return taken == 0 ? 0 : sum / static_cast<double>(taken); }
};

}  // namespace

// FNV-1a over words, and the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
uint64_t PeopleIndex::digest(int64_t id) const {
  uint64_t hash = 0xcbf29ce484222325;
  for (const float value : index_.embedding(id)) {
    hash = (hash ^ std::bit_cast<uint32_t>(value)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

void PeopleIndex::add(std::span<const int64_t> ids, std::span<const int64_t> people,
                      Matrix embeddings, ThreadPool& pool) {
  index_.add(ids, std::move(embeddings), pool);
  for (const int64_t id : ids) compared_.erase(id);  // an id may come back with another embedding
  adopt(ids, people);
  cohorts_.added(ids, index_, owners_, pool);
}

void PeopleIndex::adopt(std::span<const int64_t> ids, std::span<const int64_t> people) {
  for (size_t i = 0; i < ids.size(); ++i) {
    owners_.add(ids[i], people[i]);
    by_digest_.emplace(digest(ids[i]), ids[i]);
  }
}

void PeopleIndex::remove(std::span<const int64_t> ids, ThreadPool& pool) {
  if (ids.empty()) return;
  std::unordered_map<int64_t, int64_t> person_of;
  for (const int64_t id : ids) {
    if (!index_.contains(id)) continue;  // remove() says so
    by_digest_.erase({digest(id), id});
    person_of.emplace(id, owners_.person(id));
  }
  index_.remove(ids, pool);
  for (const int64_t id : ids) owners_.remove(id);
  cohorts_.removed(person_of, index_, owners_, pool);
}

void PeopleIndex::make_graph(ThreadPool& pool, const IndexProgress& progress) {
  index_.make_graph(pool, progress);
}

std::vector<PeopleIndex::Found> PeopleIndex::found(std::span<const float> probe,
                                                   std::span<const Neighbour> near,
                                                   bool scored) const {
  std::vector<Found> people;
  people.reserve(near.size());
  for (const Neighbour& neighbour : near) {
    const double nearest = neighbour.distance;
    Found person{owners_.person(neighbour.id), neighbour, nearest, nearest};
    const std::span<const int64_t> templates = owners_.templates(person.person);
    if (templates.size() > 1 && (scored || fusion_ == Fusion::mean)) {
      double mean = 0;
      for (const int64_t id : templates) {
        mean += energy_of(index_.energy(), probe, index_.embedding(id)) /
                static_cast<double>(templates.size());
      }
      if (fusion_ == Fusion::mean) person.distance = mean;
      person.compared = fusion_ == Fusion::mean ? mean : (nearest + mean) / 2;
    }
    people.push_back(person);
  }
  return people;
}

double PeopleIndex::length(double distance) const {
  switch (index_.energy().kind) {
    case EnergyKind::squared_euclidean:
      return std::sqrt(distance);
    case EnergyKind::cosine:  // the chord between two directions
      return std::sqrt(std::max(0.0, 2 * distance));
    case EnergyKind::euclidean:
    case EnergyKind::manhattan:
    case EnergyKind::weighted_l1:
      break;
  }
  return distance;
}

// The nearest other of some people is nearer than a second photo of others, the more so the more
// people there are; beside the further ones of the list, of which few can be the same person, the
// second photo stands out.
double PeopleIndex::nearness(std::span<const Neighbour> list, size_t place) const {
  const double share = 2 * strength_ - 1;  // none up to a hundred people
  CohortMean further{Cohorts::kSize};
  for (size_t i = Cohorts::kSize / 2 - 1; i < list.size(); ++i) {
    if (i != place) further.take(length(list[i].distance));
  }
  return length(list[place].distance) - share * further.value();
}

bool PeopleIndex::may_be_same(int64_t id, int64_t person) const {
  const std::span<const Neighbour> list = cohorts_.of(id);
  for (size_t i = 0; i < list.size(); ++i) {
    if (owners_.person(list[i].id) == person) return may_be_same(list, i);
  }
  return false;
}

double PeopleIndex::probe_mean(std::span<const Found> near, const Neighbour& candidate) const {
  const int64_t own = owners_.person(candidate.id);
  CohortMean mean{cohort_};
  for (const Found& other : near) {
    if (mean.full()) break;
    if (other.person == own || may_be_same(candidate.id, other.person)) continue;
    mean.take(length(other.nearest.distance));
  }
  return mean.value();
}

double PeopleIndex::template_mean(int64_t id, int64_t left_out) const {
  CohortMean mean{cohort_};
  const std::span<const Neighbour> list = cohorts_.of(id);
  for (size_t i = 0; i < list.size() && !mean.full(); ++i) {
    if (may_be_same(list, i) || owners_.person(list[i].id) == left_out) continue;
    mean.take(length(list[i].distance));
  }
  return mean.value();
}

std::vector<std::vector<PersonMatch>> PeopleIndex::search(const Matrix& probes, size_t top,
                                                          bool normalised, ThreadPool& pool) {
  size_t people = top;
  if (normalised) people = std::max(people, Cohorts::kSize);
  if (fusion_ == Fusion::mean) people = std::max(people, kMeanCandidates);
  const std::vector<std::vector<Neighbour>> near =
      nearest_people(index_, owners_, probes, people, pool);
  std::vector<std::vector<Found>> all(probes.rows);
  pool.parallel_for(probes.rows,
                    [&](size_t i, size_t) { all[i] = found(probes.row(i), near[i], normalised); });
  // By distance first: the nearest are those whose scores decide.
  const size_t compared = std::max(top, normalised ? Cohorts::kSize : 0);
  std::vector<std::vector<Found>> candidates = all;
  std::vector<int64_t> references;
  for (std::vector<Found>& of_probe : candidates) {
    std::ranges::sort(of_probe, {},
                      [](const Found& found) { return std::tuple(found.distance, found.person); });
    of_probe.resize(std::min(of_probe.size(), compared));
    for (const Found& found : of_probe) references.push_back(found.nearest.id);
  }
  if (normalised) cohorts_.make(references, index_, owners_, pool);
  std::vector<std::vector<PersonMatch>> matches(probes.rows);
  for (size_t i = 0; i < probes.rows; ++i) {
    for (const Found& found : candidates[i]) {
      PersonMatch match{found.person, found.distance, found.distance};
      if (normalised) {
        match.to_cohort = probe_mean(all[i], found.nearest);
        match.score = this->normalised(length(found.compared), match.to_cohort,
                                       template_mean(found.nearest.id, kNobodyLeft));
      }
      matches[i].push_back(match);
    }
    const auto deciding = static_cast<ptrdiff_t>(std::min(matches[i].size(), Cohorts::kSize));
    const auto lower = [](const PersonMatch& a, const PersonMatch& b) {
      return std::tuple(a.score, a.person) < std::tuple(b.score, b.person);
    };
    std::sort(matches[i].begin(), matches[i].begin() + deciding, lower);
    std::sort(matches[i].begin() + deciding, matches[i].end(), lower);
    matches[i].resize(std::min(matches[i].size(), top));
  }
  return matches;
}

PeopleIndex::Sample PeopleIndex::sample(size_t templates) const {
  Sample sample;
  std::unordered_set<int64_t> met;
  for (const auto& [ignored, id] : by_digest_) {
    if (sample.ids.size() >= templates) break;
    const int64_t person = owners_.person(id);
    if (!met.insert(person).second) continue;
    std::vector<std::pair<uint64_t, int64_t>> own;
    for (const int64_t other : owners_.templates(person)) own.emplace_back(digest(other), other);
    std::ranges::sort(own);
    own.resize(std::min(own.size(), kSearchesOfPerson));
    sample.first_of.push_back(sample.ids.size());
    for (const auto& [its_digest, other] : own) {
      sample.ids.push_back(other);
      sample.people.push_back(person);
      sample.weights.push_back(1 / static_cast<double>(own.size()));
    }
  }
  sample.first_of.push_back(sample.ids.size());
  return sample;
}

PhotoSummary PeopleIndex::photos() const {
  const Sample sample = this->sample(kSearches);
  Matrix embeddings(0, index_.size() == 0 ? 0 : index_.embedding(sample.ids.front()).size());
  for (const int64_t id : sample.ids) embeddings.append(index_.embedding(id));
  return summarise(sample.people, embeddings, {});
}

// Between all templates of the sample; those that were compared before are not compared again.
void PeopleIndex::compare(const Sample& sample, ThreadPool& pool) {
  const size_t n = sample.ids.size();
  std::vector<std::optional<size_t>> place(n);
  for (size_t i = 0; i < n; ++i) {
    const auto known = compared_.find(sample.ids[i]);
    if (known != compared_.end()) place[i] = known->second;
  }
  Matrix distances(n, n);
  pool.parallel_for(n, [&](size_t i, size_t) {
    for (size_t j = 0; j < i; ++j) {
      distances.row(i)[j] =
          place[i] && place[j]
              ? distances_.row(*place[i])[*place[j]]
              : static_cast<float>(energy_of(index_.energy(), index_.embedding(sample.ids[i]),
                                             index_.embedding(sample.ids[j])));
    }
  });
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) distances.row(j)[i] = distances.row(i)[j];
  }
  compared_.clear();
  for (size_t i = 0; i < n; ++i) compared_.emplace(sample.ids[i], i);
  distances_ = std::move(distances);
}

// Of templates that compare() has compared.
double PeopleIndex::confused_among(const Sample& sample) const {
  constexpr double kConfused = 0.01;
  std::vector<float> apart;
  for (size_t i = 0; i < sample.ids.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (sample.people[i] != sample.people[j]) apart.push_back(distances_.row(i)[j]);
    }
  }
  if (apart.empty()) return 0;
  const auto place =
      apart.begin() + static_cast<ptrdiff_t>(kConfused * static_cast<double>(apart.size()));
  std::nth_element(apart.begin(), place, apart.end());
  return *place;
}

// The scores of all ordered pairs of the sample's people.
void PeopleIndex::measure_pairs(const Sample& sample, std::span<const std::vector<Found>> near,
                                ImpostorScores& scores, ThreadPool& pool) const {
  const size_t n = sample.ids.size(), people = sample.first_of.size() - 1;
  // Where neither person is near to the other nothing is left out of a cohort.
  std::vector<double> probe_means(n), template_means(n);
  std::vector<std::vector<int64_t>> same(n);  // people
  for (size_t i = 0; i < n; ++i) {
    CohortMean mean{cohort_};
    for (const Found& other : near[i]) {
      if (!mean.full()) mean.take(length(other.nearest.distance));
    }
    probe_means[i] = mean.value();
    template_means[i] = template_mean(sample.ids[i], kNobodyLeft);
    const std::span<const Neighbour> list = cohorts_.of(sample.ids[i]);
    for (size_t k = 0; k < list.size(); ++k) {
      if (may_be_same(list, k)) same[i].push_back(owners_.person(list[k].id));
    }
  }
  const auto is_near = [&](size_t i, int64_t person) {
    return std::ranges::find(near[i], person, &Found::person) != near[i].end();
  };
  std::vector<std::vector<ImpostorScores::Search>> of_each(n);
  pool.parallel_for(n, [&](size_t i, size_t) {
    for (size_t j = 0; j < people; ++j) {
      const size_t first = sample.first_of[j], end = sample.first_of[j + 1];
      const int64_t person = sample.people[first];
      if (person == sample.people[i]) continue;
      const std::span<const float> row = distances_.row(i);
      size_t nearest = first;
      double distance = 0;
      for (size_t k = first; k < end; ++k) {
        if (row[k] < row[nearest]) nearest = k;
        distance += double{row[k]} / static_cast<double>(end - first);
      }
      if (std::ranges::count(same[i], person) +
              std::ranges::count(same[nearest], sample.people[i]) >
          0) {
        continue;
      }
      if (fusion_ == Fusion::nearest) distance = (double{row[nearest]} + distance) / 2;
      const Neighbour candidate{sample.ids[nearest], row[nearest]};
      const bool probe_near = !same[nearest].empty() || is_near(i, person);
      const bool template_near = is_near(nearest, sample.people[i]);
      const double score = normalised(
          length(distance), probe_near ? probe_mean(near[i], candidate) : probe_means[i],
          template_near ? template_mean(candidate.id, sample.people[i]) : template_means[nearest]);
      of_each[i].push_back({score, sample.weights[i]});
    }
  });
  for (const std::vector<ImpostorScores::Search>& of_one : of_each) {
    scores.pairs.insert(scores.pairs.end(), of_one.begin(), of_one.end());
  }
}

void PeopleIndex::take(const Drawn& drawn) {
  same_person_ = drawn.same_person;
  cohorts_apart_ = drawn.cohorts;
  confused_ = drawn.confused;
  strength_ = normalisation_strength(owners_.people());
  cohort_ = cohort_size(owners_.people());
}

std::optional<OwnLine> PeopleIndex::draw_line(ThreadPool& pool) {
  same_person_ = confused_ = 0;
  cohorts_apart_ = {};
  strength_ = normalisation_strength(owners_.people());
  cohort_ = cohort_size(owners_.people());
  if (owners_.people() < kFewestPeople) return {};
  const Sample sample = this->sample(kSearches);
  const size_t n = sample.ids.size();
  cohorts_.make(sample.ids, index_, owners_, pool);
  std::vector<int64_t> references;
  ImpostorScores scores;
  scores.people = owners_.people();
  scores.left_out = kLeftOut;
  for (size_t i = 0; i < n; ++i) {
    const std::span<const Neighbour> list = cohorts_.of(sample.ids[i]);
    for (const Neighbour& other : list) references.push_back(other.id);
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < list.size(); ++k) nearest = std::min(nearest, nearness(list, k));
    scores.searches.push_back({nearest, sample.weights[i]});
  }
  cohorts_.make(references, index_, owners_, pool);
  same_person_ = same_person_nearness(scores.searches);

  // Whoever may be the same person is left out with the one who searches.
  std::vector<std::vector<Found>> near(n);
  const double people = static_cast<double>(sample.first_of.size() - 1);
  std::vector<double> apart(n);
  for (size_t i = 0; i < n; ++i) {
    const std::span<const Neighbour> list = cohorts_.of(sample.ids[i]);
    const std::vector<Found> others = found(index_.embedding(sample.ids[i]), list, true);
    for (size_t k = 0; k < list.size(); ++k) {
      if (!may_be_same(list, k)) near[i].push_back(others[k]);
    }
    apart[i] = template_mean(sample.ids[i], kNobodyLeft);
    cohorts_apart_.mean += sample.weights[i] * apart[i];
    const int64_t nearest = near[i].empty() ? kNobodyLeft : near[i].front().person;
    cohorts_apart_.without_nearest +=
        sample.weights[i] * template_mean(sample.ids[i], nearest) / people;
  }
  cohorts_apart_.mean /= people;
  double squares = 0;
  for (size_t i = 0; i < n; ++i) {
    const double off = apart[i] - cohorts_apart_.mean;
    squares += sample.weights[i] * off * off;
  }
  cohorts_apart_.deviation = std::sqrt(squares / people);

  scores.searches.clear();
  for (size_t i = 0; i < n; ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const Found& other : near[i]) {
      nearest =
          std::min(nearest, normalised(length(other.compared), probe_mean(near[i], other.nearest),
                                       template_mean(other.nearest.id, sample.people[i])));
    }
    if (std::isfinite(nearest)) scores.searches.push_back({nearest, sample.weights[i]});
  }
  if (scores.searches.empty()) return {};
  // The first of them.
  const Sample pairs = this->sample(kCompared);
  compare(pairs, pool);
  confused_ = confused_among(pairs);
  measure_pairs(pairs, std::span(near).first(pairs.ids.size()), scores, pool);
  if (scores.pairs.empty()) return {};
  return OwnLine(scores);
}

}  // namespace doppel::internal
