#include "doppel/gallery/sqlite_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>

#include "doppel/gallery/another_user.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/sqlite.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

class SqlitePlace : public InFolder<testing::Test> {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    fs::permissions(folder_, fs::perms(0755));
    fs::create_directories(folder_ / "room");
    const auto database = open_sqlite(path(), Access::create);
    const std::vector<std::string> tables = {"CREATE TABLE t (n BIGINT)"};
    database->create(tables, [] {});
  }
  fs::path path() const { return folder_ / "room" / "g"; }

  // As a user who owns nothing there.
  static void refused_to_nobody(const fs::path& path, Access access, const std::string& words) {
    EXPECT_EQ(as_nobody([&] {
                try {
                  open_sqlite(path, access);
                } catch (const Error& error) {
                  const std::string message = error.what();
                  if (message.starts_with(path.string() + ": ") &&
                      message.find(words) != std::string::npos) {
                    return 7;
                  }
                  std::fprintf(stderr, "%s\n", error.what());
                }
                return 8;
              }),
              7)
        << words;
  }
};

TEST_F(SqlitePlace, AFolderThatIsMissingIsNamed) {
  for (const Access access : {Access::read, Access::read_write, Access::create}) {
    refused([&] { open_sqlite(folder_ / "none" / "deep" / "g", access); }, ErrorKind::io,
            "there is no folder " + (folder_ / "none").string());
    refused([&] { open_sqlite(path() / "g", access); }, ErrorKind::io,
            path().string() + " is no folder");
  }
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

TEST_F(SqlitePlace, WhatIsClosedToThisUserIsNamedWithItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "another user cannot be tried here (not root)";
  fs::permissions(path(), fs::perms(0600));
  const std::string denied = "(Permission denied); it belongs to root: run this as that user";
  for (const Access access : {Access::read, Access::read_write}) {
    refused_to_nobody(path(), access, "this user may not read the gallery " + denied);
  }
  fs::permissions(path(), fs::perms(0644));
  refused_to_nobody(path(), Access::read_write,
                    "this user may not write the gallery; nothing was changed " + denied);
  fs::permissions(path(), fs::perms(0666));
  refused_to_nobody(path(), Access::read_write,
                    "this user may not write into the folder " + path().parent_path().string());
  refused_to_nobody(folder_ / "new", Access::create,
                    "this user may not write into the folder " + folder_.string());
  fs::permissions(folder_ / "room", fs::perms(0700));
  for (const Access access : {Access::read, Access::read_write, Access::create}) {
    refused_to_nobody(
        path(), access,
        "this user may not enter the folder " + (folder_ / "room").string() + " " + denied);
  }
}

TEST_F(SqlitePlace, AFileSystemThatIsReadOnlyIsSaidToBe) {
  const fs::path seen = folder_ / "seen";
  fs::create_directories(seen);
  if (mount((folder_ / "room").c_str(), seen.c_str(), "none", MS_BIND, nullptr) != 0 ||
      mount("none", seen.c_str(), "none", MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    umount(seen.c_str());
    GTEST_SKIP() << "a folder cannot be mounted read-only here (not root)";
  }
  for (const auto& [name, access] :
       {std::pair("new", Access::create), std::pair("g", Access::read_write)}) {
    const fs::path place = seen / name;
    refused([&, wanted = access] { open_sqlite(place, wanted); }, ErrorKind::io,
            "(Read-only file system); mount the file system for writing");
  }
  EXPECT_TRUE(open_sqlite(seen / "g", Access::read)->has_table("t"));
  umount(seen.c_str());
}

}  // namespace
}  // namespace doppel::internal
