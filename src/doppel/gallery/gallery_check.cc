// Gallery::check(): what a gallery that somebody else may have written does not hold true.
#include <map>

#include "doppel/base/digest.h"
#include "doppel/base/error.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/person_name.h"

namespace doppel {

std::vector<std::string> Gallery::check() {
  ReadTransaction transaction(*database_);
  std::vector<std::string> problems = database_->check();
  if (const auto fault = rule_fault(settings_)) problems.push_back("the gallery's " + *fault);
  const auto number = [](int64_t id) { return std::to_string(id); };
  database_->run("SELECT id, model, image, embedding FROM templates ORDER BY id", {},
                 [&](const SqlRow& row) {
                   const std::string where = "template " + number(row.integer(0));
                   if (row.text(1) != settings_.model_digest)
                     problems.push_back(where + ": of another model");
                   const std::string_view bytes = row.bytes(3);
                   if (const auto fault = embedding_fault(floats_of(bytes), settings_)) {
                     problems.push_back(where + ": its embedding " + *fault);
                   }
                   if (!is_digest_hex(row.text(2)))
                     problems.push_back(where + ": its image has no digest");
                 });
  std::map<std::string, std::string> looks;
  database_->run("SELECT id, name FROM people ORDER BY id", {}, [&](const SqlRow& row) {
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
  database_->run(
      "SELECT template FROM removed JOIN templates ON templates.id = removed.template", {},
      [&](const SqlRow& row) {
        problems.push_back("template " + number(row.integer(0)) + ": there, though it was removed");
      });
  const int64_t latest = revision();
  database_->run("SELECT id FROM templates WHERE revision > $1", std::vector<SqlValue>{latest},
                 [&](const SqlRow& row) {
                   problems.push_back("template " + number(row.integer(0)) +
                                      ": of a revision that is still to come");
                 });
  if (!settings_.photos) {
    database_->run("SELECT template FROM photos", {}, [&](const SqlRow& row) {
      problems.push_back("template " + number(row.integer(0)) +
                         ": has a photo, though the gallery keeps none");
    });
  }
  return problems;
}

}  // namespace doppel
