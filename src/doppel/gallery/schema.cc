#include "doppel/gallery/schema.h"

namespace doppel::internal {

const std::vector<std::string>& gallery_tables() {
  static const std::vector<std::string> statements = {
      "CREATE TABLE gallery (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
      R"(CREATE TABLE people (id @id, name TEXT NOT NULL UNIQUE, added TEXT NOT NULL,
         revision BIGINT NOT NULL))",
      R"(CREATE TABLE templates (id @id, person BIGINT NOT NULL REFERENCES people(id),
         revision BIGINT NOT NULL, model TEXT NOT NULL, image TEXT NOT NULL UNIQUE,
         added TEXT NOT NULL, quality DOUBLE PRECISION NOT NULL, embedding @bytes NOT NULL))",
      "CREATE INDEX templates_of ON templates (person)",
      "CREATE INDEX templates_since ON templates (revision)",
      "CREATE INDEX people_since ON people (revision)",
      R"(CREATE TABLE photos (template BIGINT PRIMARY KEY REFERENCES templates(id),
         bytes @bytes NOT NULL))",
      // Numbers of removed templates only: for programs that hold an index.
      "CREATE TABLE removed (template BIGINT PRIMARY KEY, revision BIGINT NOT NULL)"};
  return statements;
}

const std::vector<TableColumns>& gallery_columns() {
  static const std::vector<TableColumns> tables = {
      {"gallery", "note", {"key", "value"}, "tt"},
      {"people", "person", {"id", "name", "added", "revision"}, "itti"},
      {"templates",
       "template",
       {"id", "person", "revision", "model", "image", "added", "quality", "embedding"},
       "iiitttrb"},
      {"photos", "photo of template", {"template", "bytes"}, "ib"},
      {"removed", "removed template", {"template", "revision"}, "ii"}};
  return tables;
}

const std::vector<std::string>& personal_tables() {
  static const std::vector<std::string> tables = {"people", "templates", "photos"};
  return tables;
}

}  // namespace doppel::internal
