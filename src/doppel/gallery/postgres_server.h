// For tests: a PostgreSQL server of their own, on a socket in a temporary folder.
#pragma once

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace doppel::internal {

// One for all tests of a program, started when it is first asked for and gone with the program.
class PostgresServer {
 public:
  // Null where PostgreSQL is not installed.
  static PostgresServer* the() {
    static PostgresServer server;
    return server.programs_.empty() ? nullptr : &server;
  }

  // Of a database schema that is new, empty and nobody else's.
  std::string new_place() {
    const std::string schema = std::string("g").append(std::to_string(++places_));
    command("psql -q -h " + folder_ + " -U postgres -c 'CREATE SCHEMA " + schema + "' postgres");
    return "postgresql://postgres@/postgres?host=" + folder_ + "&options=-csearch_path%3D" + schema;
  }

  // By hand, as an administrator would. 0: it was done.
  int start() const {
    return command("pg_ctl -w -D " + folder_ + "/data -l " + folder_ + "/log -o \"-k " + folder_ +
                   " -c listen_addresses= -c fsync=off -c autovacuum=off\" start");
  }
  int stop() const { return command("pg_ctl -w -D " + folder_ + "/data -m fast stop"); }

  // Of the whole database, without the write-ahead log.
  std::filesystem::path files() const { return folder_ + "/data/base"; }
  void flush() const { command("psql -q -h " + folder_ + " -U postgres -c CHECKPOINT postgres"); }

 private:
  PostgresServer() {
    const std::filesystem::path versions = "/usr/lib/postgresql";
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator(versions, error)) {
      if (exists(version.path() / "bin" / "initdb")) programs_ = version.path() / "bin";
    }
    if (programs_.empty()) return;
    std::string folder = "/tmp/doppel-postgres-XXXXXX";  // a socket's path must be short
    if (mkdtemp(folder.data()) == nullptr) programs_.clear();
    folder_ = folder;
    // It refuses to run as root.
    if (const passwd* user = getpwnam("postgres"); geteuid() == 0 && user != nullptr) {
      if (chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) programs_.clear();
      as_user_ = "setpriv --reuid=postgres --regid=postgres --clear-groups ";
    }
    EXPECT_EQ(
        command("initdb -D " + folder_ + "/data -U postgres -A trust -E UTF8 --locale=C --no-sync"),
        0);
    EXPECT_EQ(start(), 0);
  }
  ~PostgresServer() {
    if (programs_.empty()) return;
    stop();
    std::filesystem::remove_all(folder_);
  }

  int command(const std::string& line) const {
    return std::system((as_user_ + programs_.string() + "/" + line + " > /dev/null 2>&1").c_str());
  }

  std::filesystem::path programs_;
  std::string folder_, as_user_;
  int places_ = 0;
};

}  // namespace doppel::internal
