// What a gallery tells of itself: people, templates, changes since a revision.
#include <algorithm>

#include "doppel/base/natural_order.h"
#include "doppel/error.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/person_name.h"

namespace doppel::internal {

std::vector<Person> Gallery::people() {
  std::vector<Person> people;
  database_->run(
      "SELECT people.id, people.name, people.added, COUNT(templates.id) FROM people"
      " LEFT JOIN templates ON templates.person = people.id"
      " GROUP BY people.id, people.name, people.added",
      {}, [&](const SqlRow& row) {
        people.push_back({row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
                          static_cast<size_t>(row.integer(3))});
      });
  std::ranges::sort(people,
                    [](const Person& a, const Person& b) { return natural_less(a.name, b.name); });
  return people;
}

std::optional<Person> Gallery::find(const std::string& name) {
  std::optional<Person> person;
  // As it is written, for galleries of a time when every form was kept.
  for (const std::string& written : {name, normal_name(name)}) {
    if (person) break;
    database_->run(
        "SELECT id, added, (SELECT COUNT(*) FROM templates WHERE person = people.id)"
        " FROM people WHERE name = $1",
        std::vector<SqlValue>{written}, [&](const SqlRow& row) {
          person = Person{row.integer(0), written, std::string(row.text(1)),
                          static_cast<size_t>(row.integer(2))};
        });
  }
  return person;
}

std::vector<TemplateFacts> Gallery::templates_of(int64_t person) {
  std::vector<TemplateFacts> facts;
  database_->run(
      "SELECT id, image, model, added, quality,"
      " (SELECT COUNT(*) FROM photos WHERE template = templates.id)"
      " FROM templates WHERE person = $1 ORDER BY id",
      std::vector<SqlValue>{person}, [&](const SqlRow& row) {
        facts.push_back({row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
                         std::string(row.text(3)), row.real(4), row.integer(5) > 0});
      });
  return facts;
}

std::optional<Face> Gallery::face(int64_t id) {
  std::optional<Face> face;
  database_->run(
      "SELECT people.name FROM templates JOIN people ON people.id = templates.person"
      " WHERE templates.id = $1",
      std::vector<SqlValue>{id}, [&](const SqlRow& row) {
        face = Face{id, std::string(row.text(0))};
      });
  return face;
}

std::vector<Face> Gallery::faces(size_t skipped, size_t most) {
  std::vector<Face> faces;
  database_->run(
      "SELECT templates.id, people.name FROM templates JOIN people"
      " ON people.id = templates.person ORDER BY templates.id LIMIT $1 OFFSET $2",
      std::vector<SqlValue>{static_cast<int64_t>(most), static_cast<int64_t>(skipped)},
      [&](const SqlRow& row) {
        faces.push_back({row.integer(0), std::string(row.text(1))});
      });
  return faces;
}

size_t Gallery::templates() {
  int64_t count = 0;
  database_->run("SELECT COUNT(*) FROM templates", {},
                 [&](const SqlRow& row) { count = row.integer(0); });
  return static_cast<size_t>(count);
}

std::vector<float> Gallery::embedding(int64_t id) {
  std::vector<float> embedding;
  database_->run("SELECT embedding FROM templates WHERE id = $1", std::vector<SqlValue>{id},
                 [&](const SqlRow& row) { embedding = floats_of(row.bytes(0)); });
  if (const auto fault = embedding_fault(embedding, settings_)) {
    throw Error(ErrorKind::bad_data, name() + ": the gallery is damaged: template " +
                                         std::to_string(id) + ": its embedding " + *fault +
                                         "; doppel gallery check lists what is wrong");
  }
  return embedding;
}

std::string Gallery::photo(int64_t id) {
  std::string bytes;
  database_->run("SELECT bytes FROM photos WHERE template = $1", std::vector<SqlValue>{id},
                 [&](const SqlRow& row) { bytes = row.bytes(0); });
  return bytes;
}

GalleryChanges Gallery::changes_since(int64_t revision,
                                      const std::function<void(const StoredTemplate&)>& added) {
  ReadTransaction transaction(*database_);
  GalleryChanges changes;
  changes.revision = this->revision();
  if (changes.revision == revision) return changes;
  read_settings();
  database_->run("SELECT template FROM removed WHERE revision > $1",
                 std::vector<SqlValue>{revision},
                 [&](const SqlRow& row) { changes.removed.push_back(row.integer(0)); });
  database_->run(
      "SELECT id, name, added FROM people WHERE revision > $1 OR id IN"
      " (SELECT person FROM templates WHERE revision > $1)",
      std::vector<SqlValue>{revision}, [&](const SqlRow& row) {
        changes.people.push_back(
            {row.integer(0), std::string(row.text(1)), std::string(row.text(2)), 0});
      });
  database_->run("SELECT id, person, embedding FROM templates WHERE revision > $1 ORDER BY id",
                 std::vector<SqlValue>{revision}, [&](const SqlRow& row) {
                   const std::vector<float> embedding = floats_of(row.bytes(2));
                   added({row.integer(0), row.integer(1), embedding});
                 });
  return changes;
}

}  // namespace doppel::internal
