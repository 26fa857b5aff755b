#include "doppel/eval/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

struct EmbeddedPeople {
  Matrix embeddings;
  std::vector<uint32_t> identity_of;
  std::vector<std::string> names;
};

// Persons are points of a normal law, their images are normal about them.
EmbeddedPeople embedded_people(uint32_t seed, size_t count, size_t images) {
  Random random(seed, Purpose::sample);
  EmbeddedPeople people{Matrix(count * images, 6), {}, {}};
  for (size_t person = 0; person < count; ++person) {
    people.names.push_back(std::string(1, static_cast<char>('a' + person)));
    std::array<double, 6> centre;
    for (double& value : centre) value = random.normal();
    for (size_t image = person * images; image < (person + 1) * images; ++image) {
      people.identity_of.push_back(static_cast<uint32_t>(person));
      for (size_t k = 0; k < 6; ++k) {
        people.embeddings.row(image)[k] = static_cast<float>(centre[k] + 0.5 * random.normal());
      }
    }
  }
  return people;
}

Evaluation evaluation_of(const EmbeddedPeople& people, std::optional<double> threshold,
                         int threads) {
  ThreadPool pool(threads);
  return evaluate(all_distances(people.embeddings, pool), people.identity_of, people.names,
                  {threshold, {100, 1}}, pool);
}

TEST(Evaluation, TheSumsOfItsPartsAgree) {
  const EmbeddedPeople people = embedded_people(1, 10, 7);
  const Evaluation e = evaluation_of(people, 2.0, 1);
  EXPECT_TRUE(e.calibrated);
  EXPECT_EQ(e.threshold, 2);
  const size_t genuine = 10 * 21, impostor = 45 * 49;
  EXPECT_EQ(e.verification.genuine, genuine);
  EXPECT_EQ(e.counts.true_accepts + e.counts.false_rejects, genuine);
  EXPECT_EQ(std::reduce(e.histogram.genuine.begin(), e.histogram.genuine.end()), genuine);
  EXPECT_EQ(std::reduce(e.histogram.impostor.begin(), e.histogram.impostor.end()), impostor);
  EXPECT_GT(e.histogram.impostor.back(), 0u);  // the largest distance
  EXPECT_LE(e.intervals.eer.lower, e.verification.eer);
  EXPECT_GE(e.intervals.eer.upper, e.verification.eer);
  EXPECT_LE(e.one_shot.lower, e.identification.rate_at_rank[0]);
  EXPECT_GE(e.one_shot.upper, e.identification.rate_at_rank[0]);

  ASSERT_EQ(e.persons.size(), 10u);
  double misses = 0, errors = 0;
  double worst = 0;
  for (const PersonFigures& person : e.persons) {
    EXPECT_EQ(person.images, 7u);
    EXPECT_EQ(person.genuine, 21u);
    EXPECT_EQ(person.one_shot_trials, 42u);
    misses += person.fnmr.value() * 21;
    errors += person.one_shot_errors;
    worst = std::max(worst, person.worst.value().distance);
  }
  EXPECT_NEAR(misses, static_cast<double>(e.counts.false_rejects), 1e-9);
  EXPECT_NEAR(1 - errors / 420, e.identification.rate_at_rank[0], 1e-12);
  EXPECT_EQ(worst, e.hardest_genuine[0].distance);

  ASSERT_EQ(e.k_shot.size(), 3u);
  EXPECT_EQ(e.k_shot[0].accuracy, e.identification.rate_at_rank[0]);
  EXPECT_EQ(e.k_shot[2].shots, 5u);
  EXPECT_GT(e.k_shot[2].accuracy, e.k_shot[0].accuracy);
  EXPECT_EQ(e.mated_searches, 60u);
  EXPECT_EQ(e.stranger_searches, 70u);
}

TEST(Evaluation, TheHardestPairsAreThoseOfASort) {
  const EmbeddedPeople people = embedded_people(2, 6, 5);
  ThreadPool pool(1);
  const Distances distances = all_distances(people.embeddings, pool);
  const Evaluation e = evaluation_of(people, std::nullopt, 1);
  for (const bool genuine : {true, false}) {
    std::vector<HardPair> pairs;
    for (size_t a = 0; a < 30; ++a) {
      for (size_t b = a + 1; b < 30; ++b) {
        if ((people.identity_of[a] == people.identity_of[b]) == genuine) {
          pairs.push_back({a, b, distances(a, b)});
        }
      }
    }
    std::stable_sort(pairs.begin(), pairs.end(), [&](const HardPair& p, const HardPair& q) {
      return genuine ? p.distance > q.distance : p.distance < q.distance;
    });
    pairs.resize(12);
    EXPECT_EQ(genuine ? e.hardest_genuine : e.hardest_impostor, pairs);
  }
}

TEST(Evaluation, WithoutAThresholdItIsTheEqualErrorRates) {
  const Evaluation e = evaluation_of(embedded_people(3, 6, 4), std::nullopt, 1);
  EXPECT_FALSE(e.calibrated);
  EXPECT_EQ(e.threshold, e.verification.eer_threshold);
  EXPECT_EQ(e.k_shot.size(), 2u);  // four images are too few for five
}

TEST(Evaluation, DoesNotDependOnThreads) {
  const EmbeddedPeople people = embedded_people(4, 12, 4);
  EXPECT_EQ(to_json(evaluation_of(people, 1.5, 1)).dump(),
            to_json(evaluation_of(people, 1.5, 3)).dump());
}

TEST(Evaluation, JsonHoldsItsFigures) {
  const Evaluation e = evaluation_of(embedded_people(5, 26, 8), 1.5, 2);
  const nlohmann::json json = nlohmann::json::parse(to_json(e).dump());
  EXPECT_EQ(json["eer"], e.verification.eer);
  EXPECT_EQ(json["ci"]["eer"][1], e.intervals.eer.upper);
  EXPECT_EQ(json["tar_at_far"].size(), 4u);
  EXPECT_EQ(json["tar_at_far"][1]["far"], 0.01);
  EXPECT_EQ(json["tar_at_far"][3]["resolved"], true);  // 20,800 impostor pairs
  EXPECT_EQ(json["at_threshold"]["calibrated"], true);
  EXPECT_EQ(json["at_threshold"]["accuracy"], e.counts.accuracy());
  EXPECT_LE(json["roc"].size(), 500u);
  EXPECT_GE(json["roc"].size(), 250u);
  EXPECT_EQ(json["roc"].front()["tar"], 0);
  EXPECT_EQ(json["det"].back()["fnmr"], 0);
  EXPECT_EQ(json["histogram"]["genuine"].size(), 60u);
  EXPECT_EQ(json["cmc"].size(), 26u);
  EXPECT_EQ(json["one_shot"]["ci"][0], e.one_shot.lower);
  EXPECT_LE(json["open_set"]["curve"].size(), 502u);
  EXPECT_EQ(json["open_set"]["curve"].back()["fpir"], 1);
  EXPECT_EQ(json["hardest"]["impostor"].size(), 12u);
  EXPECT_EQ(json["persons"][25]["name"], "z");
  EXPECT_TRUE(json["persons"][0]["worst"]["distance"].is_number());
}

TEST(Evaluation, APersonWithASingleImageHasNoPairs) {
  EmbeddedPeople people = embedded_people(6, 3, 3);
  people.embeddings = Matrix(4, 6);
  people.embeddings.values[0] = 1;
  people.identity_of = {0, 1, 1, 2};
  people.names = {"lone", "pair", "other", "nobody"};
  const Evaluation e = evaluation_of(people, 0.5, 1);
  EXPECT_EQ(e.persons[0].fnmr, std::nullopt);
  EXPECT_EQ(e.persons[1].fnmr, 0);
  EXPECT_EQ(e.persons[3].images, 0u);
  const nlohmann::json json = to_json(e);
  EXPECT_TRUE(json["persons"][0]["fnmr"].is_null());
  EXPECT_TRUE(json["persons"][0]["worst"].is_null());
  EXPECT_EQ(json["hardest"]["genuine"].size(), 1u);
}

TEST(Evaluation, RefusesPersonsWithoutNames) {
  EmbeddedPeople people = embedded_people(7, 3, 3);
  people.names.pop_back();
  EXPECT_THROW(evaluation_of(people, std::nullopt, 1), Error);
  people = embedded_people(7, 3, 3);
  people.identity_of.pop_back();
  EXPECT_THROW(evaluation_of(people, std::nullopt, 1), Error);
}

}  // namespace
}  // namespace doppel::internal
