#include "doppel/gallery/sqlite.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <sstream>
#include <system_error>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/sqlite_errors.h"
#include "doppel/gallery/sqlite_guest.h"
#include "doppel/gallery/sqlite_place.h"
#include "doppel/gallery/sqlite_states.h"

namespace doppel::internal {
namespace {

constexpr int kPatienceMs = 5000;  // with another process that writes
constexpr int kGuestTries = 5;
constexpr int kMostFindings = 100'000;  // SQLite lists 100 where nothing is said
constexpr size_t kRoom = 1 << 20;       // bytes, of a change of a few photos and its log

class StatementRow : public SqlRow {
 public:
  StatementRow(SQLite::Statement& statement, const std::string& name)
      : statement_(statement), name_(name) {}

  int64_t integer(int column) const override { return typed(column, SQLITE_INTEGER).getInt64(); }
  double real(int column) const override { return typed(column, SQLITE_FLOAT).getDouble(); }
  std::string_view text(int column) const override {
    const SQLite::Column value = typed(column, SQLITE_TEXT);
    const char* characters = value.getText();
    return {characters, static_cast<size_t>(value.getBytes())};
  }
  std::string_view bytes(int column) const override {
    const SQLite::Column value = typed(column, SQLITE_BLOB);
    return {static_cast<const char*>(value.getBlob()), static_cast<size_t>(value.getBytes())};
  }

 private:
  SQLite::Column typed(int column, int type) const {
    SQLite::Column value = statement_.getColumn(column);
    if (value.getType() != type) {
      throw WrongColumn(name_, value.getName());
    }
    return value;
  }

  SQLite::Statement& statement_;
  const std::string& name_;
};

// Who else may read it is for its owner to say. SQLite gives its log the same rights. False where
// there is a file.
bool make_private(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) return false;
  ::close(file);
  return true;
}

bool is_empty_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::file_size(path, error) == 0 && !error;
}

class SqliteDatabase : public Database {
 public:
  // `made`: the file, empty, for this.
  SqliteDatabase(const std::filesystem::path& path, Access access, bool made)
      : name_(path.string()), file_(sqlite_file(path)), access_(access), made_(made) {
    if (access == Access::read) {
      connect_to_read();
    } else {
      connect(file_, access == Access::create ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE
                                              : SQLite::OPEN_READWRITE);
    }
  }
  ~SqliteDatabase() override {
    if (made_) remove_empty();
  }
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  const std::string& name() const override { return name_; }

  void create(std::span<const std::string> tables, const std::function<void()>& fill) override {
    // Without the log: that would put a database without tables into the file first.
    {
      WriteTransaction transaction(*this);
      attempt([&] {
        refuse_tables();
        // Of a file that was here before, and that somebody may still hold.
        if (is_empty_file(file_)) remove_log();
        for (std::string table : tables) {
          replace(table, "@id", "INTEGER PRIMARY KEY AUTOINCREMENT");
          replace(table, "@bytes", "BLOB");
          database_->exec(table);
        }
      });
      fill();
      transaction.commit();
    }
    try {
      attempt([&] {
        use_log();
        database_->tableExists("");  // the log's files have to have room, too
      });
    } catch (const Error&) {
      remove_all();
      throw;
    }
    made_ = false;
    keep_log_on_close(false);
  }

  bool has_table(const std::string& table) override {
    bool found = false;
    read([&] { found = database_->tableExists(table); });
    return found;
  }

  using Database::run;
  void run(const std::string& text, std::span<const SqlValue> values,
           const std::function<void(const SqlRow&)>& use) override {
    read([&] {
      if (!in_transaction() && !by_itself()) states_->check_if_changed();
      SQLite::Statement& statement = prepared(text);
      // Also where `use` throws: a statement that is not reset keeps its locks.
      struct Reset {
        SQLite::Statement& statement;
        ~Reset() { statement.tryReset(); }
      } reset{statement};
      for (size_t i = 0; i < values.size(); ++i)
        bind(statement, static_cast<int>(i) + 1, values[i]);
      const StatementRow row(statement, name_);
      while (statement.executeStep()) use(row);
    });
  }

  void begin_read() override {
    follow_file();
    begin("BEGIN");
  }
  void begin_write() override { begin("BEGIN IMMEDIATE"); }
  void commit() override {
    attempt([&] {
      states_->advance();
      database_->exec("COMMIT");
    });
    empty_log();
  }
  void end() noexcept override { roll_back(); }

  // Whoever asks for the revision is told; nothing is cheaper.
  bool changed() override { return true; }

  // Freed pages of the file are zero already; the log holds the pages as they were before.
  bool purge(std::span<const std::string> /*tables*/) override {
    return attempt([&] {
      SQLite::Statement statement(*database_, "PRAGMA wal_checkpoint(TRUNCATE)");
      return statement.executeStep() && statement.getColumn(0).getInt() == 0;
    });
  }

  void check_room() override {
    const std::filesystem::path folder = std::filesystem::path(file_).parent_path();
    doppel::internal::check_room(folder.empty() ? "." : folder, kRoom);
  }

  std::vector<std::string> check() override {
    std::vector<std::string> problems;
    read([&] { look_for_damage(problems); });
    return problems;
  }

  void refuse_damage(const std::string& but) override {
    std::vector<std::string> tables;
    run("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> $1",
        std::vector<SqlValue>{but}, [&](const SqlRow& row) { tables.emplace_back(row.text(0)); });
    attempt([&] {
      for (const std::string& table : tables) {
        std::vector<std::string> problems;
        add_findings("PRAGMA quick_check(" + table + ")", problems);
        if (problems.empty()) continue;
        throw Error(ErrorKind::bad_data, name_ + ": the gallery is damaged (" + problems.front() +
                                             "); nothing was changed; doppel gallery check lists "
                                             "what is wrong, restore puts a copy in its place");
      }
    });
  }

 private:
  void disconnect() {
    statements_.clear();
    states_.reset();
    database_.reset();
  }
  void connect(const std::string& location, int flags) {
    disconnect();
    attempt([&] {
      database_.emplace(location, flags, kPatienceMs);
      states_.emplace(*database_, file_, access_ != Access::read);
      // Until it is known that the log belongs to the file.
      keep_log_on_close(true);
      // Nothing in a file that somebody sent may make us run what it holds.
      sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
      sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
      database_->exec("PRAGMA cell_size_check = ON");
      database_->exec("PRAGMA foreign_keys = ON");
      database_->exec("PRAGMA secure_delete = ON");
      if (access_ != Access::create) {
        begin("BEGIN");
        roll_back();
        keep_log_on_close(false);
      }
      if (access_ == Access::read) {
        database_->exec("PRAGMA query_only = ON");
        return;
      }
      // Of a new file: a page of several templates, so that reading them all takes few steps.
      database_->exec("PRAGMA page_size = 16384");
      database_->exec("PRAGMA synchronous = FULL");
      if (access_ == Access::read_write) use_log();
    });
  }

  // A reader opens for writing where it can: only then does the last one take the log's files away.
  void connect_to_read() {
    if (!may_change_sqlite(file_)) {
      guest_.emplace(file_, GuestReason::rights);
      connect_as_guest();
      return;
    }
    try {
      connect(file_, SQLite::OPEN_READWRITE);
      guest_.reset();
    } catch (const DiskFull&) {
      disconnect();
      guest_.emplace(file_, GuestReason::room);
      connect_as_guest();
    } catch (const Error&) {
      disconnect();
      throw;
    }
  }
  void connect_as_guest() {
    for (int tries_left = kGuestTries;; --tries_left) {
      const std::string uri = guest_->uri();
      try {
        connect(uri, SQLite::OPEN_READONLY | SQLite::OPEN_URI);
        return;
      } catch (const Error& error) {
        disconnect();
        // The log may just have gone, with the last one who wrote.
        if (error.kind() != ErrorKind::io || tries_left == 0) throw;
      }
    }
  }
  // Outside of a transaction: what a guest reads may be another file by now, or have got a log.
  void follow_file() {
    if (!guest_ || in_transaction()) return;
    if (!database_ || guest_->outdated()) connect_to_read();
  }
  // What is read together is one transaction, or one statement. Also where that fails: what is
  // being changed cannot be told from damage.
  template <typename Work>
  void read(Work work) {
    follow_file();
    try {
      attempt(work);
    } catch (const Error&) {
      if (guest_) guest_->check_unchanged();
      throw;
    }
    if (guest_) guest_->check_unchanged();
  }

  bool in_transaction() const {
    return database_ && sqlite3_get_autocommit(database_->getHandle()) == 0;
  }
  bool by_itself() const { return guest_ && guest_->by_itself(); }

  void begin(const char* statement) {
    attempt([&] { database_->exec(statement); });
    if (by_itself()) return;
    try {
      attempt([&] { states_->check(); });
    } catch (const Error&) {
      roll_back();
      throw;
    }
  }
  void roll_back() noexcept {
    if (in_transaction()) database_->tryExec("ROLLBACK");
  }

  // So that the file alone is the gallery again, whoever copies it or ends us. What a reader keeps
  // there for now waits for the next commit.
  void empty_log() noexcept {
    sqlite3* const handle = database_->getHandle();
    sqlite3_busy_timeout(handle, 0);
    sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    sqlite3_busy_timeout(handle, kPatienceMs);
  }
  void keep_log_on_close(bool keep) const {
    if (!database_) return;
    sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0,
                      nullptr);
  }

  void look_for_damage(std::vector<std::string>& problems) {
    const auto look = [&problems](const auto& work) {
      try {
        work();
      } catch (const SQLite::Exception& error) {
        if (error.getErrorCode() != SQLITE_CORRUPT) throw;
        problems.push_back(std::string("SQLite cannot read on: ") + error.what());
      }
    };
    look([&] {
      add_findings("PRAGMA integrity_check(" + std::to_string(kMostFindings) + ")", problems);
    });
    look([&] {
      SQLite::Statement keys(*database_, "PRAGMA foreign_key_check");
      while (keys.executeStep()) {
        problems.push_back("row " + keys.getColumn(1).getString() + " of \"" +
                           keys.getColumn(0).getString() + "\" refers to a row that is not there");
      }
    });
  }

  // A row of what SQLite finds may be several lines, the first of which names the database.
  void add_findings(const std::string& pragma, std::vector<std::string>& problems) {
    SQLite::Statement statement(*database_, pragma);
    while (statement.executeStep()) {
      std::istringstream rows(statement.getColumn(0).getString());
      for (std::string finding; std::getline(rows, finding);) {
        if (finding != "ok" && !finding.starts_with("***")) problems.push_back(finding);
      }
    }
  }

  // Takes the file for itself for a moment. Where another has it, whoever comes next does this.
  void use_log() {
    try {
      database_->exec("PRAGMA journal_mode = WAL");
    } catch (const SQLite::Exception& error) {
      if (error.getErrorCode() != SQLITE_BUSY) throw;
    }
  }

  void refuse_tables() {
    if (database_->tableExists("gallery")) {
      throw Error(ErrorKind::io, name_ + ": there is a gallery already; nothing was changed");
    }
    SQLite::Statement other(*database_, "SELECT name FROM sqlite_schema");
    if (other.executeStep()) {
      throw Error(ErrorKind::bad_data, name_ + ": no gallery: a database of something else");
    }
  }

  // What could not be made leaves nothing. Under the lock: another may make a gallery of the file.
  void remove_empty() noexcept {
    if (database_->tryExec("BEGIN IMMEDIATE") == SQLITE_BUSY) return;
    if (is_empty_file(file_)) ::unlink(file_.c_str());
    database_->tryExec("ROLLBACK");
  }
  // The same when all was in the file, and there was no room for its log, for nobody.
  void remove_all() noexcept {
    std::error_code ignored;
    if (made_) {
      std::filesystem::remove(file_, ignored);
    } else {
      std::filesystem::resize_file(file_, 0, ignored);
    }
    remove_log();
    made_ = false;
  }
  void remove_log() const noexcept {
    std::error_code ignored;
    for (const char* beside : {"-wal", "-shm"}) std::filesystem::remove(file_ + beside, ignored);
  }

  static void replace(std::string& text, std::string_view mark, std::string_view with) {
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
      text.replace(at, mark.size(), with);
    }
  }

  static void bind(SQLite::Statement& statement, int index, const SqlValue& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) {
      statement.bind(index, *number);
    } else if (const auto* real = std::get_if<double>(&value)) {
      statement.bind(index, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      statement.bind(index, std::string(*text));
    } else {
      const std::string_view bytes = std::get<Bytes>(value).bytes;
      // A null pointer would be NULL.
      statement.bind(index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()));
    }
  }

  SQLite::Statement& prepared(const std::string& text) {
    const auto found = statements_.find(text);
    if (found != statements_.end()) return found->second;
    return statements_.try_emplace(text, *database_, text).first->second;
  }

  template <typename Work>
  auto attempt(Work work) -> decltype(work()) {
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      fail(error);
    }
  }

  [[noreturn]] void fail(const SQLite::Exception& failure) const {
    if (failure.getErrorCode() == SQLITE_CORRUPT) keep_log_on_close(true);
    throw_sqlite_failure(failure, name_, access_, database_ ? database_->getHandle() : nullptr);
  }

  std::string name_, file_;
  Access access_;
  bool made_;  // the file; nothing is in it yet
  std::optional<SqliteGuest> guest_;
  std::optional<SQLite::Database> database_;  // of a guest: none after it could not be opened
  std::optional<FileStates> states_;
  std::map<std::string, SQLite::Statement> statements_;
};

}  // namespace

std::filesystem::path sqlite_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  const std::filesystem::path followed = std::filesystem::weakly_canonical(whole, error);
  return error ? whole : followed;
}

std::unique_ptr<Database> open_sqlite(const std::filesystem::path& path, Access access) {
  check_sqlite_place(path, access);
  const bool made = access == Access::create && make_private(sqlite_file(path));
  try {
    return std::make_unique<SqliteDatabase>(path, access, made);
  } catch (const Error&) {
    std::error_code ignored;
    if (made) std::filesystem::remove(sqlite_file(path), ignored);
    throw;
  }
}

}  // namespace doppel::internal
