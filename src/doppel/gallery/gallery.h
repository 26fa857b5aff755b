// The people an organisation knows: templates, bound to the model that made them, in a database.
// People come in with their embeddings; what a search loads, and what may be shown, exported and
// deleted, goes out. Searching is search.h's, the database that keeps all this database.h's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/database.h"
#include "doppel/gallery/gallery_settings.h"
#include "doppel/image/looks.h"
#include "doppel/model/model.h"

namespace doppel::internal {

// One photo of a person to be enrolled.
struct NewTemplate {
  std::string origin;  // the file, for messages; not stored
  std::vector<float> embedding;
  std::string image_digest;  // of the picture: image/image_digest.h
  double quality = 0;        // 0 .. 1, image/quality.h
  std::string photo;  // the file's bytes; stored where the gallery keeps photos, else ignored
  Looks looks = {};   // as the model took the picture, for notices; not stored
};
struct NewPerson {
  std::string name;
  std::vector<NewTemplate> templates;
};

// What an enrolment did.
struct Enrolled {
  size_t people = 0;                  // who are new
  size_t templates = 0;               // added
  std::vector<std::string> repeated;  // origins of photos that this person had already: left out
  std::vector<int64_t> ids;           // of all templates given, in their order; repeated ones, too
};

struct Person {
  int64_t id = 0;
  std::string name;
  std::string added;  // "2026-05-17T09:30:00Z"
  size_t templates = 0;
};

struct StoredTemplate {
  int64_t id = 0, person = 0;
  // Valid during the call it is given to; as it is stored, which may be no embedding at all.
  std::span<const float> embedding;
};

// What is known of a template beside its embedding.
struct TemplateFacts {
  int64_t id = 0;
  std::string image_digest, model_digest, added;
  double quality = 0;
  bool photo = false;
};

// A template as one of its person's pictures.
struct Face {
  int64_t id = 0;
  std::string name;  // whom it shows
};

// What changed between two revisions.
struct GalleryChanges {
  int64_t revision = 0;          // that they lead to
  std::vector<int64_t> removed;  // templates
  std::vector<Person> people;    // new ones, renamed ones and those who got templates
};

// A gallery in a file, by its path, or in a database of a PostgreSQL server, by its URL
// (postgres.h). Used by one thread at a time; several processes may use one gallery. Every change
// is one transaction: it is on the disk when the call returns, and where it throws nothing has
// changed. Errors begin with the gallery's name.
class Gallery {
 public:
  // Makes a gallery with these people in it. Where it throws, it leaves no file; an empty file
  // stays empty. Throws Error(io) where a gallery exists already, and as enrol() does.
  static Gallery create(const std::string& location, const GallerySettings& settings,
                        std::span<const NewPerson> people = {}, Enrolled* enrolled = nullptr);
  // Throws Error(io) where the file is missing, Error(bad_data) where it is no gallery,
  // Error(mismatch) where a newer program wrote it.
  static Gallery open(const std::string& location, Access access);
  // Throws Error(io) where create() could not make a gallery. To be called before long work.
  static void check_place(const std::string& location);
  // False for an empty file.
  static bool exists(const std::string& location);
  // Whether this user may write the gallery's file. True for a server, which decides by itself.
  static bool may_be_changed(const std::string& location);

  const std::string& name() const { return database_->name(); }
  const std::string& identity() const { return identity_; }  // drawn at random when it was made
  const GallerySettings& settings() const { return settings_; }
  void read_settings();  // again: as others may have changed them since
  int64_t revision();    // one more with every change
  // False where nothing was changed since it was last asked, by anyone; costs next to nothing.
  bool changed() { return database_->changed(); }
  // The file of the search index, which can be made again from the templates: beside the gallery's
  // file; for a gallery on a server, in the cache folder of this machine's user.
  std::filesystem::path index_file() const;

  // Throws Error(mismatch) unless the gallery's templates are of this model; `model` is its
  // settings_for(). A gallery of an older program learns here how long embeddings are.
  void check_model(const GallerySettings& model);

  // Adds people, with or without photos, or photos to people who are there. Names are kept as
  // normal_name() writes them. Throws Error(bad_argument) for a name that check_person_name()
  // refuses or that looks like another person's, Error(mismatch) for a photo that another person
  // has or an embedding of another size, Error(bad_data) for one that the model cannot have given.
  Enrolled enrol(std::span<const NewPerson> people);
  // Throws Error(bad_argument) where nobody has the old name, or where the new one is refused as
  // enrol() refuses names. Where somebody has the new name, `merge` gives that person the
  // templates; without it Error(bad_argument) is thrown.
  void rename(const std::string& from, const std::string& wanted, bool merge = false);
  // True when nothing of these people is left in the database's files either, a server's
  // write-ahead log apart; false where another process that is reading delays that.
  bool remove(std::span<const std::string> names);
  bool remove_templates(std::span<const int64_t> ids);  // their people stay
  // Throws Error(bad_argument) for what rule_fault() finds wrong.
  void set_decision(double fpir, std::optional<double> distance, Fusion fusion);
  // Replaces every embedding, computed by `embed` from the photo, and binds the gallery to another
  // model. Throws Error(bad_argument) where a template has no photo, Error(bad_data) where the
  // model cannot have given what `embed` gives.
  void migrate(const GallerySettings& settings,
               const std::function<std::vector<float>(std::string_view photo,
                                                      const std::string& name)>& embed);

  std::vector<Person> people();                         // in natural order of their names
  std::optional<Person> find(const std::string& name);  // in any form of Unicode's
  std::vector<TemplateFacts> templates_of(int64_t person);
  std::optional<Face> face(int64_t id);  // nothing where there is no such template
  // In the order of their numbers, at most `most` behind the first `skipped`.
  std::vector<Face> faces(size_t skipped, size_t most);
  size_t templates();
  std::vector<float> embedding(int64_t id);
  std::string photo(int64_t id);  // empty where there is none

  // While it lives, all that is read is of one state.
  using Snapshot = ReadTransaction;
  Snapshot snapshot() { return Snapshot(*database_); }

  // From one state of the gallery: what changed since `revision` (0: everything there is), and all
  // templates added since then.
  GalleryChanges changes_since(int64_t revision,
                               const std::function<void(const StoredTemplate&)>& added);

  // Who may use its service. Throws Error(bad_data) where they are damaged.
  std::vector<AccessKey> access_keys();
  // What `change` throws leaves them as they are.
  void change_access_keys(const std::function<void(std::vector<AccessKey>&)>& change);

  // After a change was refused with DiskFull: throws that where there is still no room for one.
  void check_room() { database_->check_room(); }

  // What is wrong: the database's own check, and what every gallery holds true (each template is
  // an embedding that the model can have given, ...).
  std::vector<std::string> check();
  // Throws Error where the database finds itself damaged; photos, which may be large, are
  // not looked at. For before people are added.
  void refuse_damage();

 private:
  Gallery(const std::string& location, Access access)
      : database_(open_database(location, access)), location_(lasting_location(location)) {}
  void write_settings(const GallerySettings& settings);
  int64_t next_revision();
  void check_new(std::span<const NewPerson> people) const;
  Enrolled add(std::span<const NewPerson> people);
  int64_t person_named(const std::string& name);  // 0: nobody
  // Everybody's names but one person's, by comparable_name() them.
  std::map<std::string, std::string> comparable_names(int64_t but);
  void check_name_is_new(const std::string& name,
                         const std::map<std::string, std::string>& names) const;
  void forget_template(int64_t id, int64_t revision);
  bool purge();

  std::unique_ptr<Database> database_;
  std::string location_, identity_;
  GallerySettings settings_;
};

std::string new_gallery_identity();  // drawn at random

// Gallery::check(), also of what is too damaged to be opened. Throws as open_database() does.
std::vector<std::string> check_gallery(const std::string& location);

}  // namespace doppel::internal
