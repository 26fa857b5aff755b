// The people an organisation knows, and who of them is on a photo.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/model.h"
#include "doppel/photo.h"

namespace doppel {

namespace internal {
struct OpenGallery;
}

// A person whom a face may show.
struct Candidate {
  std::string name = {};
  double distance = 0;  // of the embeddings, as Model::distance() has it
  double score = 0;     // by which is decided: the distance, normalised where the gallery does that
  // The rate at which two different people come as near, and at which a search by a stranger finds
  // somebody as near, 0 to 1; none where nothing tells it.
  std::optional<double> far = {}, fpir = {};
};

struct IdentifiedFace {
  // Who it is; none where nobody is near enough: a stranger.
  std::optional<std::string> name = {};
  // Different people, the one of the lowest score first; none where the gallery has nobody.
  std::vector<Candidate> candidates = {};
  // In pixels of the photo, from its upper left corner.
  double left = 0, top = 0, width = 0, height = 0;
  double quality = 0;  // 0 to 1: how well lit and sharp it is
};

// How a gallery tells its people from strangers.
struct Decision {
  enum class Source {
    none,     // it does not: too few people, and a model without a calibration
    set,      // by a distance that somebody set
    model,    // by the model's calibration, as there are few people
    gallery,  // by its own people, compared with each other
  };
  Source source = Source::none;
  double threshold = 0;     // a score below it is that person
  bool normalised = false;  // whether scores are
  // The rate at which a search by a stranger names somebody, 0 to 1, and its interval: of nine in
  // ten galleries where the source is the gallery's own people, else of 95 %.
  std::optional<double> fpir = {};
  double fpir_lower = 0, fpir_upper = 0;
};

struct GalleryPerson {
  std::string name = {};
  size_t photos = 0;  // that were enrolled
};

struct GalleryOptions {
  // Beside the templates; then `doppel gallery migrate` can move it to another model.
  bool keep_photos = false;
};

struct EnrollOptions {
  // Take the largest of several faces on a photo; else they are an error.
  bool largest_face = false;
  // Enrol photos of people with a model of synthetic faces, which mistakes them for one another.
  bool force = false;
};

struct IdentifyOptions {
  size_t candidates = 1;  // to list for each face
  // Take the largest of several faces on a photo alone.
  bool largest_face = false;
};

// A SQLite file by its path, or a PostgreSQL database by its URL (postgresql://user@host/database).
// It keeps templates (embeddings), which are personal data, and photos only where GalleryOptions
// say so. Several processes may use one gallery; an object is used by one thread at a time, and one
// that was moved from may only be assigned to. Every change is on the disk when the call returns,
// and where it throws nothing has changed.
class Gallery {
 public:
  Gallery(Gallery&&) noexcept;
  Gallery& operator=(Gallery&&) noexcept;
  ~Gallery();

  // An empty one. Throws Error(io) where there is a gallery already or none can be made.
  static Gallery create(const std::string& location, const Model& model,
                        const GalleryOptions& options = {});
  // One that this user may only read can be searched, and refuses every change with Error(io).
  // Throws Error(io) where there is none, Error(bad_data) where it is no gallery, Error(mismatch)
  // where it was made with another model or by a newer version.
  static Gallery open(const std::string& location, const Model& model);
  // With the model's file that it names. Throws as Model::load() does, too.
  static Gallery open(const std::string& location);

  // Adds photos of a person, who is new or known already; a photo that this person has already is
  // left out. Returns how many were added. Throws Error(bad_argument) without photos, for a name
  // that is none, or another person's but for blanks and characters that cannot be seen, and for
  // photos of people with a model of synthetic faces; Error(mismatch) for a photo that is enrolled
  // as another person's; as Model::embed() does for the first photo that has something wrong with
  // it.
  size_t enroll(const std::string& name, std::span<const Photo> photos,
                const EnrollOptions& options = {});
  size_t enroll(const std::string& name, std::initializer_list<Photo> photos,
                const EnrollOptions& options = {}) {
    return enroll(name, std::span<const Photo>(photos.begin(), photos.size()), options);
  }
  size_t enroll(const std::string& name, const Photo& photo, const EnrollOptions& options = {}) {
    return enroll(name, std::span(&photo, 1), options);
  }

  // The faces on a photo and who they are, the surest face first; none where it shows no face.
  // Follows what other processes change. Throws Error(uncalibrated) where decision() has no source,
  // Error(bad_data) where the photo cannot be decoded, Error(bad_argument) for no candidates.
  std::vector<IdentifiedFace> identify(const Photo& photo, const IdentifyOptions& options = {});

  // In natural order of their names.
  std::vector<GalleryPerson> people();
  Decision decision();
  // What is to be said of the photos that were enrolled, and of those that identify() was given:
  // that they are unlike the ones that the model was calibrated on, or another camera's, a sentence
  // each.
  std::vector<std::string> warnings();

  // Throws Error(bad_argument) where there is nobody of that name, and as enroll() for the new one.
  void rename(const std::string& from, const std::string& to);
  // Their templates and photos are gone from the database's files, too. False where another process
  // that reads delays that.
  bool remove(std::span<const std::string> names);
  bool remove(std::initializer_list<std::string> names) {
    return remove(std::span<const std::string>(names.begin(), names.size()));
  }
  bool remove(const std::string& name) { return remove(std::span(&name, 1)); }

  // The rate at which a search by a stranger may name somebody, 1e-9 to 0.5: the gallery draws its
  // line for that. Throws Error(bad_argument).
  void set_fpir(double fpir);
  // Whoever is nearer than this distance is that person, whatever the gallery's own people say.
  // Throws Error(bad_argument) for a distance that no two embeddings of the model can have.
  void set_distance(double distance);

 private:
  explicit Gallery(std::unique_ptr<internal::OpenGallery> gallery);
  std::unique_ptr<internal::OpenGallery> gallery_;
};

}  // namespace doppel
