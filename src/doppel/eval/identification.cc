#include "doppel/eval/identification.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// The images of each person, persons by rising number.
using People = std::map<uint32_t, std::vector<size_t>>;

People people_of(std::span<const uint32_t> identity_of) {
  People people;
  for (size_t i = 0; i < identity_of.size(); ++i) people[identity_of[i]].push_back(i);
  return people;
}

// A person in the gallery.
struct Enrolled {
  size_t person = 0;  // number in the order of People
  const std::vector<size_t>* images = nullptr;
  std::vector<size_t> references;
};

double distance_to(const Enrolled& person, size_t probe, const ImageDistance& distance,
                   Fusion fusion) {
  double nearest = kNever, sum = 0;
  for (const size_t reference : person.references) {
    const double d = distance(probe, reference);
    nearest = std::min(nearest, d);
    sum += d;
  }
  return fusion == Fusion::nearest ? nearest : sum / static_cast<double>(person.references.size());
}

struct Probe {
  size_t image = 0;
  size_t own = 0;  // place of its person in the gallery
};

bool is_reference(const Enrolled& person, size_t image) {
  return std::ranges::find(person.references, image) != person.references.end();
}

std::vector<Probe> probes_of(const std::vector<Enrolled>& gallery) {
  std::vector<Probe> probes;
  for (size_t own = 0; own < gallery.size(); ++own) {
    for (const size_t image : *gallery[own].images) {
      if (!is_reference(gallery[own], image)) probes.push_back({image, own});
    }
  }
  return probes;
}

// Where the own person of a probe stands: behind `nearer` others, level with `tied` - 1 more.
struct Place {
  size_t nearer = 0, tied = 0;
  double own_distance = 0;
};

Place place_of(const Probe& probe, const std::vector<Enrolled>& gallery,
               const ImageDistance& distance, Fusion fusion) {
  Place place{0, 1, distance_to(gallery[probe.own], probe.image, distance, fusion)};
  for (size_t other = 0; other < gallery.size(); ++other) {
    if (other == probe.own) continue;
    const double d = distance_to(gallery[other], probe.image, distance, fusion);
    place.nearer += d < place.own_distance;
    place.tied += d == place.own_distance;
  }
  return place;
}

double share(size_t part, size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

size_t count_below(const std::vector<double>& distances, double threshold) {
  return static_cast<size_t>(
      std::ranges::count_if(distances, [=](double d) { return d < threshold; }));
}

}  // namespace

Identification identify(std::span<const uint32_t> identity_of, const ImageDistance& distance,
                        const Enrolment& enrolment, ThreadPool& pool) {
  const size_t shots = enrolment.shots;
  assert(shots >= 1);
  const People people = people_of(identity_of);
  Identification result;
  size_t rounds = 0, enough = 0;
  for (const auto& [person, images] : people) {
    result.persons.push_back(person);
    rounds = std::max(rounds, images.size());
    enough += images.size() >= shots;
  }
  if (enough < 2 || rounds <= shots) {
    throw Error(ErrorKind::bad_data,
                "identification: at least two persons with " + std::to_string(shots) +
                    " images, one of them with more, were expected, not " + std::to_string(enough) +
                    " with at most " + std::to_string(rounds));
  }
  result.right.assign(people.size(), 0);
  result.trials_of.assign(people.size(), 0);
  std::vector<double> hits(enough, 0);  // [r - 1]: probes whose person comes at rank r
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<Enrolled> enrolled;
    size_t person = 0;
    for (const auto& [identity, images] : people) {
      if (images.size() > round && images.size() >= shots) {
        Enrolled& entry = enrolled.emplace_back(Enrolled{person, &images, {}});
        for (size_t k = 0; k < shots; ++k) {
          entry.references.push_back(images[(round + k) % images.size()]);
        }
      }
      ++person;
    }
    if (enrolled.size() < 2) break;  // the later rounds have no more people
    result.ways = std::max(result.ways, enrolled.size());
    result.fewest_ways = enrolled.size();
    const std::vector<Probe> probes = probes_of(enrolled);
    std::vector<Place> places(probes.size());
    pool.parallel_for(probes.size(), [&](size_t i, size_t) {
      places[i] = place_of(probes[i], enrolled, distance, enrolment.fusion);
    });
    for (size_t i = 0; i < probes.size(); ++i) {
      const double part = 1 / static_cast<double>(places[i].tied);
      for (size_t k = 0; k < places[i].tied; ++k) hits[places[i].nearer + k] += part;
      const size_t own = enrolled[probes[i].own].person;
      if (places[i].nearer == 0) result.right[own] += part;
      ++result.trials_of[own];
    }
    result.trials += probes.size();
  }
  double sum = 0;
  for (size_t rank = 0; rank < result.ways; ++rank) {
    sum += hits[rank];
    result.rate_at_rank.push_back(std::min(1.0, sum / static_cast<double>(result.trials)));
  }
  return result;
}

OpenSet search_open_set(std::span<const uint32_t> identity_of, const ImageDistance& distance,
                        const Enrolment& enrolment, ThreadPool& pool) {
  assert(enrolment.shots >= 1);
  const People people = people_of(identity_of);
  OpenSet result;
  for (const size_t pass : {size_t{0}, size_t{1}}) {
    std::vector<Enrolled> enrolled;
    std::vector<size_t> strangers;
    size_t place = 0;
    for (const auto& [identity, images] : people) {
      if (place++ % 2 != pass) {
        strangers.insert(strangers.end(), images.begin(), images.end());
      } else if (images.size() >= enrolment.shots) {
        const auto end = images.begin() + static_cast<std::ptrdiff_t>(enrolment.shots);
        enrolled.push_back({place - 1, &images, {images.begin(), end}});
      }
    }
    if (enrolled.empty()) continue;
    result.people = std::max(result.people, enrolled.size());
    const std::vector<Probe> probes = probes_of(enrolled);
    std::vector<double> distances(probes.size() + strangers.size());
    pool.parallel_for(distances.size(), [&](size_t i, size_t) {
      if (i < probes.size()) {
        const Place own = place_of(probes[i], enrolled, distance, enrolment.fusion);
        distances[i] = own.nearer == 0 && own.tied == 1 ? own.own_distance : kNever;
        return;
      }
      distances[i] = kNever;
      for (const Enrolled& person : enrolled) {
        distances[i] = std::min(distances[i], distance_to(person, strangers[i - probes.size()],
                                                          distance, enrolment.fusion));
      }
    });
    const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(probes.size());
    result.mated.insert(result.mated.end(), distances.begin(), middle);
    result.stranger.insert(result.stranger.end(), middle, distances.end());
  }
  if (result.mated.empty() || result.stranger.empty()) {
    throw Error(ErrorKind::bad_data,
                "open-set identification: at least two persons, one of them with more than " +
                    std::to_string(enrolment.shots) + " images, were expected");
  }
  return result;
}

OpenSetPoint open_set_at(const OpenSet& searches, double threshold) {
  return {threshold, share(count_below(searches.stranger, threshold), searches.stranger.size()),
          1 - share(count_below(searches.mated, threshold), searches.mated.size()), true};
}

OpenSetPoint open_set_at_fpir(const OpenSet& searches, double fpir) {
  const std::vector<OpenSetPoint> curve = open_set_curve(searches);
  OpenSetPoint best = curve.front();
  for (const OpenSetPoint& point : curve) {
    if (point.fpir <= fpir) best = point;
  }
  best.resolved = share(1, searches.stranger.size()) <= fpir;
  return best;
}

std::vector<OpenSetPoint> open_set_curve(const OpenSet& searches) {
  assert(!searches.mated.empty() && !searches.stranger.empty());
  std::vector<double> strangers = searches.stranger, mated = searches.mated;
  std::sort(strangers.begin(), strangers.end());
  std::sort(mated.begin(), mated.end());
  std::vector<OpenSetPoint> curve;
  const auto add = [&](double threshold, size_t found) {
    const auto own = std::lower_bound(mated.begin(), mated.end(), threshold) - mated.begin();
    curve.push_back({threshold, share(found, strangers.size()),
                     1 - share(static_cast<size_t>(own), mated.size()), true});
  };
  add(0, 0);
  if (strangers.front() > 0) add(strangers.front(), 0);  // nobody is below
  for (size_t i = 0; i < strangers.size();) {
    const double distance = strangers[i];
    while (i < strangers.size() && strangers[i] == distance) ++i;
    add(i < strangers.size() ? std::midpoint(distance, strangers[i])
                             : std::nextafter(distance, kNever),
        i);
  }
  return curve;
}

}  // namespace doppel::internal
