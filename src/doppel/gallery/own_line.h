// Where a gallery draws the line between its people and strangers, from its own people alone: each
// of them is a stranger to the gallery without that person, and what such searches find is what a
// stranger's search will find. Nothing else is known of the cameras that it is used with.
//
// Two readings are joined. One takes a normal distribution through the lower quantiles of what the
// people's own searches find, and holds for any number of people, but is noisy for few; the other
// takes one of the scores of all pairs, which are many, and where N independent comparisons would
// give the wanted rate, which holds for few people alone: by all pairs, or by the lower ones where
// these are nearer than that. The first has the weight N / (N + 100).
// What is fixed here was chosen on LFW's peopleDevTrain and on the AT&T faces, with dlib's network;
// docs/results.md has what it gives on others.
#pragma once

#include <cstddef>
#include <vector>

namespace doppel::internal {

// A gallery of fewer people says too little of strangers to draw a line by itself.
inline constexpr size_t kFewestPeople = 8;
// From here on it decides by its own line alone; below, the model's calibration may only make the
// line stricter.
inline constexpr size_t kEnoughPeople = 20;

// What the people of a gallery are to each other. Scores are distances, normalised or not.
struct ImpostorScores {
  size_t people = 0;  // of the gallery
  struct Search {
    double nearest = 0;  // score of the nearest person, of the gallery without the one who searches
    double weight = 1;   // of one person's searches together: 1
  };
  std::vector<Search> searches;
  double left_out =
      0;  // the share of them whose nearest was left out, as it may be the same person
  std::vector<Search> pairs;  // the scores of all ordered pairs of people
};

class OwnLine {
 public:
  // There is at least one search and one pair.
  explicit OwnLine(const ImpostorScores& scores);

  // The score below which a stranger's search finds somebody at this rate. `fpir` in 0 .. 1,
  // exclusive.
  double threshold(double fpir) const;
  // The rate of this score: the inverse of threshold(), between 1e-9 and 1 - 1e-9.
  double fpir(double score) const;

  // Nine in ten galleries of so many people, with the line for `fpir`, have an FPIR in it: measured
  // with 8 to 1000 people.
  struct Interval {
    double lower = 0, upper = 0;
  };
  Interval interval(double fpir) const;
  // So few people cannot show so rare a rate: it is extrapolated.
  bool extrapolated(double fpir) const { return fpir * numbers_.searched < 1; }

  // All that it consists of.
  struct Numbers {
    double people = 0, searched = 0;
    double middle = 0, slope = 0;            // of the normal distribution of searches
    double pair_middle = 0, pair_slope = 0;  // of all pairs
    double near_middle = 0, near_slope = 0;  // of the lower ones
  };
  const Numbers& numbers() const { return numbers_; }
  explicit OwnLine(const Numbers& numbers) : numbers_(numbers) {}

 private:
  Numbers numbers_;
};

// The rate at which different people are taken for those who may be one, by how near they are to
// each other (people_index.h). The larger it is, the less do people who are enrolled under two
// names change the line, and the more of the line's own tail is gone.
inline constexpr double kMayBeSame = 0.007;
// The share of searches whose nearest is left out for it: the tail is heavier than the normal
// distribution that the rate is one of.
inline constexpr double kLeftOut = 1.5 * kMayBeSame;
// Below it two people of a gallery may be one: at that rate the nearest ones of its people's
// searches are. `nearest`: the lowest of each search, at least one search.
double same_person_nearness(std::vector<ImpostorScores::Search> nearest);

// The share of a score's cohort means that is taken from it, by the number of people: a half up to
// a hundred, all of them from six hundred on.
double normalisation_strength(size_t people);
// Of how many people a cohort consists: three, from two hundred on four.
size_t cohort_size(size_t people);

}  // namespace doppel::internal
