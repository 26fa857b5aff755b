#include "doppel/gallery/search.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "doppel/base/large_pages.h"
#include "doppel/error.h"
#include "doppel/gallery/line_file.h"

namespace doppel::internal {

std::string to_string(const LeftOut& left_out, const std::string& gallery) {
  return gallery + ": template " + std::to_string(left_out.id) +
         " is left out of the search: its embedding " + left_out.fault;
}

GallerySearch::GallerySearch(Gallery& gallery, ThreadPool& pool, size_t most_compared)
    : gallery_(gallery),
      pool_(pool),
      most_compared_(most_compared),
      settings_(gallery.settings()),
      people_(TemplateIndex(settings_.embedding_size, settings_.energy)) {
  refresh();
}

std::optional<GallerySearch::Update> GallerySearch::read(bool surely) {
  behind_ = gallery_.changed() || behind_ || surely;
  if (!behind_) return {};
  std::optional<Update> update(std::in_place);
  const auto read_since = [&](int64_t revision) {
    update->ids.clear();
    update->owners.clear();
    update->left_out.clear();
    Matrix& embeddings = update->embeddings = Matrix(0, gallery_.settings().embedding_size);
    // Growing would copy them again and again.
    if (revision == 0) {
      reserve_large_pages(embeddings.values, gallery_.templates() * embeddings.columns);
    }
    update->changes = gallery_.changes_since(revision, [&](const StoredTemplate& added) {
      if (auto fault = embedding_fault(added.embedding, gallery_.settings())) {
        update->left_out.push_back({added.id, std::move(*fault)});
        return;
      }
      update->ids.push_back(added.id);
      update->owners.push_back(added.person);
      embeddings.columns = added.embedding.size();
      embeddings.append(added.embedding);
    });
    update->identity = gallery_.identity();
    update->settings = gallery_.settings();
  };
  read_since(revision_);
  if (update->changes.revision == revision_ && update->identity == identity_) {
    behind_ = false;
    return {};
  }
  if (revision_ != 0 && starts_anew(*update)) read_since(0);
  return update;
}

// Where the gallery was moved to another model, or an older state of it was put in its place,
// nothing of what is held is worth keeping.
bool GallerySearch::starts_anew(const Update& update) const {
  return revision_ == 0 || settings_.model_digest != update.settings.model_digest ||
         identity_ != update.identity || update.changes.revision < revision_;
}

bool GallerySearch::apply(Update& update) {
  if (!update.begun) begin(update);
  const size_t total = update.ids.size(), first = update.taken;
  const bool loaded = index().size() == total && people() == 0;  // from the file
  const bool in_parts = index().has_graph() && !loaded;
  const size_t end = in_parts ? std::min(total, first + kLinkedAtOnce) : total;
  const std::span<const int64_t> ids = std::span(update.ids).subspan(first, end - first);
  const std::span<const int64_t> owners = std::span(update.owners).subspan(first, end - first);
  if (loaded) {
    people_.adopt(ids, owners);
  } else if (first == 0 && end == total) {
    people_.add(ids, owners, std::move(update.embeddings), pool_);
  } else {
    Matrix part(0, update.embeddings.columns);
    for (size_t i = first; i < end; ++i) part.append(update.embeddings.row(i));
    people_.add(ids, owners, std::move(part), pool_);
  }
  update.taken = end;
  if (end < total) return false;
  revision_ = update.changes.revision;
  draw_line();
  behind_ = false;
  return true;
}

// All but the new templates.
void GallerySearch::begin(Update& update) {
  update.begun = true;
  if (starts_anew(update)) {
    names_.clear();
    left_out_.clear();
    settings_ = update.settings;
    identity_ = update.identity;
    revision_ = 0;
    load(update);
  } else {
    forget(update);
    settings_ = update.settings;
  }
  std::ranges::move(update.left_out, std::back_inserter(left_out_));
  std::unordered_set<int64_t> owners;
  owners.insert(update.owners.begin(), update.owners.end());
  for (const Person& person : update.changes.people) {
    if (!people_.owners().templates(person.id).empty() || owners.contains(person.id)) {
      names_[person.id] = person.name;
    }
  }
}

// What is gone, and what is learnt again: a template of another person now.
void GallerySearch::forget(const Update& update) {
  std::vector<int64_t> gone;
  std::unordered_set<int64_t> people;
  const auto forget_one = [&](int64_t id) {
    std::erase_if(left_out_, [id](const LeftOut& left_out) { return left_out.id == id; });
    if (!people_.owners().contains(id)) return;
    gone.push_back(id);
    people.insert(people_.owners().person(id));
  };
  for (const int64_t id : update.changes.removed) forget_one(id);
  for (const int64_t id : update.ids) forget_one(id);
  for (const LeftOut& left_out : update.left_out) forget_one(left_out.id);
  people_.remove(gone, pool_);
  for (const int64_t person : people) {
    if (people_.owners().templates(person).empty()) names_.erase(person);
  }
}

bool GallerySearch::refresh() {
  std::optional<Update> update = read();
  if (!update) return false;
  while (!apply(*update)) {
  }
  return true;
}

std::string GallerySearch::index_key(int64_t revision) const {
  return identity_ + " " + std::to_string(revision);
}

// The index of the file where that is of this state, with all templates, else one without any.
void GallerySearch::load(Update& update) {
  people_ = PeopleIndex(TemplateIndex(settings_.embedding_size, settings_.energy,
                                      IndexKind::automatic, most_compared_));
  drawn_here_ = false;
  if (update.ids.size() <= most_compared_) return;
  TemplateIndex::Loaded loaded = TemplateIndex::load(
      gallery_.index_file(), index_key(update.changes.revision), update.ids, update.embeddings,
      settings_.energy, pool_, IndexKind::automatic, most_compared_);
  if (loaded.index) people_ = PeopleIndex(std::move(*loaded.index));
}

void GallerySearch::make_graph(ThreadPool& pool, const IndexProgress& progress) {
  if (!graph_due()) return;
  people_.make_graph(pool, progress);
  const std::filesystem::path file = gallery_.index_file();
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  try {
    index().save(file, index_key(revision_));
  } catch (const Error&) {
    // A folder that cannot be written costs time at the next start, nothing else.
  }
}

void GallerySearch::draw_line() {
  compared_ = false;
  people_.set_fusion(settings_.fusion);
  line_.reset();
  if (!settings_.distance) {
    const bool dear = people() > kQuicklyCompared;
    const std::filesystem::path file = gallery_.index_file().replace_extension(".line");
    const std::string key =
        index_key(revision_) + (settings_.fusion == Fusion::mean ? " mean" : "");
    const std::optional<PeopleIndex::Drawn> kept =
        dear && !drawn_here_ ? read_line(file, key) : std::nullopt;
    if (kept) {
      people_.take(*kept);
      line_ = kept->line;
    } else {
      line_ = people_.draw_line(pool_);
      drawn_here_ = true;
      if (dear && line_) keep_line(people_.drawn(*line_), key, file);
    }
  }
  rule_ = decision_rule(settings_, people(), people_.owners().templates(), line_);
}

double GallerySearch::same_person_distance() const {
  const double own = people_.confused_distance();
  if (line_ && own > 0) return own;
  return settings_.threshold ? settings_.threshold->value : settings_.distance.value_or(0);
}

std::optional<PhotoDifference> GallerySearch::photo_difference() {
  if (compared_) return photo_difference_;
  photo_difference_.reset();
  if (settings_.threshold && settings_.threshold->photos && people() > 0) {
    photo_difference_ = compare(*settings_.threshold->photos, people_.photos());
  }
  compared_ = true;
  return photo_difference_;
}

std::vector<Answer> GallerySearch::identify(const Matrix& probes, size_t top) {
  std::vector<Answer> answers;
  for (const std::vector<PersonMatch>& matches :
       people_.search(probes, top, rule_.normalised, pool_)) {
    Answer& answer = answers.emplace_back();
    for (const PersonMatch& match : matches) {
      Candidate candidate{names_.at(match.person), match.distance, match.score, {}, {}};
      if (rule_.normalised) {
        candidate.fpir = line_->fpir(match.score);
        candidate.far = far_for(*candidate.fpir, rule_.people);
      } else if (settings_.threshold && rule_.source != RuleSource::none) {
        candidate.far = far_at(settings_.threshold->curve, match.distance);
        candidate.fpir = fpir_of(*candidate.far, rule_.chances);
      }
      answer.candidates.push_back(std::move(candidate));
    }
    answer.known =
        !matches.empty() && rule_.accepts(matches.front().distance, matches.front().score);
    const CohortDistances& usual = people_.cohort_distances();
    if (rule_.normalised && !matches.empty() && usual.deviation > 0) {
      answer.cohort_offset =
          (matches.front().to_cohort - (answer.known ? usual.mean : usual.without_nearest)) /
          usual.deviation;
    }
  }
  return answers;
}

}  // namespace doppel::internal
