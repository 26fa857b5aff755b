// What a gallery asks of the database that holds it: statements of the SQL that SQLite and
// PostgreSQL share come in, rows go out. One implementation for each (sqlite.h, postgres.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {

// A database whose bytes are not what was written.
class DamagedDatabase : public Error {
 public:
  explicit DamagedDatabase(const std::string& what) : Error(ErrorKind::io, what) {}
};

// A column that was read as another type than it has, or is null: somebody else wrote it.
class WrongColumn : public Error {
 public:
  WrongColumn(const std::string& database, const std::string& column)
      : Error(ErrorKind::bad_data, database + ": the gallery is damaged: its column \"" + column +
                                       "\" holds something else") {}
};

// Bytes as a value, where a text is one of characters.
struct Bytes {
  std::string_view bytes;
};
// Texts and bytes have to outlive the statement.
using SqlValue = std::variant<int64_t, double, std::string_view, Bytes>;

// One row of an answer, valid until the next one. Throws WrongColumn.
class SqlRow {
 public:
  virtual ~SqlRow() = default;
  virtual int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual std::string_view bytes(int column) const = 0;
};

// Used by one thread at a time. Failures throw Error(io), a full disk DiskFull, that begins
// with name().
class Database {
 public:
  virtual ~Database() = default;

  virtual const std::string& name() const = 0;  // for messages, without a password

  // Creates the tables of a new gallery and runs `fill`, all or nothing: `tables` are statements in
  // which @id stands for a row's own number and @bytes for bytes.
  virtual void create(std::span<const std::string> tables, const std::function<void()>& fill) = 0;
  virtual bool has_table(const std::string& table) = 0;

  // Runs one statement; `values` stand for $1, $2, .. in it, in this order. `use` is called with
  // every row of the answer.
  virtual void run(const std::string& statement, std::span<const SqlValue> values,
                   const std::function<void(const SqlRow&)>& use) = 0;
  void run(const std::string& statement, std::initializer_list<SqlValue> values = {}) {
    run(statement, std::span(values.begin(), values.size()), [](const SqlRow&) {});
  }

  // Reading sees one state from begin_read() to end(); writing keeps other writers out from
  // begin_write() to commit(), which returns when all is safely on the disk. end() takes back what
  // was not committed, and never throws.
  virtual void begin_read() = 0;
  virtual void begin_write() = 0;
  virtual void commit() = 0;
  virtual void end() noexcept = 0;

  // False where nothing was committed since it was last asked, by anyone; costs next to nothing. A
  // server says so moments after the commit.
  virtual bool changed() = 0;

  // After a removal from `tables` was committed: takes what was removed out of the files, too.
  // False where others that are reading keep it there for now.
  virtual bool purge(std::span<const std::string> tables) = 0;

  // After a change was refused with DiskFull: throws that where there is still no room for one.
  virtual void check_room() = 0;

  // What the database's own check finds wrong.
  virtual std::vector<std::string> check() = 0;
  // Throws where a quick look at all tables but one finds any of it.
  virtual void refuse_damage(const std::string& but) = 0;
};

enum class Access {
  read,        // the database exists and is not changed
  read_write,  // the database exists
  create,      // for what create() is to make: a file that is empty or not there, a server that is
};

// The location, wherever this process goes: a file's whole path.
std::string lasting_location(const std::string& location);

// Of a file's path, or a server's URL (location.h), as its kind does (database_kinds.h). Throws as
// open_sqlite() and open_postgres() do.
std::unique_ptr<Database> open_database(const std::string& location, Access access);

// begin_write() now, end() at the end of the scope.
class WriteTransaction {
 public:
  explicit WriteTransaction(Database& database) : database_(database) { database_.begin_write(); }
  ~WriteTransaction() { database_.end(); }
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;
  void commit() { database_.commit(); }

 private:
  Database& database_;
};

class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database) : database_(database) { database_.begin_read(); }
  ~ReadTransaction() { database_.end(); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Database& database_;
};

}  // namespace doppel::internal
