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

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/location.h"
#include "doppel/gallery/schema.h"
#include "doppel/gallery/sqlite_place.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

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
  for (const TableColumns& table : gallery_columns()) {
    if (table.table == "removed") continue;  // of use only to whom follows the gallery it is of
    std::string columns, places;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      columns += (i > 0 ? ", " : "") + table.columns[i];
      places += (i > 0 ? ", $" : "$") + std::to_string(i + 1);
    }
    const std::string insert =
        "INSERT INTO " + table.table + " (" + columns + ") VALUES (" + places + ")";
    from.run("SELECT " + columns + " FROM " + table.table, {}, [&](const SqlRow& row) {
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

// Nothing where they cannot be read.
std::optional<GallerySettings> settings_of(Database& database) {
  std::string text;
  try {
    database.run("SELECT value FROM gallery WHERE key = 'settings'", {},
                 [&](const SqlRow& row) { text = row.text(0); });
    return gallery_settings_from_json(
        nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false), database.name());
  } catch (const Error&) {
    return {};
  }
}

// Whoever uses the gallery now does so with its model, and could not go on.
void refuse_other_model(Database& backup, Database& gallery) {
  const std::optional<GallerySettings> before = settings_of(gallery), after = settings_of(backup);
  if (!before || !after || before->model_digest == after->model_digest) return;
  const auto model = [](const GallerySettings& settings) {
    return settings.model_file + ", digest " + settings.model_digest.substr(0, 12);
  };
  throw Error(ErrorKind::mismatch,
              backup.name() + ": the backup is of another model (" + model(*after) +
                  ") than the gallery " + gallery.name() + " is now (" + model(*before) +
                  "); nothing was changed; to go back to that model stop what uses the gallery, "
                  "move it away, and restore then");
}

void overwrite(Database& from, const std::string& location) {
  const auto to = open_database(location, Access::read_write);
  {
    WriteTransaction writing(*to);
    refuse_other_model(from, *to);
    const int64_t revision = revision_of(*to);
    std::optional<std::string> keys;
    to->run("SELECT value FROM gallery WHERE key = $1",
            std::vector<SqlValue>{std::string_view(kAccessKeysRow)},
            [&](const SqlRow& row) { keys = row.text(0); });
    for (auto table = gallery_columns().rbegin(); table != gallery_columns().rend(); ++table) {
      to->run("DELETE FROM " + table->table);
    }
    copy_rows(from, *to, revision);
    to->run("DELETE FROM gallery WHERE key = $1", {std::string_view(kAccessKeysRow)});
    if (keys) {
      to->run("INSERT INTO gallery VALUES ($1, $2)",
              {std::string_view(kAccessKeysRow), std::string_view(*keys)});
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
  } catch (const DiskFull&) {
    throw;
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
    if (file_ < 0) fail(location, "what is there cannot be opened");
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

  // Whether the file was a gallery once, or at least a SQLite database: by how these begin, or,
  // where just that is damaged, by the row in which a gallery names its format.
  bool was_gallery() const {
    constexpr std::string_view kBeginning("SQLite format 3\0", 16);
    const std::string row = std::string("format") + kGalleryFormat;
    std::string part(size_t{1} << 20, '\0');
    size_t kept = 0;  // of the part before: the row may begin in one and end in the next
    for (off_t at = 0;;) {
      const ssize_t read = ::pread(file_, part.data() + kept, part.size() - kept, at);
      if (read <= 0) return false;
      const std::string_view seen(part.data(), kept + static_cast<size_t>(read));
      if (at == 0 && seen.starts_with(kBeginning)) return true;
      if (seen.find(row) != std::string_view::npos) return true;
      at += read;
      kept = std::min(seen.size(), row.size() - 1);
      std::memmove(part.data(), seen.data() + seen.size() - kept, kept);
    }
  }

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
  if (!alone.was_gallery()) {
    throw Error(ErrorKind::bad_data,
                location +
                    ": no gallery, and nothing in it shows that it was one; nothing was "
                    "changed; if a gallery is to lie there, move it away first");
  }
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
    return restored;
  }
  check_sqlite_place(location, Access::read_write);
  if (is_whole(location)) {
    overwrite(*from, location);
    restored.kept_keys = true;
  } else {
    restored.set_aside = replace(*from, location);
  }
  return restored;
}

}  // namespace doppel::internal
