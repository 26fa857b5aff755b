#include "doppel/gallery/open_set.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/gallery/people_index.h"
#include "doppel/model/mean_embedding.h"

namespace doppel::internal {
namespace {

// Draws that have nobody to search for.
constexpr size_t kMostInVain = 100;

constexpr double kMissed = std::numeric_limits<double>::infinity();

struct PersonPhotos {
  int64_t number = 0;
  std::vector<size_t> photos;    // to enrol, and to search for where nothing else is
  std::vector<size_t> searched;  // of OpenSetPlan::searched_from
};

// What one draw searches for: rows of `probes`, each of a person; a visit's photos are its own.
struct Searches {
  Matrix probes;
  std::vector<int64_t> people;
  std::vector<std::vector<size_t>> photos;

  void add(const Matrix& embeddings, int64_t person, std::vector<size_t> rows) {
    probes.append(mean_embedding(embeddings, rows));
    people.push_back(person);
    photos.push_back(std::move(rows));
  }
};

class Draw {
 public:
  Draw(const Matrix& embeddings, const GallerySettings& settings, const OpenSetPlan& plan,
       ThreadPool& pool)
      : embeddings_(embeddings),
        settings_(settings),
        plan_(plan),
        pool_(pool),
        gallery_(TemplateIndex(embeddings.columns, settings.energy, IndexKind::exact),
                 plan.enrolment.fusion) {
    mated_.probes = strangers_.probes = Matrix(0, embeddings.columns);
  }

  // `people` in the order of the draw, each with photos in that order.
  void fill(std::span<const PersonPhotos> people, size_t enrolled) {
    std::vector<int64_t> ids, owners;
    Matrix templates(0, embeddings_.columns);
    const size_t shots = plan_.enrolment.shots;
    size_t known = 0;
    for (const PersonPhotos& person : people) {
      const bool enrol = known < enrolled && person.photos.size() >= shots;
      known += enrol ? 1 : 0;
      for (size_t i = 0; enrol && i < shots; ++i) {
        ids.push_back(static_cast<int64_t>(person.photos[i]));
        owners.push_back(person.number);
        templates.append(embeddings_.row(person.photos[i]));
      }
      const std::span<const size_t> others =
          plan_.searched_from ? std::span(person.searched)
                              : std::span(person.photos).subspan(enrol ? shots : 0);
      for (size_t i = 0; i + plan_.visit <= others.size(); i += plan_.visit) {
        const std::span<const size_t> visit = others.subspan(i, plan_.visit);
        (enrol ? mated_ : strangers_).add(embeddings_, person.number, {visit.begin(), visit.end()});
      }
    }
    gallery_.add(ids, owners, std::move(templates), pool_);
  }

  OpenSetDraw measure() {
    OpenSetDraw draw;
    GallerySettings settings = settings_;
    settings.fusion = plan_.enrolment.fusion;
    const std::optional<OwnLine> line =
        settings.distance ? std::nullopt : gallery_.draw_line(pool_);
    draw.rule =
        decision_rule(settings, gallery_.owners().people(), gallery_.owners().templates(), line);
    rule_ = &draw.rule;
    OpenSet scores;
    scores.mated = search(mated_, true, draw.decided.fnir, &draw.rank_1);
    scores.stranger = search(strangers_, false, draw.decided.fpir, nullptr);
    draw.decided.threshold = draw.rule.threshold;
    draw.best = open_set_at_fpir(scores, settings.fpir);
    if (draw.rule.normalised) {
      draw.plain = open_set_at_fpir({plain(mated_, true), plain(strangers_, false)}, settings.fpir);
    } else {
      draw.plain = draw.best;
    }
    draw.any_fpir = plan_.visit > 1 ? any_accepted(strangers_, false) : draw.decided.fpir;
    draw.any_fnir = plan_.visit > 1 ? 1 - any_accepted(mated_, true) : draw.decided.fnir;
    return draw;
  }

  // Searches of both kinds; few people may have no photo left.
  bool whole() const { return !mated_.people.empty() && !strangers_.people.empty(); }
  size_t mated() const { return mated_.people.size(); }
  size_t strangers() const { return strangers_.people.size(); }

 private:
  bool accepts(const PersonMatch& match) const {
    return rule_->accepts(match.distance, match.score);
  }

  // The first one's scores, infinite where it is not the right person. `rate`: of mated searches
  // those that are missed, of strangers' those that find somebody.
  std::vector<double> search(const Searches& searches, bool mated, double& rate, double* rank_1) {
    const auto found = gallery_.search(searches.probes, 1, rule_->normalised, pool_);
    std::vector<double> scores;
    const double part = 1 / static_cast<double>(found.size());
    for (size_t i = 0; i < found.size(); ++i) {
      const PersonMatch& first = found[i].front();
      const bool right = !mated || first.person == searches.people[i];
      scores.push_back(right ? first.score : kMissed);
      const bool accepted = right && accepts(first);
      rate += mated != accepted ? part : 0;
      if (rank_1 != nullptr && right) *rank_1 += part;
    }
    return scores;
  }

  std::vector<double> plain(const Searches& searches, bool mated) {
    const auto found = gallery_.search(searches.probes, 1, false, pool_);
    std::vector<double> distances;
    for (size_t i = 0; i < found.size(); ++i) {
      const PersonMatch& first = found[i].front();
      distances.push_back(mated && first.person != searches.people[i] ? kMissed : first.distance);
    }
    return distances;
  }

  // The share of visits of which at least one photo is accepted, as the right person.
  double any_accepted(const Searches& searches, bool mated) {
    Searches each;
    each.probes = Matrix(0, embeddings_.columns);
    for (size_t i = 0; i < searches.people.size(); ++i) {
      for (const size_t photo : searches.photos[i]) {
        each.add(embeddings_, searches.people[i], {photo});
      }
    }
    const auto found = gallery_.search(each.probes, 1, rule_->normalised, pool_);
    size_t visits = 0;
    for (size_t i = 0; i < found.size(); i += plan_.visit) {
      bool any = false;
      for (size_t k = i; k < i + plan_.visit; ++k) {
        const PersonMatch& first = found[k].front();
        any = any || (accepts(first) && (!mated || first.person == each.people[k]));
      }
      visits += any ? 1 : 0;
    }
    return static_cast<double>(visits) / static_cast<double>(searches.people.size());
  }

  const Matrix& embeddings_;
  const GallerySettings& settings_;
  const OpenSetPlan& plan_;
  ThreadPool& pool_;
  PeopleIndex gallery_;
  Searches mated_, strangers_;
  const DecisionRule* rule_ = nullptr;
};

}  // namespace

double OpenSetTrial::mean(const std::function<double(const OpenSetDraw&)>& value) const {
  double sum = 0;
  for (const OpenSetDraw& draw : draws) sum += value(draw);
  return sum / static_cast<double>(draws.size());
}

double OpenSetTrial::quantile(const std::function<double(const OpenSetDraw&)>& value,
                              double share) const {
  std::vector<double> values;
  for (const OpenSetDraw& draw : draws) values.push_back(value(draw));
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
}

OpenSetTrial try_open_set(const Matrix& embeddings, std::span<const uint32_t> identity_of,
                          const GallerySettings& settings, const OpenSetPlan& plan,
                          ThreadPool& pool, const std::function<void(size_t draw)>& progress) {
  std::map<uint32_t, PersonPhotos> photos;
  for (size_t i = 0; i < identity_of.size(); ++i) {
    PersonPhotos& person = photos[identity_of[i]];
    person.number = identity_of[i];
    (plan.searched_from && i >= *plan.searched_from ? person.searched : person.photos).push_back(i);
  }
  size_t able = 0;
  for (const auto& [identity, person] : photos) {
    able += person.photos.size() >= plan.enrolment.shots;
  }
  OpenSetTrial trial;
  trial.plan = plan;
  trial.people = plan.people.value_or(able / 2);
  if (plan.people && (*plan.people > able || *plan.people >= photos.size())) {
    throw Error(ErrorKind::bad_argument,
                "open-set identification: " + std::to_string(*plan.people) +
                    " people were to be enrolled, but only " + std::to_string(able) + " of " +
                    std::to_string(photos.size()) + " have " +
                    std::to_string(plan.enrolment.shots) +
                    " images, and at least one has to be a stranger");
  }
  uint32_t stream = 0;
  for (size_t in_vain = 0; trial.draws.size() < plan.draws;) {
    if (progress) progress(trial.draws.size());
    Random random(plan.seed, Purpose::sample, stream++);
    std::vector<PersonPhotos> people;
    for (const auto& [identity, person] : photos) people.push_back(person);
    random.shuffle(std::span(people));
    for (PersonPhotos& person : people) {
      random.shuffle(std::span(person.photos));
      random.shuffle(std::span(person.searched));
    }
    Draw drawn(embeddings, settings, plan, pool);
    drawn.fill(people, trial.people);
    if (!drawn.whole()) {
      if (++in_vain <= kMostInVain) continue;
      throw Error(ErrorKind::bad_data,
                  "open-set identification: at least two persons, one of them with more than " +
                      std::to_string(plan.enrolment.shots + plan.visit - 1) +
                      " images, were expected");
    }
    trial.draws.push_back(drawn.measure());
    trial.mated += drawn.mated();
    trial.strangers += drawn.strangers();
  }
  return trial;
}

}  // namespace doppel::internal
