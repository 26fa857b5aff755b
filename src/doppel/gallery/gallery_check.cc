// Gallery::check(): what a gallery that somebody else may have written does not hold true.
#include <functional>
#include <map>
#include <span>

#include "doppel/base/digest.h"
#include "doppel/error.h"
#include "doppel/gallery/database_kinds.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/person_name.h"
#include "doppel/gallery/schema.h"

namespace doppel::internal {
namespace {

// As a value of the type that a letter of TableColumns::types stands for.
void read_column(const SqlRow& row, int column, char type) {
  switch (type) {
    case 'i':
      row.integer(column);
      break;
    case 'r':
      row.real(column);
      break;
    case 't':
      row.text(column);
      break;
    default:
      row.bytes(column);
  }
}

std::vector<std::string> wrong_columns(const SqlRow& row, const TableColumns& table) {
  std::vector<std::string> wrong;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    try {
      read_column(row, static_cast<int>(i), table.types[i]);
    } catch (const WrongColumn&) {
      wrong.push_back(table.columns[i]);
    }
  }
  return wrong;
}

// What tells this row from the others.
std::string key_of(const SqlRow& row, const TableColumns& table) {
  try {
    if (table.types[0] == 'i') return std::to_string(row.integer(0));
    return "\"" + shown(row.text(0)) + "\"";
  } catch (const WrongColumn&) {
    return "without a number";
  }
}

}  // namespace

std::vector<std::string> check_gallery(const std::string& location) {
  std::vector<std::string> problems;
  try {
    problems = open_database(location, Access::read)->check();
  } catch (const DamagedDatabase& damage) {
    return {damage.what()};  // so much that nothing of it can be read
  }
  try {
    return Gallery::open(location, Access::read).check();
  } catch (const WrongColumn& wrong) {
    problems.emplace_back(wrong.what());
  } catch (const Error&) {
    if (problems.empty()) throw;  // else by what is listed
  }
  return problems;
}

void Gallery::refuse_damage() { database_->refuse_damage("photos"); }

std::vector<std::string> Gallery::check() {
  ReadTransaction transaction(*database_);
  std::vector<std::string> problems = database_->check();
  const bool damaged = !problems.empty();
  if (const auto fault = rule_fault(settings_)) problems.push_back("the gallery's " + *fault);
  // What cannot be read is among what the database has found already. A row that holds something
  // else is named below, and the rest is looked at.
  const auto look = [&](const std::string& statement, std::span<const SqlValue> values,
                        const std::function<void(const SqlRow&)>& use) {
    try {
      database_->run(statement, values, [&use](const SqlRow& row) {
        try {
          use(row);
        } catch (const WrongColumn&) {
        }
      });
    } catch (const Error& error) {
      if (!damaged) problems.emplace_back(error.what());
    }
  };
  const auto number = [](int64_t id) { return std::to_string(id); };
  for (const TableColumns& table : gallery_columns()) {
    // Photos are many bytes to fetch from a server, which keeps their type.
    if (table.table == "photos" && !database_kind(location_).in_files) continue;
    std::string columns;
    for (const std::string& column : table.columns) {
      columns += (columns.empty() ? "" : ", ") + column;
    }
    look("SELECT " + columns + " FROM " + table.table, {}, [&](const SqlRow& row) {
      for (const std::string& column : wrong_columns(row, table)) {
        problems.push_back(table.row + " " + key_of(row, table) + ": its column \"" + column +
                           "\" holds something else");
      }
    });
  }
  look("SELECT id, model FROM templates ORDER BY id", {}, [&](const SqlRow& row) {
    if (row.text(1) == settings_.model_digest) return;
    problems.push_back("template " + number(row.integer(0)) + ": of another model");
  });
  look("SELECT id, embedding FROM templates ORDER BY id", {}, [&](const SqlRow& row) {
    if (const auto fault = embedding_fault(floats_of(row.bytes(1)), settings_)) {
      problems.push_back("template " + number(row.integer(0)) + ": its embedding " + *fault);
    }
  });
  look("SELECT id, image FROM templates ORDER BY id", {}, [&](const SqlRow& row) {
    if (is_digest_hex(row.text(1))) return;
    problems.push_back("template " + number(row.integer(0)) + ": its image has no digest");
  });
  std::map<std::string, std::string> names;
  look("SELECT id, name FROM people ORDER BY id", {}, [&](const SqlRow& row) {
    const std::string where = "person " + number(row.integer(0)), name(row.text(1));
    try {
      check_person_name(name, where);
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
    const std::string quoted = where + ": \"" + shown(name) + "\"";
    if (normal_name(name) != name) problems.push_back(quoted + " is not in Unicode's form NFC");
    const auto [alike, fresh] = names.emplace(comparable_name(name), quoted);
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

}  // namespace doppel::internal
