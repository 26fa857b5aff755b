// Who is this? Probes' embeddings come in; for each, the nearest people of a gallery go out, and
// whether the nearest is near enough, given how many there are, to be that person at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/decision.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/index.h"
#include "doppel/gallery/people_index.h"

namespace doppel::internal {

struct Candidate {
  std::string name;
  double distance = 0;
  double score = 0;  // by which is decided: normalised where DecisionRule::normalised says so
  std::optional<double> far;  // the FAR of a comparison that comes as near, and what it makes of as
  std::optional<double> fpir;  // many as the gallery has: how often a stranger comes as near
};

struct Answer {
  std::vector<Candidate> candidates;  // different people, the one of the lowest score first
  bool known = false;                 // DecisionRule::accepts() the first one
  // How much farther the probe is from the others than the gallery's templates are from theirs
  // (PersonMatch::to_cohort), in deviations; none where searches are not normalised.
  std::optional<double> cohort_offset;
};

// A template that a search cannot compare, as a damaged gallery or an older program may hold it.
struct LeftOut {
  int64_t id = 0;
  std::string fault;  // as it stands behind "its embedding"
};
// "team.gallery: template 7 is left out of the search: its embedding is not finite"
std::string to_string(const LeftOut& left_out, const std::string& gallery);

// The gallery's templates in memory. Follows the gallery when asked to. Used by one thread at a
// time, but that another may read() meanwhile.
class GallerySearch {
 public:
  // Reads all templates, and the graph of a large gallery where Gallery::index_file() holds one of
  // this state. Throws as TemplateIndex does.
  GallerySearch(Gallery& gallery, ThreadPool& pool, size_t most_compared = kMostCompared);

  // What was changed since; nothing where nothing was. Waits for the gallery's database. Where it
  // throws, as when the server is gone, the next call gives all that was missed.
  struct Update {
    std::string identity;
    GallerySettings settings;
    GalleryChanges changes;
    std::vector<int64_t> ids;       // templates that are new
    std::vector<int64_t> owners;    // their people
    Matrix embeddings;              // theirs
    bool begun = false;             // by apply()
    size_t taken = 0;               // of the new ones, by apply()
    std::vector<LeftOut> left_out;  // new ones that are not among these
  };
  // With `surely` it looks whether or not the database has said that there is anything, which a
  // server does moments after a change.
  std::optional<Update> read(bool surely = false);
  // Takes that in, before anything else is read: all of it, or of many templates that are linked a
  // part, so that searches may come between. True when all is in.
  bool apply(Update& update);
  // Both, whole. True where anything was changed.
  bool refresh();

  // TemplateIndex::graph_due(). Until make_graph() probes are compared with all templates.
  bool graph_due() const { return people_.index().graph_due(); }
  // TemplateIndex::make_graph() on threads of the caller's. The graph is kept in the file; one that
  // cannot be written is no error.
  // Does nothing where graph_due() is false.
  void make_graph(ThreadPool& pool, const IndexProgress& progress);

  // PeopleIndex::search(), and whether the first is known. Where the rule has no source everybody
  // is unknown.
  std::vector<Answer> identify(const Matrix& probes, size_t top);

  const DecisionRule& rule() const { return rule_; }
  // Of the gallery's people to those whom the model was calibrated on; nothing where the latter are
  // not known, or there is nobody. Compared when it is first asked for.
  std::optional<PhotoDifference> photo_difference();
  // Photos that follow each other and come nearer are of one person, whoever that is: the gallery's
  // own PeopleIndex::confused_distance(), else the model's threshold, else the distance that is
  // set; 0 where there is none of them.
  double same_person_distance() const;
  const TemplateIndex& index() const { return people_.index(); }
  size_t people() const { return people_.owners().people(); }
  // In no order; their people are found by their other templates alone.
  const std::vector<LeftOut>& left_out() const { return left_out_; }

  // Of so many people the line is drawn sooner than a file is read: 0.1 s.
  static constexpr size_t kQuicklyCompared = 2000;
  // Templates that apply() links at once: at a million, some 0.1 s.
  static constexpr size_t kLinkedAtOnce = 64;

 private:
  bool starts_anew(const Update& update) const;
  void begin(Update& update);
  void forget(const Update& update);
  void load(Update& update);
  std::string index_key(int64_t revision) const;
  void draw_line();

  Gallery& gallery_;
  ThreadPool& pool_;
  size_t most_compared_;
  GallerySettings settings_;
  PeopleIndex people_;
  std::optional<OwnLine> line_;
  std::optional<PhotoDifference> photo_difference_;
  bool compared_ = false;    // so that photo_difference_ is true
  bool drawn_here_ = false;  // then the lists that it takes are there, and it is quickly drawn anew
  DecisionRule rule_;
  std::string identity_;  // of the gallery; another one where another was put in its place
  int64_t revision_ = 0;
  bool behind_ = true;                              // the gallery may have changed since
  std::unordered_map<int64_t, std::string> names_;  // of people
  std::vector<LeftOut> left_out_;
};

}  // namespace doppel::internal
