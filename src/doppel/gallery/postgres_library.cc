// The library that postgres.h loads.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <pqxx/pqxx>
#include <regex>
#include <utility>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/database.h"
#include "doppel/gallery/postgres_url.h"

namespace doppel::internal {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{16};
constexpr const char* kChannel = "doppel_gallery";
constexpr int kRowsAtOnce = 1000;
#if PQXX_VERSION_MAJOR < 7
constexpr auto kReadOnly = pqxx::read_only;
#else
constexpr auto kReadOnly = pqxx::write_policy::read_only;
#endif

// The connection is gone.
class Lost : public Error {
 public:
  explicit Lost(const std::string& message) : Error(ErrorKind::io, message) {}
};

class ResultRow : public SqlRow {
 public:
  ResultRow(const pqxx::row& row, const std::string& name) : row_(row), name_(name) {}

  int64_t integer(int column) const override { return typed(column, {20, 23}).as<int64_t>(); }
  double real(int column) const override { return typed(column, {701}).as<double>(); }
  std::string_view text(int column) const override {
    const pqxx::field value = typed(column, {25});
    return {value.c_str(), value.size()};
  }
  std::string_view bytes(int column) const override {
    const pqxx::binarystring& value = bytes_.emplace_back(typed(column, {17}));
    return {value.get(), value.size()};
  }

 private:
  // `types` as PostgreSQL numbers them: 17 bytea, 20 bigint, 23 integer, 25 text, 701 double
  // precision.
  pqxx::field typed(int column, std::initializer_list<pqxx::oid> types) const {
    pqxx::field value = row_[column];
    if (value.is_null() || std::ranges::find(types, value.type()) == types.end()) {
      throw WrongColumn(name_, value.name());
    }
    return value;
  }

  const pqxx::row& row_;
  const std::string& name_;
  mutable std::vector<pqxx::binarystring> bytes_;
};

class PostgresDatabase : public Database {
 public:
  PostgresDatabase(const std::string& url, Access access)
      : url_(url), name_(url_.shown()), access_(access) {
    attempt([&] { connection(); });
  }
  ~PostgresDatabase() override { disconnect(); }

  const std::string& name() const override { return name_; }

  void create(std::span<const std::string> tables, const std::function<void()>& fill) override {
    WriteTransaction all(*this);
    attempt([&] {
      for (const std::string& table : tables) {
        const std::string statement = std::regex_replace(
            table, std::regex("@id"), "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
        transaction().exec(std::regex_replace(statement, std::regex("@bytes"), "BYTEA"));
        std::smatch name;
        if (!std::regex_search(table, name, std::regex("^CREATE TABLE (\\w+)"))) continue;
        // The planner's statistics would keep copies of names and templates.
        const pqxx::result columns = transaction().exec(
            "SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = to_regclass('" +
            name.str(1) + "')");
        for (const pqxx::row& column : columns) {
          transaction().exec("ALTER TABLE " + name.str(1) + " ALTER " +
                             column[0].as<std::string>() + " SET STATISTICS 0");
        }
      }
    });
    fill();
    all.commit();
  }

  bool has_table(const std::string& table) override {
    bool found = false;
    run("SELECT CAST(to_regclass($1) IS NOT NULL AS INTEGER)",
        std::vector<SqlValue>{std::string_view(table)},
        [&](const SqlRow& row) { found = row.integer(0) == 1; });
    return found;
  }

  using Database::run;
  void run(const std::string& statement, std::span<const SqlValue> values,
           const std::function<void(const SqlRow&)>& use) override {
    const std::vector<std::string> texts = as_texts(values);
    const auto give = [&](const pqxx::result& rows) {
      for (const pqxx::row& row : rows) use(ResultRow(row, name_));
    };
    if (scope_ == Scope::none) {
      pqxx::result rows;
      retrying([&] {
        pqxx::nontransaction single(connection());
        rows = execute(single, statement, texts);
      });
      give(rows);
    } else if (scope_ == Scope::writing) {
      give(attempt([&] { return execute(transaction(), statement, texts); }));
    } else {
      // All templates at once might not fit into the memory.
      attempt(
          [&] { execute(transaction(), "DECLARE rows NO SCROLL CURSOR FOR " + statement, texts); });
      for (size_t got = kRowsAtOnce; got == kRowsAtOnce;) {
        const pqxx::result rows = attempt([&] {
          return transaction().exec("FETCH " + std::to_string(kRowsAtOnce) + " FROM rows");
        });
        got = static_cast<size_t>(rows.size());
        give(rows);
      }
      attempt([&] { transaction().exec("CLOSE rows"); });
    }
  }

  void begin_read() override {
    retrying([&] {
      transaction_ =
          std::make_unique<pqxx::transaction<pqxx::isolation_level::repeatable_read, kReadOnly>>(
              connection());
    });
    scope_ = Scope::reading;
  }
  void begin_write() override {
    // Behind the lock everything sees what others committed before.
    retrying([&] {
      auto started =
          std::make_unique<pqxx::transaction<pqxx::isolation_level::read_committed>>(connection());
      started->exec("SELECT pg_advisory_xact_lock(hashtext(current_schema()))");
      transaction_ = std::move(started);
    });
    scope_ = Scope::writing;
  }
  void commit() override {
    attempt([&] {
      transaction().exec(std::string("NOTIFY ") + kChannel);
      transaction().commit();
    });
  }
  void end() noexcept override {
    transaction_.reset();
    scope_ = Scope::none;
  }

  bool changed() override {
    retrying([&] { connection().get_notifs(); });
    return std::exchange(notified_, false);
  }

  // Writes the tables anew. What was removed is in the server's write-ahead log, too, until it
  // comes to write over that.
  bool purge(std::span<const std::string> tables) override {
    if (read_by_others()) return false;
    for (const std::string& table : tables) {
      const int64_t before = file_of(table);
      run("VACUUM (FULL) " + table);
      // The server only warns whoever may not do this.
      if (file_of(table) == before) return false;
    }
    return !read_by_others();
  }

  // A table of a megabyte that nobody sees, on the disk of the others.
  void check_room() override {
    run("CREATE TEMPORARY TABLE doppel_room ON COMMIT DROP AS"
        " SELECT repeat('x', 1600) AS filler FROM generate_series(1, 650)");
  }

  // The server keeps the keys, and verifies its pages where it was set up to.
  std::vector<std::string> check() override { return {}; }
  void refuse_damage(const std::string& /*but*/) override {}

 private:
  class Listener : public pqxx::notification_receiver {
   public:
    Listener(pqxx::connection& connection, bool& notified)
        : pqxx::notification_receiver(connection, kChannel), notified_(notified) {}
    void operator()(const std::string&, int) override { notified_ = true; }

   private:
    bool& notified_;
  };

  // One that is there and, as far as is known, alive.
  pqxx::connection& connection() {
    if (connection_ && connection_->is_open()) return *connection_;
    disconnect();
    if (Clock::now() < next_try_) throw Lost(unreachable_);
    try {
      connection_ = std::make_unique<pqxx::connection>(url_.connection());
      quiet_ = std::make_unique<pqxx::quiet_errorhandler>(*connection_);
      listener_ = std::make_unique<Listener>(*connection_, notified_);
      pqxx::nontransaction session(*connection_);
      session.exec("SET lock_timeout = '5s'");
      if (access_ == Access::read) session.exec("SET default_transaction_read_only = on");
    } catch (const std::exception& error) {
      disconnect();
      unreachable_ =
          name_ + ": the PostgreSQL server cannot be used: " + url_.repeated(error.what());
      next_try_ = Clock::now() + pause_;
      pause_ = std::min(2 * pause_, kLongestPause);
      throw Lost(unreachable_);
    }
    pause_ = kFirstPause;
    notified_ = true;  // by what nobody heard
    return *connection_;
  }
  // Also where it went with its connection what follows is not to run without one.
  pqxx::transaction_base& transaction() {
    if (!transaction_) throw Lost(name_ + ": the connection to the PostgreSQL server was lost");
    return *transaction_;
  }
  void disconnect() noexcept {
    transaction_.reset();
    listener_.reset();
    quiet_.reset();
    connection_.reset();
  }

  // Outside of a transaction: where the connection turns out to be lost, once more with a new one.
  template <typename Work>
  void retrying(Work work) {
    const bool old = connection_ != nullptr;
    try {
      attempt(work);
    } catch (const Lost&) {
      if (!old) throw;
      attempt(work);
    }
  }

  template <typename Work>
  auto attempt(Work work) -> decltype(work()) {
    try {
      return work();
    } catch (const pqxx::in_doubt_error&) {
      disconnect();
      throw Error(ErrorKind::io,
                  name_ +
                      ": the connection was lost while a change was being made: whether it was "
                      "made is not known; look before you try again");
    } catch (const pqxx::sql_error& error) {
      fail(error.sqlstate(), url_.repeated(error.what()));
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {  // libpqxx 7 has no class that all of its own share
      fail("", url_.repeated(error.what()));
    }
  }

  // Of one who only reads it goes without saying.
  std::string unchanged() const { return access_ == Access::read ? "" : "; nothing was changed"; }

  // `state`: PostgreSQL's manual, appendix A.
  [[noreturn]] void fail(const std::string& state, const std::string& why) {
    if (!connection_ || !connection_->is_open() || state.starts_with("57P") ||
        state.starts_with("08")) {
      disconnect();
      throw Lost(name_ + ": the connection to the PostgreSQL server was lost" + unchanged() + " (" +
                 why + ")");
    }
    if (state == "53100") {
      throw DiskFull(name_ + ": the server's disk is full" + unchanged());
    }
    const auto text = [&]() -> std::string {
      if (state == "55P03" || state == "40P01" || state == "40001") {
        return "the gallery is locked by another process that is changing it; try again" +
               unchanged();
      }
      if (state == "25006") return "the gallery is read-only" + unchanged();
      if (state == "42501") return "the server does not allow it" + unchanged() + " (" + why + ")";
      return "the gallery cannot be used (" + why + ")";
    }();
    throw Error(state.starts_with("XX") ? ErrorKind::bad_data : ErrorKind::io, name_ + ": " + text);
  }

  static std::vector<std::string> as_texts(std::span<const SqlValue> values) {
    std::vector<std::string> texts;
    for (const SqlValue& value : values) {
      if (const auto* number = std::get_if<int64_t>(&value)) {
        texts.push_back(std::to_string(*number));
      } else if (const auto* real = std::get_if<double>(&value)) {
        std::array<char, 32> digits{};
        texts.emplace_back(digits.data(),
                           std::to_chars(digits.data(), digits.data() + digits.size(), *real).ptr);
      } else if (const auto* text = std::get_if<std::string_view>(&value)) {
        texts.emplace_back(*text);
      } else {
        std::string& hex = texts.emplace_back("\\x");
        for (const char c : std::get<Bytes>(value).bytes) {
          const auto byte = static_cast<unsigned char>(c);
          hex += "0123456789abcdef"[byte >> 4];
          hex += "0123456789abcdef"[byte & 15];
        }
      }
    }
    return texts;
  }

  static pqxx::result execute(pqxx::transaction_base& transaction, const std::string& statement,
                              const std::vector<std::string>& texts) {
    return transaction.exec_params(statement, pqxx::prepare::make_dynamic_params(texts));
  }

  int64_t file_of(const std::string& table) {
    int64_t file = 0;
    run("SELECT CAST(pg_relation_filenode(to_regclass($1)) AS BIGINT)",
        std::vector<SqlValue>{std::string_view(table)},
        [&](const SqlRow& row) { file = row.integer(0); });
    return file;
  }

  // What they may still see cannot be taken away.
  bool read_by_others() {
    int64_t readers = 0;
    run("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL",
        {}, [&](const SqlRow& row) { readers = row.integer(0); });
    return readers > 0;
  }

  const PostgresUrl url_;
  const std::string name_;
  Access access_;
  std::unique_ptr<pqxx::connection> connection_;
  std::unique_ptr<pqxx::quiet_errorhandler> quiet_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<pqxx::transaction_base> transaction_;
  enum class Scope { none, reading, writing } scope_ = Scope::none;  // from begin to end()
  bool notified_ = true;
  std::string unreachable_;  // what the last try found
  Clock::time_point next_try_;
  std::chrono::seconds pause_ = kFirstPause;
};

}  // namespace
}  // namespace doppel::internal

extern "C" __attribute__((visibility("default"))) doppel::internal::Database* doppel_open_postgres(
    const std::string& url, doppel::internal::Access access) {
  return new doppel::internal::PostgresDatabase(url, access);
}

extern "C" __attribute__((visibility("default"))) void doppel_show_postgres_url(
    const std::string& url, std::string& shown) {
  shown = doppel::internal::shown_postgres_url(url);
}
