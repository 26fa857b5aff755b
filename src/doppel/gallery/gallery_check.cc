// Gallery::check(): what a gallery that somebody else may have written does not hold true.
#include <functional>
#include <map>
#include <span>

#include "doppel/base/digest.h"
#include "doppel/base/error.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/person_name.h"

namespace doppel {

std::vector<std::string> check_gallery(const std::string& location) {
  std::vector<std::string> problems;
  try {
    problems = open_database(location, Access::read)->check();
  } catch (const DamagedDatabase& damage) {
    return {damage.what()};  // so much that nothing of it can be read
  }
  if (problems.empty()) return Gallery::open(location, Access::read).check();
  try {
    problems = Gallery::open(location, Access::read).check();
  } catch (const Error&) {
    // By what is listed.
  }
  return problems;
}

void Gallery::refuse_damage() { database_->refuse_damage("photos"); }

std::vector<std::string> Gallery::check() {
  ReadTransaction transaction(*database_);
  std::vector<std::string> problems = database_->check();
  const bool damaged = !problems.empty();
  if (const auto fault = rule_fault(settings_)) problems.push_back("the gallery's " + *fault);
  // What cannot be read is among what the database has found already.
  const auto look = [&](const std::string& statement, std::span<const SqlValue> values,
                        const std::function<void(const SqlRow&)>& use) {
    try {
      database_->run(statement, values, use);
    } catch (const Error& error) {
      if (!damaged) problems.emplace_back(error.what());
    }
  };
  const auto number = [](int64_t id) { return std::to_string(id); };
  look("SELECT id, model, image, embedding FROM templates ORDER BY id", {}, [&](const SqlRow& row) {
    const std::string where = "template " + number(row.integer(0));
    if (row.text(1) != settings_.model_digest) problems.push_back(where + ": of another model");
    const std::string_view bytes = row.bytes(3);
    if (const auto fault = embedding_fault(floats_of(bytes), settings_)) {
      problems.push_back(where + ": its embedding " + *fault);
    }
    if (!is_digest_hex(row.text(2))) problems.push_back(where + ": its image has no digest");
  });
  std::map<std::string, std::string> looks;
  look("SELECT id, name FROM people ORDER BY id", {}, [&](const SqlRow& row) {
    const std::string where = "person " + number(row.integer(0)), name(row.text(1));
    try {
      check_person_name(name, where);
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
    const std::string quoted = where + ": \"" + shown(name) + "\"";
    if (normal_name(name) != name) problems.push_back(quoted + " is not in Unicode's form NFC");
    const auto [alike, fresh] = looks.emplace(look_of(name), quoted);
    if (!fresh) problems.push_back(quoted + " looks like " + alike->second);
  });
  look(
      "SELECT template FROM removed JOIN templates ON templates.id = removed.template", {},
      [&](const SqlRow& row) {
        problems.push_back("template " + number(row.integer(0)) + ": there, though it was removed");
      });
  look(
      "SELECT id FROM templates WHERE revision >"
      " (SELECT CAST(value AS BIGINT) FROM gallery WHERE key = 'revision')",
      {}, [&](const SqlRow& row) {
        problems.push_back("template " + number(row.integer(0)) +
                           ": of a revision that is still to come");
      });
  if (!settings_.photos) {
    look("SELECT template FROM photos", {}, [&](const SqlRow& row) {
      problems.push_back("template " + number(row.integer(0)) +
                         ": has a photo, though the gallery keeps none");
    });
  }
  return problems;
}

}  // namespace doppel
