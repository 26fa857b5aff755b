#include "doppel/gallery.h"

#include <algorithm>
#include <utility>

#include "doppel/api/public_access.h"
#include "doppel/base/shared_pool.h"
#include "doppel/error.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/photo_notices.h"
#include "doppel/gallery/photo_templates.h"
#include "doppel/gallery/search.h"
#include "doppel/gallery/synthetic_model.h"

namespace doppel {
namespace internal {

struct OpenGallery {
  OpenGallery(Gallery opened, const doppel::Model& its)
      : pool(shared_pool()), gallery(std::move(opened)), model(its) {}

  const LoadedModel& loaded() const { return PublicAccess::of(model); }

  // The people as they are now.
  GallerySearch& followed() {
    if (!search) {
      search.emplace(gallery, *pool);
    } else if (search->refresh()) {
      belongs = false;
    }
    if (!belongs) gallery.check_model(settings_for(loaded().model, loaded().file()));
    belongs = true;
    search->make_graph(*pool, {});
    return *search;
  }

  std::shared_ptr<ThreadPool> pool;
  Gallery gallery;
  doppel::Model model;
  std::optional<GallerySearch> search;  // once somebody was searched for
  bool belongs = false;  // to the model, what is searched: others may have moved it to another
  ProbeNotices probes;
};

}  // namespace internal

namespace {

Decision::Source public_source(internal::RuleSource source) {
  switch (source) {
    case internal::RuleSource::none:
      return Decision::Source::none;
    case internal::RuleSource::set:
      return Decision::Source::set;
    case internal::RuleSource::model:
      return Decision::Source::model;
    case internal::RuleSource::gallery:
      break;
  }
  return Decision::Source::gallery;
}

}  // namespace

Gallery::Gallery(std::unique_ptr<internal::OpenGallery> gallery) : gallery_(std::move(gallery)) {}
Gallery::Gallery(Gallery&&) noexcept = default;
Gallery& Gallery::operator=(Gallery&&) noexcept = default;
Gallery::~Gallery() = default;

Gallery Gallery::create(const std::string& location, const Model& model,
                        const GalleryOptions& options) {
  const internal::LoadedModel& loaded = internal::PublicAccess::of(model);
  internal::GallerySettings settings = internal::settings_for(loaded.model, loaded.file());
  settings.photos = options.keep_photos;
  return Gallery(std::make_unique<internal::OpenGallery>(
      internal::Gallery::create(location, settings), model));
}

Gallery Gallery::open(const std::string& location, const Model& model) {
  const internal::LoadedModel& loaded = internal::PublicAccess::of(model);
  const bool changeable = internal::Gallery::may_be_changed(location);
  auto gallery = internal::Gallery::open(
      location, changeable ? internal::Access::read_write : internal::Access::read);
  gallery.check_model(internal::settings_for(loaded.model, loaded.file()));
  return Gallery(std::make_unique<internal::OpenGallery>(std::move(gallery), model));
}

Gallery Gallery::open(const std::string& location) {
  const internal::GallerySettings settings =
      internal::Gallery::open(location, internal::Access::read).settings();
  if (settings.model_file.empty()) {
    throw Error(ErrorKind::io, location +
                                   ": it names no model file, for its model was not saved when it "
                                   "was made; open it with the model");
  }
  try {
    return open(location, Model::load(settings.model_file));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io || std::filesystem::exists(settings.model_file)) throw;
    throw Error(ErrorKind::io, std::string(error.what()) + " (the model that " + location +
                                   " was made with; open it with the model where that is now)");
  }
}

size_t Gallery::enroll(const std::string& name, std::span<const Photo> photos,
                       const EnrollOptions& options) {
  if (photos.empty()) {
    throw Error(ErrorKind::bad_argument, "photos: at least one was expected");
  }
  internal::OpenGallery& open = *gallery_;
  std::vector<internal::PhotoSource> sources;
  for (const Photo& photo : photos) sources.push_back(internal::PublicAccess::of(photo));
  internal::NewPerson person{name, {}};
  for (internal::PhotoTemplate& made : internal::photo_templates(
           open.loaded().embedder, sources,
           options.largest_face ? internal::FaceChoice::largest : internal::FaceChoice::one,
           open.gallery.settings().photos, *open.pool)) {
    if (made.problem) throw Error(*made.problem);
    if (!options.force) {
      internal::refuse_person(open.loaded().model, "the gallery's model", made.synthetic,
                              made.made->origin, "set EnrollOptions::force");
    }
    person.templates.push_back(std::move(*made.made));
  }
  return open.gallery.enrol(std::span(&person, 1)).templates;
}

std::vector<IdentifiedFace> Gallery::identify(const Photo& photo, const IdentifyOptions& options) {
  if (options.candidates < 1) {
    throw Error(ErrorKind::bad_argument, "candidates: at least 1 was expected, not 0");
  }
  internal::OpenGallery& open = *gallery_;
  internal::GallerySearch& search = open.followed();
  internal::check_decides(search.rule());
  const auto choice =
      options.largest_face ? internal::FaceChoice::largest : internal::FaceChoice::all;
  internal::EmbeddedPhoto embedded = std::move(
      open.loaded()
          .embedder
          .embed(std::span(&internal::PublicAccess::of(photo), 1), {.choice = choice}, *open.pool)
          .front());
  if (embedded.problem) {
    if (embedded.problem->kind() == ErrorKind::no_face) return {};
    throw Error(*embedded.problem);
  }
  internal::Matrix probes(0, open.model.embedding_size());
  for (const internal::EmbeddedFace& face : embedded.faces) probes.append(face.embedding);
  const std::vector<internal::Answer> answers = search.identify(probes, options.candidates);
  std::vector<IdentifiedFace> faces;
  for (size_t i = 0; i < answers.size(); ++i) {
    const internal::PhotoFace& face = embedded.faces[i].face;
    open.probes.add(face.looks, answers[i]);
    IdentifiedFace& found = faces.emplace_back();
    if (answers[i].known) found.name = answers[i].candidates.front().name;
    for (const internal::Candidate& candidate : answers[i].candidates) {
      found.candidates.push_back({.name = candidate.name,
                                  .distance = candidate.distance,
                                  .score = candidate.score,
                                  .far = candidate.far,
                                  .fpir = candidate.fpir});
    }
    found.left = face.left;
    found.top = face.top;
    found.width = face.width;
    found.height = face.height;
    found.quality = embedded.faces[i].quality;
  }
  return faces;
}

std::vector<GalleryPerson> Gallery::people() {
  std::vector<GalleryPerson> people;
  for (internal::Person& person : gallery_->gallery.people()) {
    people.push_back({.name = std::move(person.name), .photos = person.templates});
  }
  return people;
}

Decision Gallery::decision() {
  const internal::DecisionRule& rule = gallery_->followed().rule();
  return {.source = public_source(rule.source),
          .threshold = rule.threshold,
          .normalised = rule.normalised,
          .fpir = rule.fpir,
          .fpir_lower = rule.fpir_lower,
          .fpir_upper = rule.fpir_upper};
}

std::vector<std::string> Gallery::warnings() {
  internal::GallerySearch& search = gallery_->followed();
  std::vector<std::string> warnings =
      gallery_->probes.all(gallery_->loaded().model.threshold, search.people());
  if (auto notice = internal::notice_of_gallery(search.photo_difference())) {
    warnings.insert(warnings.begin(), std::move(*notice));
  }
  return warnings;
}

void Gallery::rename(const std::string& from, const std::string& to) {
  gallery_->gallery.rename(from, to);
}

bool Gallery::remove(std::span<const std::string> names) {
  std::vector<std::string> each(names.begin(), names.end());
  std::ranges::sort(each);
  each.erase(std::unique(each.begin(), each.end()), each.end());
  return gallery_->gallery.remove(each);
}

void Gallery::set_fpir(double fpir) {
  gallery_->gallery.set_decision(fpir, std::nullopt, gallery_->gallery.settings().fusion);
}

void Gallery::set_distance(double distance) {
  const internal::GallerySettings& settings = gallery_->gallery.settings();
  gallery_->gallery.set_decision(settings.fpir, distance, settings.fusion);
}

}  // namespace doppel
