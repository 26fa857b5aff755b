// Templates and whose they are: probes come in, the nearest people go out, by distances that are
// normalised with the people themselves, and the line between them and strangers that the people
// draw (own_line.h).
//
// Some photos are near to everybody and some to nobody. Adaptive symmetric score normalisation
// (Karam, Campbell, Dehak, "Towards reduced false-alarms using cohorts", ICASSP 2011; Matějka and
// others, "Analysis of score normalization in multilingual speaker recognition", Interspeech 2017)
// takes from the distance of probe p and person c how near p and c's template t come to others:
//   score(p, c) = d(p, t) - s (m(p) + m(t)) / 2 + s M
// where m is the mean distance to the nearest other people, cohort_size() of them, s the
// normalisation_strength() and M the mean of m over the gallery, so that scores are of the size of
// distances. Whoever may be the same person as c is in neither cohort: in a large gallery, whoever
// stands out among those near to c. Of several templates t is
// the nearest, and d lies midway between the distance to it and the mean distance to all: on LFW's
// peopleDevTrain that misses a tenth less than the nearest alone. Squared
// distances, and cosines, which are such of directions, are made lengths first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/cohorts.h"
#include "doppel/gallery/index.h"
#include "doppel/gallery/own_line.h"
#include "doppel/model/fusion.h"
#include "doppel/model/photo_summary.h"

namespace doppel::internal {

// A person as a search finds it.
struct PersonMatch {
  int64_t person = 0;
  double distance = 0;  // to the nearest template, or the mean to all
  double score = 0;     // normalised; the distance where searches are not normalised
  // The mean distance of the probe to its cohort: the nearest people but this one. As a length; 0
  // where searches are not normalised.
  double to_cohort = 0;
};

// How far the templates of a gallery are from their cohorts, as lengths.
struct CohortDistances {
  double mean = 0, deviation = 0;
  // The mean of the same templates, each without its nearest person: so far are strangers from
  // theirs, which are without whom they are taken for.
  double without_nearest = 0;
};

// Used by one thread at a time.
class PeopleIndex {
 public:
  explicit PeopleIndex(TemplateIndex index, Fusion fusion = Fusion::nearest)
      : index_(std::move(index)), fusion_(fusion) {}

  // As TemplateIndex::add(), one person for each id. Those that the index held when it came here
  // need no embeddings: adopt() says whose they are.
  void add(std::span<const int64_t> ids, std::span<const int64_t> people, Matrix embeddings,
           ThreadPool& pool);
  void adopt(std::span<const int64_t> ids, std::span<const int64_t> people);
  void remove(std::span<const int64_t> ids, ThreadPool& pool);  // as TemplateIndex::remove()
  void set_fusion(Fusion fusion) { fusion_ = fusion; }
  void make_graph(ThreadPool& pool, const IndexProgress& progress);

  // Compares the people with each other, after they have changed; the line is nothing where there
  // are fewer than kFewestPeople. About kSearches templates search, and kCompared of them are
  // compared with each other: those of the lowest digests, so that the order of enrolment does not
  // matter.
  std::optional<OwnLine> draw_line(ThreadPool& pool);
  // What draw_line() found, and the same again for the same people, without comparing them.
  struct Drawn {
    OwnLine line;
    double same_person = 0;  // people of the gallery who are nearer to each other may be one
    CohortDistances cohorts;
    double confused = 0;
  };
  Drawn drawn(const OwnLine& line) const { return {line, same_person_, cohorts_apart_, confused_}; }
  void take(const Drawn& drawn);

  // The `top` nearest people of each probe, at least 1, all where there are fewer, the one of the
  // lowest score first. By Fusion::mean the kMeanCandidates people are compared whose
  // nearest templates are nearest. `normalised`: after draw_line() has given a line; with scores
  // Cohorts::kSize people or `top` are compared, and those beyond kSize come after them. Throws as
  // TemplateIndex::search().
  std::vector<std::vector<PersonMatch>> search(const Matrix& probes, size_t top, bool normalised,
                                               ThreadPool& pool);

  const TemplateIndex& index() const { return index_; }
  const TemplateOwners& owners() const { return owners_; }
  // Of those who search in draw_line(). There is somebody.
  PhotoSummary photos() const;
  const CohortDistances& cohort_distances() const { return cohorts_apart_; }  // after draw_line()
  // Of the pairs of different people of the gallery one in a hundred is nearer to each other: the
  // FAR of one comparison is 1 %. 0 before draw_line().
  double confused_distance() const { return confused_; }

  static constexpr size_t kMeanCandidates = 32;
  static constexpr size_t kSearches = 500;
  static constexpr size_t kSearchesOfPerson = 5;
  static constexpr size_t kCompared = 250;

 private:
  struct Found {  // a person near to a probe
    int64_t person = 0;
    Neighbour nearest;
    double distance = 0;  // by the fusion
    double compared = 0;  // of which the score is made
  };
  // What draw_line() compares: templates in the order of their digests, each person's together.
  struct Sample {
    std::vector<int64_t> ids;
    std::vector<int64_t> people;   // of each template
    std::vector<double> weights;   // of each template: 1 / the person's
    std::vector<size_t> first_of;  // the first template of each person; behind them, the end
  };
  Sample sample(size_t templates) const;
  uint64_t digest(int64_t id) const;
  // `scored`: with what scores are made of.
  std::vector<Found> found(std::span<const float> probe, std::span<const Neighbour> near,
                           bool scored) const;
  void compare(const Sample& sample, ThreadPool& pool);
  double confused_among(const Sample& sample) const;
  void measure_pairs(const Sample& sample, std::span<const std::vector<Found>> near,
                     ImpostorScores& scores, ThreadPool& pool) const;

  // Of which scores are made: squares are far from normally distributed, and lines of them far too
  // strict.
  double length(double distance) const;
  // Means over a cohort: of a probe to those near to it but the candidate, and of a template to
  // those of its list but `left_out`.
  double probe_mean(std::span<const Found> near, const Neighbour& candidate) const;
  double template_mean(int64_t id, int64_t left_out) const;
  // Of a template's list of near people: how near one of them is, as a length, and in a large
  // gallery beside the further ones of the list. Below same_person_ the two may be one person.
  double nearness(std::span<const Neighbour> list, size_t place) const;
  bool may_be_same(std::span<const Neighbour> list, size_t place) const {
    return nearness(list, place) < same_person_;
  }
  bool may_be_same(int64_t id, int64_t person) const;
  double normalised(double distance, double probe_mean, double template_mean) const {
    return distance + strength_ * (cohorts_apart_.mean - (probe_mean + template_mean) / 2);
  }

  TemplateIndex index_;
  Fusion fusion_;
  TemplateOwners owners_;
  Cohorts cohorts_;
  std::set<std::pair<uint64_t, int64_t>> by_digest_;  // templates
  double same_person_ = 0;                            // as nearness()
  double strength_ = 0;
  CohortDistances cohorts_apart_;
  double confused_ = 0;
  size_t cohort_ = 0;
  // Distances between the templates that were compared last.
  std::unordered_map<int64_t, size_t> compared_;  // their rows and columns
  Matrix distances_;
};

}  // namespace doppel::internal
