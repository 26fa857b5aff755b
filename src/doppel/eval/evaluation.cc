#include "doppel/eval/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kPlotPoints = 500;

// Every pair with its persons, in the order of Distances.
template <typename Use>
void for_each_pair(size_t images, const Use& use) {
  size_t pair = 0;
  for (size_t a = 0; a < images; ++a) {
    for (size_t b = a + 1; b < images; ++b, ++pair) use(pair, a, b);
  }
}

DistanceHistogram histogram_of(const ScoredPairs& pairs) {
  const auto [least, most] = std::ranges::minmax_element(pairs.distance);
  DistanceHistogram histogram{double{*least}, double{*most}, {}, {}};
  const double width = (histogram.most - histogram.least) / static_cast<double>(kHistogramBins);
  for (size_t i = 0; i < pairs.distance.size(); ++i) {
    const double bins = width > 0 ? (double{pairs.distance[i]} - histogram.least) / width : 0;
    const size_t bin = std::min(static_cast<size_t>(bins), kHistogramBins - 1);
    ++(pairs.genuine[i] ? histogram.genuine : histogram.impostor)[bin];
  }
  return histogram;
}

// The kHardPairs hardest pairs of a kind among those that were added.
class HardestPairs {
 public:
  explicit HardestPairs(bool genuine) : genuine_(genuine) {}

  void add(const HardPair& pair) {
    if (pairs_.size() == kHardPairs && !harder(pair, pairs_.back())) return;
    if (pairs_.size() == kHardPairs) pairs_.pop_back();
    const auto place = std::ranges::upper_bound(
        pairs_, pair, [this](const HardPair& p, const HardPair& q) { return harder(p, q); });
    pairs_.insert(place, pair);
  }
  const std::vector<HardPair>& pairs() const { return pairs_; }

 private:
  bool harder(const HardPair& p, const HardPair& q) const {
    return genuine_ ? p.distance > q.distance : p.distance < q.distance;
  }

  bool genuine_;
  std::vector<HardPair> pairs_;  // the hardest first
};

std::vector<ShotRate> k_shot_rates(std::span<const uint32_t> identity_of, size_t persons,
                                   const ImageDistance& distance, const Identification& one_shot,
                                   ThreadPool& pool) {
  std::vector<ShotRate> rates = {
      {1, one_shot.rate_at_rank.front(), one_shot.ways, one_shot.trials}};
  std::vector<size_t> images(persons, 0);
  for (const uint32_t identity : identity_of) ++images[identity];
  for (const size_t shots : {size_t{3}, size_t{5}}) {
    const auto enough = std::ranges::count_if(images, [=](size_t n) { return n >= shots; });
    if (enough < 2 || *std::ranges::max_element(images) <= shots) break;
    const Identification result = identify(identity_of, distance, {shots, Fusion::nearest}, pool);
    rates.push_back({shots, result.rate_at_rank.front(), result.ways, result.trials});
  }
  return rates;
}

// For a plot with a logarithmic axis: the first point and the last, and between them steps of one
// factor in the FPIR.
std::vector<OpenSetPoint> thinned_open_set(const std::vector<OpenSetPoint>& curve) {
  if (curve.size() <= kPlotPoints) return curve;
  const auto first = std::ranges::find_if(curve, [](const OpenSetPoint& p) { return p.fpir > 0; });
  std::vector<OpenSetPoint> kept = {curve.front()};
  const double stride = -std::log(first->fpir) / static_cast<double>(kPlotPoints);
  double next = std::log(first->fpir);
  for (const OpenSetPoint& point : curve) {
    if (point.fpir == 0 || std::log(point.fpir) < next) continue;
    kept.push_back(point);
    next = std::log(point.fpir) + stride;
  }
  if (kept.back().threshold != curve.back().threshold) kept.push_back(curve.back());
  return kept;
}

std::vector<PersonFigures> person_figures(const Distances& distances,
                                          std::span<const uint32_t> identity_of,
                                          std::span<const std::string> names, double threshold,
                                          const Identification& one_shot) {
  std::vector<PersonFigures> persons(names.size());
  std::vector<size_t> misses(names.size(), 0);
  for (size_t i = 0; i < names.size(); ++i) persons[i].name = names[i];
  for (const uint32_t identity : identity_of) ++persons[identity].images;
  for_each_pair(distances.images, [&](size_t pair, size_t a, size_t b) {
    if (identity_of[a] != identity_of[b]) return;
    PersonFigures& person = persons[identity_of[a]];
    const auto distance = double{distances.values[pair]};
    ++person.genuine;
    misses[identity_of[a]] += !(distance < threshold);
    if (!person.worst || distance > person.worst->distance) person.worst = {a, b, distance};
  });
  for (size_t i = 0; i < persons.size(); ++i) {
    if (persons[i].genuine == 0) continue;
    persons[i].fnmr = static_cast<double>(misses[i]) / static_cast<double>(persons[i].genuine);
  }
  for (size_t i = 0; i < one_shot.persons.size(); ++i) {
    PersonFigures& person = persons[one_shot.persons[i]];
    person.one_shot_trials = one_shot.trials_of[i];
    person.one_shot_errors = static_cast<double>(one_shot.trials_of[i]) - one_shot.right[i];
  }
  return persons;
}

nlohmann::json json_of(const Interval& interval) { return {interval.lower, interval.upper}; }

nlohmann::json json_of(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json json_of(const HardPair& pair) {
  return {{"a", pair.a}, {"b", pair.b}, {"distance", pair.distance}};
}

nlohmann::json json_of(const OpenSetPoint& point) {
  return {{"threshold", point.threshold}, {"fpir", point.fpir}, {"fnir", point.fnir}};
}

template <typename T>
nlohmann::json array_of(const std::vector<T>& items) {
  nlohmann::json array = nlohmann::json::array();
  for (const T& item : items) array.push_back(json_of(item));
  return array;
}

nlohmann::json verification_json(const Evaluation& e) {
  const Verification& v = e.verification;
  nlohmann::json json = {
      {"pairs", {{"genuine", v.genuine}, {"impostor", v.impostor}}},
      {"mean_distance",
       {{"genuine", v.mean_genuine_distance}, {"impostor", v.mean_impostor_distance}}},
      {"collapsed", v.collapsed},
      {"eer", v.eer},
      {"eer_threshold", v.eer_threshold},
      {"auc", v.auc},
      {"d_prime", json_of(v.d_prime)},
      {"best_accuracy",
       {{"accuracy", v.best_accuracy.accuracy}, {"threshold", v.best_accuracy.threshold}}},
      {"ci", {{"eer", json_of(e.intervals.eer)}, {"auc", json_of(e.intervals.auc)}}}};
  json["tar_at_far"] = nlohmann::json::array();
  for (size_t i = 0; i < kFarLevels.size(); ++i) {
    const TarAtFar& tar = v.tar_at_far[i];
    json["tar_at_far"].push_back({{"far", tar.far},
                                  {"tar", tar.tar},
                                  {"threshold", tar.threshold},
                                  {"resolved", tar.resolved},
                                  {"ci", json_of(e.intervals.tar_at_far[i])}});
  }
  json["roc"] = json["det"] = nlohmann::json::array();
  for (const OperatingPoint& point : e.curve) {
    json["roc"].push_back({{"threshold", point.threshold}, {"far", point.far}, {"tar", point.tar}});
    json["det"].push_back({{"far", point.far}, {"fnmr", 1 - point.tar}});
  }
  const ThresholdCounts& counts = e.counts;
  json["at_threshold"] = {
      {"threshold", e.threshold},
      {"calibrated", e.calibrated},
      {"accuracy", counts.accuracy()},
      {"precision", json_of(counts.precision())},
      {"tar", counts.recall()},
      {"far", static_cast<double>(counts.false_accepts) / static_cast<double>(v.impostor)},
      {"false_accepts", counts.false_accepts},
      {"false_rejects", counts.false_rejects}};
  return json;
}

nlohmann::json identification_json(const Evaluation& e) {
  nlohmann::json open_set = {{"curve", array_of(e.open_set)},
                             {"at_threshold", json_of(e.open_set_at_threshold)},
                             {"at_fpir_1pct", json_of(e.open_set_at_fpir_1pct)},
                             {"mated_searches", e.mated_searches},
                             {"stranger_searches", e.stranger_searches}};
  open_set["at_fpir_1pct"]["resolved"] = e.open_set_at_fpir_1pct.resolved;
  nlohmann::json k_shot = nlohmann::json::array();
  for (const ShotRate& rate : e.k_shot) {
    k_shot.push_back({{"shots", rate.shots},
                      {"accuracy", rate.accuracy},
                      {"ways", rate.ways},
                      {"trials", rate.trials}});
  }
  return {{"one_shot",
           {{"accuracy", e.identification.rate_at_rank.front()},
            {"ways", e.identification.ways},
            {"fewest_ways", e.identification.fewest_ways},
            {"trials", e.identification.trials},
            {"ci", json_of(e.one_shot)}}},
          {"cmc", e.identification.rate_at_rank},
          {"k_shot", std::move(k_shot)},
          {"open_set", std::move(open_set)}};
}

}  // namespace

Evaluation evaluate(const Distances& distances, std::span<const uint32_t> identity_of,
                    std::span<const std::string> names, const EvaluationSettings& settings,
                    ThreadPool& pool) {
  for (const uint32_t identity : identity_of) {
    if (identity >= names.size()) {
      throw Error(ErrorKind::mismatch, "evaluation: an image of person " +
                                           std::to_string(identity) + ", there are names of " +
                                           std::to_string(names.size()));
    }
  }
  const Bootstrap& bootstrap = settings.bootstrap;
  bootstrap.check_stop();
  const ScoredPairs pairs = score_pairs(distances, identity_of);
  const std::vector<OperatingPoint> roc = roc_curve(pairs);
  std::vector<PairPersons> persons;
  persons.reserve(pairs.distance.size());
  HardestPairs genuine(true), impostor(false);
  for_each_pair(distances.images, [&](size_t pair, size_t a, size_t b) {
    persons.push_back({identity_of[a], identity_of[b]});
    (pairs.genuine[pair] ? genuine : impostor).add({a, b, double{pairs.distance[pair]}});
  });

  Evaluation result;
  result.verification = measure_verification(pairs, roc);
  result.intervals = bootstrap_verification(pairs, persons, bootstrap, pool);
  result.curve = thinned(roc, kPlotPoints);
  result.calibrated = settings.threshold.has_value();
  result.threshold = settings.threshold.value_or(result.verification.eer_threshold);
  result.counts = at_threshold(pairs, result.threshold);
  result.histogram = histogram_of(pairs);
  result.hardest_genuine = genuine.pairs();
  result.hardest_impostor = impostor.pairs();

  bootstrap.check_stop();
  const ImageDistance distance = std::cref(distances);
  result.identification = identify(identity_of, distance, {}, pool);
  result.one_shot =
      bootstrap_rate(result.identification.right, result.identification.trials_of, bootstrap, pool);
  result.k_shot = k_shot_rates(identity_of, names.size(), distance, result.identification, pool);
  bootstrap.check_stop();
  const OpenSet searches = search_open_set(identity_of, distance, {}, pool);
  result.open_set = thinned_open_set(open_set_curve(searches));
  result.open_set_at_threshold = open_set_at(searches, result.threshold);
  result.open_set_at_fpir_1pct = open_set_at_fpir(searches, 0.01);
  result.mated_searches = searches.mated.size();
  result.stranger_searches = searches.stranger.size();
  result.persons =
      person_figures(distances, identity_of, names, result.threshold, result.identification);
  return result;
}

nlohmann::json to_json(const Evaluation& evaluation) {
  nlohmann::json json = verification_json(evaluation);
  json.update(identification_json(evaluation));
  const DistanceHistogram& histogram = evaluation.histogram;
  json["histogram"] = {{"least", histogram.least},
                       {"most", histogram.most},
                       {"genuine", histogram.genuine},
                       {"impostor", histogram.impostor}};
  json["hardest"] = {{"genuine", array_of(evaluation.hardest_genuine)},
                     {"impostor", array_of(evaluation.hardest_impostor)}};
  json["persons"] = nlohmann::json::array();
  for (const PersonFigures& person : evaluation.persons) {
    json["persons"].push_back({{"name", person.name},
                               {"images", person.images},
                               {"genuine", person.genuine},
                               {"fnmr", json_of(person.fnmr)},
                               {"one_shot_trials", person.one_shot_trials},
                               {"one_shot_errors", person.one_shot_errors},
                               {"worst", person.worst ? json_of(*person.worst) : nullptr}});
  }
  return json;
}

}  // namespace doppel::internal
