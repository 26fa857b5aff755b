#include "doppel/gallery/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "doppel/base/error.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/schema.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;

// Each after those that it refers to.
struct Table {
  std::string name, columns;
  std::string types;  // of the columns: integer, real, text, bytes
};
const std::vector<Table>& restored_tables() {
  static const std::vector<Table> tables = {
      {"gallery", "key, value", "tt"},
      {"people", "id, name, added, revision", "itti"},
      {"templates", "id, person, revision, model, image, added, quality, embedding", "iiitttrb"},
      {"photos", "template, bytes", "ib"}};
  return tables;
}

std::vector<SqlValue> values_of(const SqlRow& row, const std::string& types) {
  std::vector<SqlValue> values;
  for (size_t i = 0; i < types.size(); ++i) {
    const int column = static_cast<int>(i);
    switch (types[i]) {
      case 'i':
        values.emplace_back(row.integer(column));
        break;
      case 'r':
        values.emplace_back(row.real(column));
        break;
      case 't':
        values.emplace_back(row.text(column));
        break;
      default:
        values.emplace_back(Bytes{row.bytes(column)});
    }
  }
  return values;
}

int64_t revision_of(Database& database) {
  int64_t revision = 0;
  database.run("SELECT CAST(value AS BIGINT) FROM gallery WHERE key = 'revision'", {},
               [&](const SqlRow& row) { revision = row.integer(0); });
  return revision;
}

// Within a transaction of `to`, whose tables are empty.
void copy_rows(Database& from, Database& to, int64_t revision_before) {
  const ReadTransaction reading(from);
  for (const Table& table : restored_tables()) {
    std::string places;
    for (size_t i = 1; i <= table.types.size(); ++i) {
      places += (i > 1 ? ", $" : "$") + std::to_string(i);
    }
    const std::string insert =
        "INSERT INTO " + table.name + " (" + table.columns + ") VALUES (" + places + ")";
    from.run("SELECT " + table.columns + " FROM " + table.name, {}, [&](const SqlRow& row) {
      to.run(insert, values_of(row, table.types), [](const SqlRow&) {});
    });
  }
  const std::string revision = std::to_string(std::max(revision_of(from), revision_before) + 1);
  const std::string identity = new_gallery_identity();
  to.run("UPDATE gallery SET value = $1 WHERE key = 'revision'", {std::string_view(revision)});
  to.run("UPDATE gallery SET value = $1 WHERE key = 'identity'", {std::string_view(identity)});
}

void fill(Database& from, const std::string& location) {
  const auto to = open_database(location, Access::create);
  to->create(gallery_tables(), [&] { copy_rows(from, *to, 0); });
}

void overwrite(Database& from, const std::string& location) {
  const auto to = open_database(location, Access::read_write);
  {
    WriteTransaction writing(*to);
    const int64_t revision = revision_of(*to);
    std::optional<std::string> keys;
    to->run("SELECT value FROM gallery WHERE key = $1",
            std::vector<SqlValue>{std::string_view(kKeysNote)},
            [&](const SqlRow& row) { keys = row.text(0); });
    to->run("DELETE FROM removed");
    for (auto table = restored_tables().rbegin(); table != restored_tables().rend(); ++table) {
      to->run("DELETE FROM " + table->name);
    }
    copy_rows(from, *to, revision);
    to->run("DELETE FROM gallery WHERE key = $1", {std::string_view(kKeysNote)});
    if (keys) {
      to->run("INSERT INTO gallery VALUES ($1, $2)",
              {std::string_view(kKeysNote), std::string_view(*keys)});
    }
    writing.commit();
  }
  to->purge(personal_tables());
}

// Whether it can be written into; what is a database of something else is refused.
bool is_whole(const std::string& location) {
  try {
    const auto database = open_database(location, Access::read);
    if (!database->check().empty()) return false;
    if (database->has_table("gallery")) return true;
  } catch (const Error&) {
    return false;
  }
  throw Error(ErrorKind::bad_data,
              location + ": a database of something else; move it away to restore a gallery there");
}

[[noreturn]] void fail(const std::string& location, const std::string& what) {
  throw Error(ErrorKind::io,
              location + ": " + what + ": " + std::strerror(errno) + "; nothing was changed");
}

// Keeps every user of a SQLite file out while it lives.
class Alone {
 public:
  explicit Alone(const std::string& location)
      : file_(::open(location.c_str(), O_RDWR | O_CLOEXEC)) {
    if (file_ < 0) fail(location, "the damaged gallery cannot be opened");
    // The bytes that SQLite locks: https://www.sqlite.org/fileformat2.html#the_lock_byte_page
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000000;
    lock.l_len = 512;
    if (::fcntl(file_, F_OFD_SETLK, &lock) != 0) {
      ::close(file_);
      throw Error(ErrorKind::io, location +
                                     ": the gallery is damaged and in use; stop what uses it, and "
                                     "restore it then; nothing was changed");
    }
  }
  ~Alone() { ::close(file_); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

  // The owner and the rights of the file that it keeps, for another one.
  void give_rights_to(const std::string& location) const {
    struct stat status = {};
    if (::fstat(file_, &status) != 0) return;
    if (::chmod(location.c_str(), status.st_mode & 07777) != 0) return;
    if (::chown(location.c_str(), status.st_uid, status.st_gid) != 0) return;
  }

 private:
  int file_;
};

void flush_folder_of(const std::string& location) {
  const fs::path folder = fs::path(location).parent_path();
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return;
  ::fsync(handle);
  ::close(handle);
}

// Of a damaged gallery: the files that are out of the way then. Its log first: without it, a
// gallery that is there again is never mixed with it.
std::vector<std::string> replace(Database& from, const std::string& location) {
  const std::string fresh = location + ".restoring", aside = location + ".damaged";
  for (const char* beside : {"", "-wal"}) {
    if (fs::exists(aside + beside)) {
      throw Error(ErrorKind::io, aside + beside +
                                     ": it is there since an earlier restore; move it "
                                     "away first; nothing was changed");
    }
  }
  const Alone alone(location);
  fs::remove(fresh);
  std::vector<std::string> moved;
  try {
    fill(from, fresh);
    alone.give_rights_to(fresh);
    for (const char* beside : {"-wal", ""}) {
      if (!fs::exists(location + beside)) continue;
      if (std::rename((location + beside).c_str(), (aside + beside).c_str()) != 0) {
        fail(location, "the damaged gallery cannot be moved away");
      }
      moved.push_back(aside + beside);
    }
    for (const char* beside : {"-shm", "-journal"}) fs::remove(location + beside);
    if (std::rename(fresh.c_str(), location.c_str()) != 0) fail(location, "it cannot be made");
  } catch (...) {
    std::error_code ignored;
    for (const char* beside : {"", "-wal"}) {
      const bool gone = std::ranges::find(moved, aside + beside) != moved.end();
      if (gone) fs::rename(aside + beside, location + beside, ignored);
    }
    fs::remove(fresh, ignored);
    throw;
  }
  flush_folder_of(location);
  return moved;
}

}  // namespace

Restored restore_gallery(const std::string& backup, const std::string& location) {
  if (is_server(backup) || is_server(location)) {
    throw Error(ErrorKind::bad_argument,
                "doppel gallery restore is for galleries in files; one on a PostgreSQL server is "
                "restored by the server's own pg_dump and pg_restore");
  }
  std::error_code error;
  if (fs::equivalent(backup, location, error)) {
    throw Error(ErrorKind::bad_argument, backup + ": the backup is the gallery itself");
  }
  Restored restored;
  {
    Gallery gallery = Gallery::open(backup, Access::read);
    for (const Person& person : gallery.people()) {
      ++restored.people;
      restored.templates += person.templates;
    }
  }
  const auto from = open_database(backup, Access::read);
  if (const std::vector<std::string> problems = from->check(); !problems.empty()) {
    throw Error(ErrorKind::bad_data, backup + ": the backup is damaged (" + problems.front() +
                                         "); nothing was changed; doppel gallery check lists what "
                                         "is wrong");
  }
  const auto size = fs::file_size(location, error);
  if (error == std::errc::no_such_file_or_directory || (!error && size == 0)) {
    fill(*from, location);
  } else if (is_whole(location)) {
    overwrite(*from, location);
    restored.kept_keys = true;
  } else {
    restored.set_aside = replace(*from, location);
  }
  return restored;
}

}  // namespace doppel
