// Whom else does a template resemble? For templates of a gallery, the nearest others of its people:
// the cohorts that normalise scores. Made when they are first asked for, kept up to date from then
// on. Inside gallery/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/index.h"

namespace doppel::internal {

// Who has which templates.
class TemplateOwners {
 public:
  void add(int64_t id, int64_t person);
  void remove(int64_t id);  // it is there
  bool contains(int64_t id) const { return person_of_.contains(id); }
  int64_t person(int64_t id) const { return person_of_.at(id); }
  // Empty where there is no such person.
  std::span<const int64_t> templates(int64_t person) const;
  size_t people() const { return templates_of_.size(); }
  size_t templates() const { return person_of_.size(); }

 private:
  std::unordered_map<int64_t, int64_t> person_of_;
  std::unordered_map<int64_t, std::vector<int64_t>> templates_of_;
};

// The nearest template of each of the `people` nearest people, nearest first; all people where
// there are fewer. One list for each row of `probes`.
std::vector<std::vector<Neighbour>> nearest_people(const TemplateIndex& index,
                                                   const TemplateOwners& owners,
                                                   const Matrix& probes, size_t people,
                                                   ThreadPool& pool);
// Of templates of the index: each is near to itself.
std::vector<std::vector<Neighbour>> nearest_people(const TemplateIndex& index,
                                                   const TemplateOwners& owners,
                                                   std::span<const int64_t> templates,
                                                   size_t people, ThreadPool& pool);

// Lists do not depend on the order in which templates came and went, as long as the index has no
// graph; one with a graph misses a neighbour now and then.
class Cohorts {
 public:
  static constexpr size_t kSize = 8;  // people of a list, but for those who are not there

  // Makes the lists of these templates that are not there yet.
  void make(std::span<const int64_t> ids, const TemplateIndex& index, const TemplateOwners& owners,
            ThreadPool& pool);
  // The nearest templates of kSize other people, nearest first. It was made.
  std::span<const Neighbour> of(int64_t id) const;

  // After these templates were added to the index.
  void added(std::span<const int64_t> ids, const TemplateIndex& index, const TemplateOwners& owners,
             ThreadPool& pool);
  // After these templates were removed from the index, and their owners' other templates are
  // known; `person` says whose they were.
  void removed(const std::unordered_map<int64_t, int64_t>& person_of, const TemplateIndex& index,
               const TemplateOwners& owners, ThreadPool& pool);
  void clear() { lists_.clear(); }
  size_t size() const { return lists_.size(); }

 private:
  // Some more than kSize, so that not every removal costs a search.
  static constexpr size_t kKept = 12;
  struct List {
    std::vector<Neighbour> near;  // nearest first, up to kKept; complete up to the last of them
    bool everybody = false;       // there is nobody else
  };
  static bool insert(List& list, Neighbour added, int64_t person, const TemplateOwners& owners);
  std::vector<std::pair<const int64_t, List>*> all();

  std::unordered_map<int64_t, List> lists_;
};

}  // namespace doppel::internal
