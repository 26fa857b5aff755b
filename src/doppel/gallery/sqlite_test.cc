#include "doppel/gallery/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>

#include "doppel/base/digest.h"
#include "doppel/base/disk_full.h"
#include "doppel/base/small_files.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/gallery.h"

namespace doppel::internal {
namespace {

class Sqlite : public InFolder<testing::Test> {
 protected:
  std::unique_ptr<Database> created() const {
    auto database = open_sqlite(folder_ / "g", Access::create);
    const std::vector<std::string> tables = {
        "CREATE TABLE t (id @id, n BIGINT, x DOUBLE PRECISION,"
        " s TEXT, b @bytes)"};
    database->create(tables, [] {});
    return database;
  }
};

TEST_F(Sqlite, LeavesNoFilesBesideTheOne) {
  created();
  { EXPECT_TRUE(open_sqlite(folder_ / "g", Access::read)->has_table("t")); }
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Sqlite, IsItsOwnersAlone) {
  const auto database = created();
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    using std::filesystem::perms;
    EXPECT_EQ(file.status().permissions(), perms::owner_read | perms::owner_write) << file.path();
  }
}

TEST_F(Sqlite, SomethingElseIsRefusedByName) {
  refused([&] { open_sqlite(folder_ / "none", Access::read); }, ErrorKind::io,
          "none: there is no such gallery");
  refused([&] { open_sqlite(folder_, Access::read); }, ErrorKind::io,
          "a gallery's file was expected, not a folder");
  std::ofstream(folder_ / "text") << std::string(2000, 'x');
  refused([&] { open_sqlite(folder_ / "text", Access::read_write); }, ErrorKind::bad_data,
          "text: no gallery: it is no SQLite database");
}

TEST_F(Sqlite, DamageIsFound) {
  {
    const auto database = created();
    WriteTransaction transaction(*database);
    for (int i = 0; i < 2000; ++i) {
      database->run("INSERT INTO t (s) VALUES ($1)", {std::string_view("a longer text, and more")});
    }
    transaction.commit();
  }
  EXPECT_TRUE(open_sqlite(folder_ / "g", Access::read)->check().empty());
  constexpr std::streamoff kPage = 16384;
  std::fstream file(folder_ / "g", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-kPage + 100, std::ios::end);  // a page of rows
  file << std::string(300, '\x7f');
  file.close();
  std::vector<std::string> problems;
  try {
    problems = open_sqlite(folder_ / "g", Access::read)->check();
  } catch (const Error& error) {
    problems = {error.what()};
  }
  EXPECT_FALSE(problems.empty());
}

class NewGallery : public InFolder<testing::Test> {
 protected:
  static Gallery make(const std::filesystem::path& path) {
    GallerySettings settings;
    settings.model_digest = sha256_hex("model");
    settings.model_file = "m.safetensors";
    settings.embedding_size = 4;
    const std::vector<NewPerson> ada = {{"Ada", {{"a.png", {1, 2, 3, 4}, sha256_hex("a"), 1, ""}}}};
    return Gallery::create(path, settings, ada);
  }
  // The same where no file may grow beyond `bytes`.
  static bool made_within(const std::filesystem::path& path, rlim_t bytes) {
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit = {bytes, bytes};
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
      try {
        make(path);
      } catch (const Error& error) {
        _exit(error.kind() == ErrorKind::io ? 1 : 2);
      }
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << status;
    return status == 0;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
      names.push_back(file.path().filename());
    }
    return names;
  }
};

TEST_F(NewGallery, IsWholeOrNotThereHoweverLittleRoomThereIs) {
  constexpr rlim_t kStep = 5000, kEnough = 300'000;
  const std::filesystem::path path = folder_ / "g";
  int failed = 0, made = 0;
  for (const bool empty_file : {false, true}) {
    for (rlim_t bytes = 0; bytes < kEnough; bytes += kStep) {
      if (empty_file) std::ofstream{path};
      if (made_within(path, bytes)) {
        Gallery gallery = Gallery::open(path, Access::read_write);
        EXPECT_EQ(gallery.templates(), 1u);
        EXPECT_THAT(gallery.check(), testing::IsEmpty());
        ++made;
      } else if (empty_file) {
        EXPECT_THAT(files(), testing::ElementsAre("g")) << bytes;
        EXPECT_EQ(std::filesystem::file_size(path), 0u) << bytes;
        ++failed;
      } else {
        EXPECT_THAT(files(), testing::IsEmpty()) << bytes;
        ++failed;
      }
      std::filesystem::remove(path);
    }
  }
  EXPECT_GT(failed, 10);
  EXPECT_GT(made, 10);
}

TEST_F(NewGallery, IsMadeOfAnEmptyFile) {
  const std::filesystem::path path = folder_ / "g";
  std::ofstream{path};
  EXPECT_FALSE(Gallery::exists(path));
  for (const Access access : {Access::read, Access::read_write}) {
    refused([&] { Gallery::open(path, access); }, ErrorKind::io, "g: an empty file");
  }
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  make(path);
  EXPECT_TRUE(Gallery::exists(path));
  EXPECT_EQ(Gallery::open(path, Access::read).templates(), 1u);
}

// As an older program left one behind.
TEST_F(NewGallery, IsMadeOfADatabaseWithoutTables) {
  const std::filesystem::path path = folder_ / "g";
  { open_sqlite(path, Access::create)->run("PRAGMA user_version = 1"); }
  { open_sqlite(path, Access::read_write); }
  EXPECT_GT(std::filesystem::file_size(path), 0u);
  EXPECT_FALSE(Gallery::exists(path));
  make(path);
  EXPECT_THAT(Gallery::open(path, Access::read).check(), testing::IsEmpty());
}

TEST_F(NewGallery, IsNotMadeInSomethingElse) {
  const std::filesystem::path other = folder_ / "other";
  { open_sqlite(other, Access::create)->run("CREATE TABLE t (n INTEGER)"); }
  refused([&] { make(other); }, ErrorKind::bad_data, "other: no gallery");
  { EXPECT_TRUE(open_sqlite(other, Access::read)->has_table("t")); }
  std::ofstream(folder_ / "text") << std::string(2000, 'x');
  refused([&] { make(folder_ / "text"); }, ErrorKind::bad_data, "it is no SQLite database");
}

// What is wrong with the people, too, leaves nothing.
TEST_F(NewGallery, IsNotMadeForPeopleWhoCannotBeEnrolled) {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.embedding_size = 4;
  const std::vector<NewPerson> bad = {{"Ada", {{"a.png", {0, 0, 0, 0}, sha256_hex("a"), 1, ""}}}};
  refused([&] { Gallery::create(folder_ / "g", settings, bad); }, ErrorKind::bad_data, "a.png");
  EXPECT_THAT(files(), testing::IsEmpty());
}

// SQLite makes a file of 32 kB beside the gallery to read it.
TEST_F(Sqlite, OnAFullDiskItIsRead) {
  const auto count = [](Database& database) {
    int64_t rows = 0;
    database.run("SELECT COUNT(*) FROM t", {}, [&](const SqlRow& row) { rows = row.integer(0); });
    return rows;
  };
  const auto add_one = [](Database& database) {
    WriteTransaction transaction(database);
    database.run("INSERT INTO t (n) VALUES (1)");
    transaction.commit();
  };
  add_one(*created());
  std::unique_ptr<Database> reader;
  {
    const SmallFiles limit(10'000);
    reader = open_sqlite(folder_ / "g", Access::read);
    EXPECT_EQ(count(*reader), 1);
    EXPECT_TRUE(reader->check().empty());
    {
      const ReadTransaction reading(*reader);
      EXPECT_EQ(count(*reader), 1);
    }
    EXPECT_THROW(open_sqlite(folder_ / "g", Access::read_write), DiskFull);
    EXPECT_EQ(count(*open_sqlite(folder_ / "g", Access::read)), 1);
  }
  // There is room again: whoever began to read without it follows, and is in nobody's way.
  {
    const auto writer = open_sqlite(folder_ / "g", Access::read_write);
    add_one(*writer);
    EXPECT_EQ(count(*reader), 2);
    add_one(*writer);
    EXPECT_EQ(count(*reader), 3);
  }
  EXPECT_EQ(count(*reader), 3);
  reader.reset();
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

}  // namespace
}  // namespace doppel::internal
