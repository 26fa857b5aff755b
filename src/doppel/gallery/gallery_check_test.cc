// Gallery::check(), check_gallery() and what stands on them: what a gallery that was damaged, or
// that somebody else wrote into, is told to hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "doppel/base/digest.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/gallery.h"

namespace doppel::internal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GalleryCheck : public DatabaseTest {
 protected:
  static Gallery made(const std::string& location) {
    GallerySettings settings;
    settings.model_digest = sha256_hex("model");
    settings.model_file = "m.safetensors";
    settings.embedding_size = 4;
    return Gallery::create(location, settings);
  }
  static NewTemplate photo_of(const std::string& picture) {
    return {picture + ".png", {1, 0, -1, 2}, sha256_hex(picture), 0.5, ""};
  }
  static void add(Gallery& gallery, const std::string& name, std::vector<NewTemplate> templates) {
    gallery.enrol(std::vector<NewPerson>{{name, std::move(templates)}});
  }
  // As another program might.
  static void write(Database& database, const std::string& statement,
                    std::initializer_list<SqlValue> values = {}) {
    WriteTransaction transaction(database);
    database.run(statement, values);
    transaction.commit();
  }
};
EVERY_DATABASE(GalleryCheck);

TEST_P(GalleryCheck, FindsWhatShouldNotBe) {
  Gallery gallery = made(place());
  add(gallery, "Ada", {photo_of("a"), photo_of("b")});
  add(gallery, "Bob", {photo_of("c")});
  EXPECT_THAT(gallery.check(), IsEmpty());
  const auto raw = open_database(place(), Access::read_write);
  const auto finds = [&](const std::string& damage, const std::string& words,
                         std::initializer_list<SqlValue> values = {}) {
    write(*raw, damage, values);
    EXPECT_THAT(gallery.check(), Contains(HasSubstr(words))) << damage;
  };
  const std::vector<float> no_numbers(4, std::numeric_limits<float>::quiet_NaN());
  const Bytes nans{bytes_of(no_numbers)};
  finds("UPDATE templates SET model = 'x' WHERE id = 1", "template 1: of another model");
  finds("UPDATE templates SET image = 'x' WHERE id = 1", "template 1: its image has no digest");
  finds("UPDATE templates SET embedding = $1 WHERE id = 1",
        "template 1: its embedding has 1 values", {Bytes{"x"}});
  finds("UPDATE templates SET embedding = $1 WHERE id = 2",
        "template 2: its embedding is not finite", {nans});
  const std::vector<float> zeros(4), large(4, 2e15f);
  finds("UPDATE templates SET embedding = $1 WHERE id = 2", "template 2: its embedding is of zeros",
        {Bytes{bytes_of(zeros)}});
  finds("UPDATE templates SET embedding = $1 WHERE id = 2", "template 2: its embedding holds 2e+15",
        {Bytes{bytes_of(large)}});
  finds("INSERT INTO removed VALUES (1, 2)", "template 1: there, though it was removed");
  finds("UPDATE templates SET revision = 1000 WHERE id = 2", "template 2: of a revision");
  finds("UPDATE people SET name = $1 WHERE id = 1", "person 1: the name",
        {std::string_view("a\n")});
  finds("INSERT INTO photos VALUES (2, $1)", "template 2: has a photo", {Bytes{"x"}});
}

TEST_P(GalleryCheck, DamageIsListedAndNotWrittenInto) {
  if (GetParam() == Kind::postgres) GTEST_SKIP() << "the server's files are its own";
  std::vector<NewTemplate> photos;
  for (int i = 0; i < 300; ++i) photos.push_back(photo_of(std::to_string(i)));
  {
    Gallery gallery = made(place());
    add(gallery, "Ada", photos);
    gallery.refuse_damage();
  }
  constexpr std::streamoff kPage = 16384;
  const auto pages = static_cast<std::streamoff>(std::filesystem::file_size(place())) / kPage;
  ASSERT_GT(pages, 8);
  std::set<int64_t> of_photos;
  open_database(place(), Access::read)
      ->run("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'photos'", {},
            [&](const SqlRow& row) { of_photos.insert(row.integer(0)); });
  int opened = 0;
  for (std::streamoff page = 1; page < pages; ++page) {
    const std::string damaged = new_place();
    std::filesystem::copy_file(place(), damaged);
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(page * kPage);
    file << std::string(2000, '\x7f');
    file.close();
    EXPECT_THAT(check_gallery(damaged), testing::Not(IsEmpty())) << "page " << page;
    try {
      Gallery gallery = Gallery::open(damaged, Access::read_write);
      ++opened;
      gallery.refuse_damage();
      EXPECT_TRUE(of_photos.contains(page + 1)) << page;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged"));
    }
  }
  EXPECT_GT(opened, 3);
}

// SQLite takes any value for any column.
TEST_P(GalleryCheck, OneRowOfAnotherTypeHidesNoOther) {
  if (GetParam() == Kind::postgres) GTEST_SKIP() << "the server keeps the types";
  Gallery gallery = made(place());
  add(gallery, "Ada", {photo_of("a"), photo_of("b")});
  add(gallery, "Bob", {photo_of("c")});
  const auto raw = open_database(place(), Access::read_write);
  const Bytes other{"x"};
  write(*raw, "UPDATE templates SET model = $1, image = 'y', quality = $1 WHERE id = 1", {other});
  write(*raw, "UPDATE templates SET embedding = 'text' WHERE id = 2");
  write(*raw, "UPDATE templates SET model = 'y', added = $1 WHERE id = 3", {other});
  write(*raw, "UPDATE people SET name = $1 WHERE id = 1", {other});
  write(*raw, "UPDATE people SET name = 'unknown' WHERE id = 2");
  write(*raw, "INSERT INTO photos VALUES (3, 'text')");
  write(*raw, "INSERT INTO removed VALUES (77, $1)", {other});
  raw->run("PRAGMA foreign_keys = OFF");
  write(*raw, "UPDATE templates SET person = 77 WHERE id = 3");
  const std::vector<std::string> problems = check_gallery(place());
  for (const char* words :
       {"template 1: its column \"model\"", "template 1: its column \"quality\"",
        "template 1: its image has no digest", "template 2: its column \"embedding\"",
        "template 3: its column \"added\"", "template 3: of another model",
        "person 1: its column \"name\"", "call strangers",
        "photo of template 3: its column \"bytes\"", "template 3: has a photo",
        "removed template 77: its column \"revision\"",
        "row 3 of \"templates\" refers to a row that is not there"}) {
    EXPECT_EQ(std::ranges::count_if(
                  problems,
                  [&](const std::string& problem) { return problem.find(words) != problem.npos; }),
              1)
        << words;
  }
}

TEST_P(GalleryCheck, ANoteOfAnotherTypeIsListed) {
  if (GetParam() == Kind::postgres) GTEST_SKIP() << "the server keeps the types";
  made(place());
  write(*open_database(place(), Access::read_write),
        "UPDATE gallery SET value = $1 WHERE key = 'identity'", {Bytes{"x"}});
  EXPECT_THAT(check_gallery(place()), ElementsAre(HasSubstr("its column \"value\"")));
}

// More than SQLite lists where it is not asked for all.
TEST_P(GalleryCheck, AllThatIsWrongIsListed) {
  if (GetParam() == Kind::postgres) GTEST_SKIP() << "the server's files are its own";
  constexpr int kMany = 300;
  {
    std::vector<NewPerson> people;
    for (int i = 0; i < kMany; ++i) people.push_back({"Person " + std::to_string(i), {}});
    made(place()).enrol(people);
  }
  // Names in the table, not in its index.
  constexpr size_t kPage = 16384;
  constexpr char kLeafOfTable = 13;
  std::stringstream stream;
  stream << std::ifstream(place(), std::ios::binary).rdbuf();
  std::string bytes = stream.str();
  for (size_t page = kPage; page < bytes.size(); page += kPage) {
    if (bytes[page] != kLeafOfTable) continue;
    for (size_t at = bytes.find("Person ", page); at < page + kPage;
         at = bytes.find("Person ", at)) {
      bytes[at] = 'Q';
    }
  }
  std::ofstream(place(), std::ios::binary) << bytes;
  const std::vector<std::string> problems = check_gallery(place());
  EXPECT_EQ(std::ranges::count_if(problems,
                                  [](const std::string& problem) {
                                    return problem.find("missing from index") != problem.npos;
                                  }),
            kMany);
}

}  // namespace
}  // namespace doppel::internal
