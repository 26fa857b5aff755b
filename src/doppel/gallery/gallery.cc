#include "doppel/gallery/gallery.h"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "doppel/base/digest.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/utc_time.h"
#include "doppel/error.h"
#include "doppel/gallery/database_kinds.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/person_name.h"
#include "doppel/gallery/schema.h"

namespace doppel::internal {

std::string new_gallery_identity() {
  unsigned char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  char text[2 * sizeof bytes + 1];
  return sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
}

bool Gallery::exists(const std::string& location) {
  const DatabaseKind& kind = database_kind(location);
  return kind.may_exist(location) && kind.open(location, Access::read)->has_table("gallery");
}

void Gallery::check_place(const std::string& location) {
  database_kind(location).check_place(location);
}

bool Gallery::may_be_changed(const std::string& location) {
  return database_kind(location).may_be_changed(location);
}

Gallery Gallery::create(const std::string& location, const GallerySettings& settings,
                        std::span<const NewPerson> people, Enrolled* enrolled) {
  if (exists(location)) {
    throw Error(ErrorKind::io, shown_location(location) +
                                   ": it exists already; a new gallery was to be made there");
  }
  if (const auto fault = rule_fault(settings)) throw Error(ErrorKind::bad_argument, *fault);
  Gallery gallery(location, Access::create);
  gallery.database_->create(gallery_tables(), [&] {
    gallery.database_->run("INSERT INTO gallery VALUES ('format', $1)",
                           {std::string_view(kGalleryFormat)});
    gallery.database_->run("INSERT INTO gallery VALUES ('identity', $1)",
                           {std::string_view(new_gallery_identity())});
    gallery.database_->run("INSERT INTO gallery VALUES ('revision', '1')");
    gallery.database_->run("INSERT INTO gallery VALUES ('settings', $1)",
                           {std::string_view(to_json(settings).dump())});
    gallery.read_settings();
    if (people.empty()) return;
    gallery.check_new(people);
    const Enrolled added = gallery.add(people);
    if (enrolled != nullptr) *enrolled = added;
  });
  return gallery;
}

Gallery Gallery::open(const std::string& location, Access access) {
  Gallery gallery(location, access);
  if (!gallery.database_->has_table("gallery")) {
    throw Error(ErrorKind::bad_data,
                gallery.name() + ": no gallery: a database without its tables");
  }
  gallery.read_settings();
  return gallery;
}

std::filesystem::path Gallery::index_file() const {
  if (database_kind(location_).in_files) return location_ + ".index";
  const char *const cache = std::getenv("XDG_CACHE_HOME"), *const home = std::getenv("HOME");
  const std::filesystem::path caches = cache != nullptr && *cache == '/'
                                           ? cache
                                           : std::string(home != nullptr ? home : "") + "/.cache";
  return caches / "doppel" / (sha256_hex(identity_) + ".index");
}

void Gallery::read_settings() {
  std::map<std::string, std::string> values;
  database_->run("SELECT key, value FROM gallery", {},
                 [&](const SqlRow& row) { values.emplace(row.text(0), row.text(1)); });
  if (values["format"] != kGalleryFormat) {
    throw Error(ErrorKind::mismatch, name() + ": its format is \"" + shown(values["format"]) +
                                         "\", this program reads \"" + kGalleryFormat +
                                         "\"; was it made by a newer Doppel?");
  }
  identity_ = values["identity"];
  GallerySettings read = gallery_settings_from_json(
      nlohmann::json::parse(values["settings"], nullptr, /*allow_exceptions=*/false), name());
  // What a model has told goes beyond what an older program wrote.
  if (settings_.length && read.model_digest == settings_.model_digest) {
    read.length = settings_.length;
  }
  settings_ = std::move(read);
}

void Gallery::write_settings(const GallerySettings& settings) {
  database_->run("UPDATE gallery SET value = $1 WHERE key = 'settings'",
                 {std::string_view(to_json(settings).dump())});
}

int64_t Gallery::revision() {
  int64_t revision = 0;
  database_->run("SELECT CAST(value AS BIGINT) FROM gallery WHERE key = 'revision'", {},
                 [&](const SqlRow& row) { revision = row.integer(0); });
  return revision;
}

// The first statement of every change: whoever is second waits for it.
int64_t Gallery::next_revision() {
  database_->run(
      "UPDATE gallery SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'revision'");
  return revision();
}

void Gallery::check_model(const GallerySettings& model) {
  if (model.model_digest == settings_.model_digest) {
    settings_.length = model.length;
    return;
  }
  throw Error(ErrorKind::mismatch,
              model.model_file + ": another model than that of " + name() + " (" +
                  settings_.model_file + ", digest " + settings_.model_digest.substr(0, 12) +
                  ", not " + model.model_digest.substr(0, 12) +
                  "): their templates cannot be compared. Use that model, " +
                  (settings_.photos ? "move the gallery to this one (doppel gallery migrate)"
                                    : "or enroll the photos into a new gallery") +
                  ".");
}

int64_t Gallery::person_named(const std::string& name) {
  const std::optional<Person> person = find(name);
  return person ? person->id : 0;
}

std::map<std::string, std::string> Gallery::comparable_names(int64_t but) {
  std::map<std::string, std::string> names;
  database_->run("SELECT id, name FROM people", {}, [&](const SqlRow& row) {
    if (row.integer(0) != but) names.emplace(comparable_name(row.text(1)), row.text(1));
  });
  return names;
}

void Gallery::check_new(std::span<const NewPerson> people) const {
  for (const NewPerson& person : people) {
    check_person_name(normal_name(person.name), name());
    for (const NewTemplate& photo : person.templates) {
      if (const auto fault = embedding_fault(photo.embedding, settings_)) {
        throw Error(photo.embedding.size() == settings_.embedding_size ? ErrorKind::bad_data
                                                                       : ErrorKind::mismatch,
                    photo.origin + ": its embedding " + *fault);
      }
    }
  }
}

Enrolled Gallery::enrol(std::span<const NewPerson> people) {
  check_new(people);
  WriteTransaction transaction(*database_);
  // Another process may have changed it since.
  const std::string made_for = settings_.model_digest;
  read_settings();
  if (settings_.model_digest != made_for) {
    throw Error(ErrorKind::mismatch, name() + ": the gallery was moved to another model meanwhile");
  }
  Enrolled result = add(people);
  if (result.templates > 0 || result.people > 0) transaction.commit();
  return result;
}

// Within a transaction.
Enrolled Gallery::add(std::span<const NewPerson> people) {
  Enrolled result;
  const std::string now = utc_time();
  const int64_t revision = next_revision();
  std::optional<std::map<std::string, std::string>> known_names;
  for (const NewPerson& person : people) {
    int64_t id = person_named(person.name);
    if (id == 0) {
      const std::string added = normal_name(person.name);
      if (!known_names) known_names = comparable_names(0);
      check_name_is_new(added, *known_names);
      known_names->emplace(comparable_name(added), added);
      database_->run("INSERT INTO people (name, added, revision) VALUES ($1, $2, $3)",
                     {added, now, revision});
      id = person_named(added);
      ++result.people;
    }
    for (const NewTemplate& photo : person.templates) {
      std::optional<int64_t> owner;
      std::string owner_name;
      const auto find_owner = [&] {
        int64_t id_of_photo = 0;
        database_->run(
            "SELECT people.id, people.name, templates.id FROM templates JOIN people"
            " ON people.id = templates.person WHERE templates.image = $1",
            std::vector<SqlValue>{photo.image_digest}, [&](const SqlRow& row) {
              owner = row.integer(0);
              owner_name = row.text(1);
              id_of_photo = row.integer(2);
            });
        return id_of_photo;
      };
      const int64_t there = find_owner();
      if (owner && *owner != id) {
        throw Error(ErrorKind::mismatch, photo.origin + ": this photo is enrolled already, as \"" +
                                             shown(owner_name) + "\", not \"" + shown(person.name) +
                                             "\"; nothing was changed");
      }
      if (owner) {
        result.repeated.push_back(photo.origin);
        result.ids.push_back(there);
        continue;
      }
      database_->run(
          "INSERT INTO templates (person, revision, model, image, added, quality, embedding)"
          " VALUES ($1, $2, $3, $4, $5, $6, $7)",
          {id, revision, settings_.model_digest, photo.image_digest, now, photo.quality,
           Bytes{bytes_of(photo.embedding)}});
      if (settings_.photos) {
        database_->run(
            "INSERT INTO photos (template, bytes)"
            " SELECT id, $1 FROM templates WHERE image = $2",
            {Bytes{photo.photo}, photo.image_digest});
      }
      result.ids.push_back(find_owner());
      ++result.templates;
    }
  }
  return result;
}

void Gallery::rename(const std::string& from, const std::string& wanted, bool merge) {
  const std::string to = normal_name(wanted);
  check_person_name(to, name());
  WriteTransaction transaction(*database_);
  const int64_t revision = next_revision();
  const int64_t id = person_named(from);
  if (id == 0)
    throw Error(ErrorKind::bad_argument, name() + ": there is no \"" + shown(from) + "\"");
  const int64_t other = person_named(to);
  if (other == id) return;
  if (other == 0) {
    check_name_is_new(to, comparable_names(id));
    database_->run("UPDATE people SET name = $1, revision = $2 WHERE id = $3", {to, revision, id});
  } else if (merge) {
    database_->run("UPDATE templates SET person = $1, revision = $2 WHERE person = $3",
                   {other, revision, id});
    database_->run("DELETE FROM people WHERE id = $1", {id});
  } else {
    throw Error(ErrorKind::bad_argument, name() + ": there is a \"" + shown(to) + "\" already");
  }
  transaction.commit();
}

void Gallery::check_name_is_new(const std::string& name,
                                const std::map<std::string, std::string>& names) const {
  const auto alike = names.find(comparable_name(name));
  if (alike == names.end()) return;
  throw Error(ErrorKind::bad_argument,
              this->name() + ": \"" + shown(name) + "\" looks like \"" + shown(alike->second) +
                  "\", who is there already; give that name, or another one; nothing was changed");
}

void Gallery::forget_template(int64_t id, int64_t revision) {
  database_->run("DELETE FROM photos WHERE template = $1", {id});
  database_->run("DELETE FROM templates WHERE id = $1", {id});
  database_->run("INSERT INTO removed (template, revision) VALUES ($1, $2)", {id, revision});
}

// What was removed is so, whatever happens here.
bool Gallery::purge() {
  try {
    return database_->purge(personal_tables());
  } catch (const Error&) {
    return false;
  }
}

bool Gallery::remove(std::span<const std::string> names) {
  {
    WriteTransaction transaction(*database_);
    const int64_t revision = next_revision();
    for (const std::string& name : names) {
      const int64_t id = person_named(name);
      if (id == 0) {
        throw Error(ErrorKind::bad_argument,
                    this->name() + ": there is no \"" + shown(name) + "\"; nothing was removed");
      }
      for (const TemplateFacts& facts : templates_of(id)) forget_template(facts.id, revision);
      database_->run("DELETE FROM people WHERE id = $1", {id});
    }
    transaction.commit();
  }
  return purge();
}

bool Gallery::remove_templates(std::span<const int64_t> ids) {
  {
    WriteTransaction transaction(*database_);
    const int64_t revision = next_revision();
    for (const int64_t id : ids) {
      if (!face(id)) {
        throw Error(ErrorKind::bad_argument, name() + ": there is no template number " +
                                                 std::to_string(id) + "; nothing was removed");
      }
      forget_template(id, revision);
    }
    transaction.commit();
  }
  return purge();
}

void Gallery::set_decision(double fpir, std::optional<double> distance, Fusion fusion) {
  WriteTransaction transaction(*database_);
  next_revision();
  read_settings();
  GallerySettings changed = settings_;
  changed.fpir = fpir;
  changed.distance = distance;
  changed.fusion = fusion;
  if (const auto fault = rule_fault(changed)) throw Error(ErrorKind::bad_argument, *fault);
  write_settings(changed);
  transaction.commit();
  settings_ = changed;
}

void Gallery::migrate(
    const GallerySettings& settings,
    const std::function<std::vector<float>(std::string_view, const std::string&)>& embed) {
  {
    WriteTransaction transaction(*database_);
    const int64_t revision = next_revision();
    read_settings();
    if (!settings_.photos) {
      throw Error(ErrorKind::bad_argument, name() +
                                               ": it keeps no photos that another model could "
                                               "embed; enroll them into a new gallery");
    }
    GallerySettings moved = settings;
    moved.photos = true;
    moved.fusion = settings_.fusion;
    for (const Person& person : people()) {
      for (const TemplateFacts& facts : templates_of(person.id)) {
        const std::string where =
            name() + ": \"" + shown(person.name) + "\", template " + std::to_string(facts.id);
        if (!facts.photo) throw Error(ErrorKind::bad_data, where + ": it has no photo");
        const std::vector<float> embedding = embed(photo(facts.id), where);
        if (const auto fault = embedding_fault(embedding, moved)) {
          throw Error(ErrorKind::bad_data, where + ": its embedding " + *fault);
        }
        database_->run(
            "UPDATE templates SET embedding = $1, model = $2, revision = $3 WHERE id = $4",
            {Bytes{bytes_of(embedding)}, moved.model_digest, revision, facts.id});
      }
    }
    write_settings(moved);
    transaction.commit();
    settings_ = moved;
  }
  purge();
}

std::vector<AccessKey> Gallery::access_keys() {
  std::string text;
  database_->run("SELECT value FROM gallery WHERE key = $1",
                 std::vector<SqlValue>{std::string_view(kAccessKeysRow)},
                 [&](const SqlRow& row) { text = row.text(0); });
  return access_keys_from_text(text, name());
}

void Gallery::change_access_keys(const std::function<void(std::vector<AccessKey>&)>& change) {
  WriteTransaction transaction(*database_);
  next_revision();
  std::vector<AccessKey> keys = access_keys();
  change(keys);
  const std::string text = access_keys_text(keys);
  database_->run("DELETE FROM gallery WHERE key = $1", {std::string_view(kAccessKeysRow)});
  database_->run("INSERT INTO gallery VALUES ($1, $2)",
                 {std::string_view(kAccessKeysRow), std::string_view(text)});
  transaction.commit();
}

}  // namespace doppel::internal
