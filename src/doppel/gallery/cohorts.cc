#include "doppel/gallery/cohorts.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace doppel::internal {
namespace {

// Enough for the few templates that people have; searched further where it is not.
constexpr size_t kFirstNeighbours = 32;

float energy_between(const TemplateIndex& index, int64_t a, int64_t b) {
  return static_cast<float>(energy_of(index.energy(), index.embedding(a), index.embedding(b)));
}

bool comes_first(const Neighbour& a, const Neighbour& b) {
  return std::tuple(a.distance, a.id) < std::tuple(b.distance, b.id);
}

}  // namespace

void TemplateOwners::add(int64_t id, int64_t person) {
  person_of_[id] = person;
  templates_of_[person].push_back(id);
}

void TemplateOwners::remove(int64_t id) {
  const auto found = person_of_.find(id);
  const auto owned = templates_of_.find(found->second);
  std::erase(owned->second, id);
  if (owned->second.empty()) templates_of_.erase(owned);
  person_of_.erase(found);
}

std::span<const int64_t> TemplateOwners::templates(int64_t person) const {
  const auto found = templates_of_.find(person);
  return found == templates_of_.end() ? std::span<const int64_t>() : found->second;
}

namespace {

// search(which, k) gives the k nearest templates of each of these probes.
template <typename Search>
std::vector<std::vector<Neighbour>> nearest_people_by(const Search& search, size_t probes,
                                                      const TemplateOwners& owners, size_t people) {
  std::vector<std::vector<Neighbour>> nearest(probes);
  std::vector<size_t> open(probes);
  for (size_t i = 0; i < open.size(); ++i) open[i] = i;
  // A person's many templates may fill the first places: then more of them are looked at.
  for (size_t k = std::max(kFirstNeighbours, 2 * people); !open.empty(); k *= 4) {
    const std::vector<std::vector<Neighbour>> near = search(open, k);
    std::vector<size_t> still;
    for (size_t i = 0; i < open.size(); ++i) {
      std::vector<Neighbour>& found = nearest[open[i]];
      found.clear();
      std::unordered_set<int64_t> met;
      for (const Neighbour& neighbour : near[i]) {
        if (found.size() == people) break;
        // The first template of a person is its nearest one.
        if (met.insert(owners.person(neighbour.id)).second) found.push_back(neighbour);
      }
      if (found.size() < people && near[i].size() == k) still.push_back(open[i]);
    }
    open = std::move(still);
  }
  return nearest;
}

}  // namespace

std::vector<std::vector<Neighbour>> nearest_people(const TemplateIndex& index,
                                                   const TemplateOwners& owners,
                                                   const Matrix& probes, size_t people,
                                                   ThreadPool& pool) {
  const auto search = [&](std::span<const size_t> which, size_t k) {
    Matrix rest(0, probes.columns);
    for (const size_t i : which) rest.append(probes.row(i));
    return index.search(rest, k, pool);
  };
  return nearest_people_by(search, probes.rows, owners, people);
}

std::vector<std::vector<Neighbour>> nearest_people(const TemplateIndex& index,
                                                   const TemplateOwners& owners,
                                                   std::span<const int64_t> templates,
                                                   size_t people, ThreadPool& pool) {
  const auto search = [&](std::span<const size_t> which, size_t k) {
    std::vector<int64_t> ids;
    for (const size_t i : which) ids.push_back(templates[i]);
    return index.search_around(ids, k, pool);
  };
  return nearest_people_by(search, templates.size(), owners, people);
}

void Cohorts::make(std::span<const int64_t> ids, const TemplateIndex& index,
                   const TemplateOwners& owners, ThreadPool& pool) {
  std::vector<int64_t> missing;
  for (const int64_t id : ids) {
    if (!lists_.contains(id)) missing.push_back(id);
  }
  std::ranges::sort(missing);
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  if (missing.empty()) return;
  // With the template's own person, who is left out.
  const std::vector<std::vector<Neighbour>> near =
      nearest_people(index, owners, missing, kKept + 1, pool);
  for (size_t i = 0; i < missing.size(); ++i) {
    List list;
    list.everybody = owners.people() <= kKept + 1;
    const int64_t own = owners.person(missing[i]);
    for (const Neighbour& neighbour : near[i]) {
      if (owners.person(neighbour.id) != own && list.near.size() < kKept) {
        list.near.push_back(neighbour);
      }
    }
    lists_.emplace(missing[i], std::move(list));
  }
}

std::span<const Neighbour> Cohorts::of(int64_t id) const {
  const std::vector<Neighbour>& near = lists_.at(id).near;
  return std::span(near).first(std::min(kSize, near.size()));
}

// Where this template of `person` is nearer than the one that stands for that person.
bool Cohorts::insert(List& list, Neighbour added, int64_t person, const TemplateOwners& owners) {
  std::vector<Neighbour>& near = list.near;
  const auto known = std::ranges::find_if(
      near, [&](const Neighbour& other) { return owners.person(other.id) == person; });
  if (known != near.end()) {
    if (!comes_first(added, *known)) return false;
    near.erase(known);
  } else if (!list.everybody && (near.empty() || added.distance >= near.back().distance)) {
    return false;
  }
  near.insert(std::ranges::upper_bound(near, added, comes_first), added);
  if (near.size() > kKept) {
    near.pop_back();
    list.everybody = false;
  }
  return true;
}

std::vector<std::pair<const int64_t, Cohorts::List>*> Cohorts::all() {
  std::vector<std::pair<const int64_t, List>*> lists;
  lists.reserve(lists_.size());
  for (auto& entry : lists_) lists.push_back(&entry);
  return lists;
}

void Cohorts::added(std::span<const int64_t> ids, const TemplateIndex& index,
                    const TemplateOwners& owners, ThreadPool& pool) {
  // Of very many it is less work to make the lists anew.
  if (ids.size() > lists_.size() / 4 + kSize) {
    lists_.clear();
    return;
  }
  const std::vector<std::pair<const int64_t, List>*> lists = all();
  pool.parallel_for(lists.size(), [&](size_t i, size_t) {
    auto& [own, list] = *lists[i];
    for (const int64_t id : ids) {
      const int64_t person = owners.person(id);
      if (person == owners.person(own)) continue;
      insert(list, {id, energy_between(index, own, id)}, person, owners);
    }
  });
}

void Cohorts::removed(const std::unordered_map<int64_t, int64_t>& person_of,
                      const TemplateIndex& index, const TemplateOwners& owners, ThreadPool& pool) {
  for (const auto& [id, person] : person_of) lists_.erase(id);
  const std::vector<std::pair<const int64_t, List>*> lists = all();
  std::vector<char> too_short(lists.size());
  pool.parallel_for(lists.size(), [&](size_t i, size_t) {
    const int64_t own = lists[i]->first;
    List& list = lists[i]->second;
    std::vector<Neighbour> others;  // who stand for their people from now on
    const double reach = list.near.empty() ? 0 : list.near.back().distance;
    std::erase_if(list.near, [&](const Neighbour& neighbour) {
      const auto gone = person_of.find(neighbour.id);
      if (gone == person_of.end()) return false;
      std::optional<Neighbour> nearest;
      for (const int64_t id : owners.templates(gone->second)) {
        const Neighbour other{id, energy_between(index, own, id)};
        if (!nearest || comes_first(other, *nearest)) nearest = other;
      }
      if (nearest && (list.everybody || nearest->distance < reach)) others.push_back(*nearest);
      return true;
    });
    for (const Neighbour& other : others) {
      list.near.insert(std::ranges::upper_bound(list.near, other, comes_first), other);
    }
    too_short[i] = !list.everybody && list.near.size() < kSize;
  });
  for (size_t i = 0; i < lists.size(); ++i) {
    if (too_short[i] != 0) lists_.erase(lists_.find(lists[i]->first));
  }
}

}  // namespace doppel::internal
