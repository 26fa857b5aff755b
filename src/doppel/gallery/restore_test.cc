#include "doppel/gallery/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "doppel/base/digest.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/search.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class Restore : public InFolder<testing::Test> {
 protected:
  // A gallery of Ada, a backup of it, and then Bob in the gallery, too.
  void SetUp() override {
    InFolder::SetUp();
    GallerySettings settings;
    settings.model_digest = sha256_hex("model");
    settings.model_file = "m.safetensors";
    settings.embedding_size = 4;
    settings.distance = 1;
    settings.photos = true;
    gallery_ = folder_ / "g";
    backup_ = folder_ / "backup";
    Gallery gallery = Gallery::create(gallery_, settings);
    enrol(gallery, "Gone", 1);
    gallery.remove(std::vector<std::string>{"Gone"});
    enrol(gallery, "Ada", 2);
    fs::copy_file(gallery_, backup_);
    enrol(gallery, "Bob", 3);
  }
  static void enrol(Gallery& gallery, const std::string& name, float value) {
    gallery.enrol(std::vector<NewPerson>{
        {name, {{name, {value, 0, 0, 1}, sha256_hex(name), 0.5, "photo of " + name}}}});
  }
  static std::vector<std::string> names(const std::string& location) {
    Gallery gallery = Gallery::open(location, Access::read);
    std::vector<std::string> names;
    for (const Person& person : gallery.people()) names.push_back(person.name);
    return names;
  }
  static void damage(const fs::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << std::string(3000, '\x7f');
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(folder_))
      names.push_back(file.path().filename());
    std::ranges::sort(names);
    return names;
  }

  std::string gallery_, backup_;
};

TEST_F(Restore, PutsABackupInPlaceUnderWhoeverUsesIt) {
  ThreadPool pool(1);
  Gallery followed = Gallery::open(gallery_, Access::read);
  Gallery changed = Gallery::open(gallery_, Access::read_write);
  GallerySearch search(followed, pool);
  EXPECT_EQ(search.people(), 2u);
  const int64_t before = followed.revision();
  const std::string identity = followed.identity();
  const Restored restored = restore_gallery(backup_, gallery_);
  EXPECT_EQ(restored.people, 1u);
  EXPECT_EQ(restored.templates, 1u);
  EXPECT_THAT(restored.set_aside, IsEmpty());
  EXPECT_THAT(names(gallery_), ElementsAre("Ada"));
  EXPECT_TRUE(search.refresh());
  EXPECT_EQ(search.people(), 1u);
  EXPECT_GT(followed.revision(), before);
  EXPECT_NE(followed.identity(), identity);
  EXPECT_EQ(followed.photo(followed.templates_of(followed.find("Ada")->id)[0].id), "photo of Ada");
  EXPECT_THAT(followed.check(), IsEmpty());
  enrol(changed, "Carl", 4);
  EXPECT_TRUE(search.refresh());
  EXPECT_EQ(search.people(), 2u);
  EXPECT_THAT(names(backup_), ElementsAre("Ada"));
}

// A service that was closed by keys is not opened by a backup from before them, and no revoked key
// comes back.
TEST_F(Restore, LeavesTheKeysAsTheyAre) {
  const auto ids = [](const std::string& location) {
    Gallery gallery = Gallery::open(location, Access::read);
    std::vector<std::string> ids;
    for (const AccessKey& key : gallery.access_keys()) ids.push_back(key.id);
    return ids;
  };
  {
    Gallery gallery = Gallery::open(gallery_, Access::read_write);
    add_access_key(gallery, Role::admin, "the page");
  }
  const std::vector<std::string> made_since = ids(gallery_);
  ASSERT_EQ(made_since.size(), 1u);
  EXPECT_TRUE(restore_gallery(backup_, gallery_).kept_keys);
  EXPECT_EQ(ids(gallery_), made_since);

  fs::copy_file(gallery_, folder_ / "with keys");
  {
    Gallery gallery = Gallery::open(gallery_, Access::read_write);
    revoke_access_key(gallery, made_since[0]);
  }
  EXPECT_TRUE(restore_gallery(folder_ / "with keys", gallery_).kept_keys);
  EXPECT_THAT(ids(gallery_), IsEmpty());
  EXPECT_FALSE(restore_gallery(folder_ / "with keys", folder_ / "fresh").kept_keys);
  EXPECT_EQ(ids(folder_ / "fresh"), made_since);
}

TEST_F(Restore, MakesWhatIsNotThereOrEmpty) {
  const std::string fresh = folder_ / "fresh", touched = folder_ / "touched";
  std::ofstream{touched};
  for (const std::string& place : {fresh, touched}) {
    restore_gallery(backup_, place);
    EXPECT_THAT(names(place), ElementsAre("Ada"));
    EXPECT_THAT(check_gallery(place), IsEmpty());
  }
}

TEST_F(Restore, RefusesWhatIsNoWholeBackup) {
  const auto unchanged = [this](const std::string& backup, const std::string& words) {
    try {
      restore_gallery(backup, gallery_);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
    EXPECT_THAT(names(gallery_), ElementsAre("Ada", "Bob"));
  };
  unchanged(folder_ / "none", "none: there is no such gallery");
  unchanged(gallery_, "the backup is the gallery itself");
  std::ofstream(folder_ / "text") << std::string(2000, 'x');
  unchanged(folder_ / "text", "no gallery");
  const auto size = fs::file_size(backup_);
  damage(backup_, 3 * 16384);
  unchanged(backup_, "backup: the ");
  fs::resize_file(backup_, size / 2);
  unchanged(backup_, "backup: the ");
}

TEST_F(Restore, SetsADamagedGalleryAside) {
  damage(gallery_, 3 * 16384);
  EXPECT_THAT(check_gallery(gallery_), testing::Not(IsEmpty()));
  const Restored restored = restore_gallery(backup_, gallery_);
  EXPECT_THAT(restored.set_aside, ElementsAre(gallery_ + ".damaged"));
  EXPECT_THAT(names(gallery_), ElementsAre("Ada"));
  EXPECT_THAT(check_gallery(gallery_), IsEmpty());
  EXPECT_THAT(files(), ElementsAre("backup", "g", "g.damaged"));
}

TEST_F(Restore, AGalleryWithoutItsBeginningIsDamaged) {
  for (const std::streamoff bytes : {16, 512, 16384}) {
    const std::string place = folder_ / std::to_string(bytes);
    fs::copy_file(gallery_, place);
    std::fstream(place, std::ios::in | std::ios::out | std::ios::binary)
        << std::string(static_cast<size_t>(bytes), '\0');
    refused([&] { names(place); }, ErrorKind::bad_data, "it is no SQLite database");
    EXPECT_THAT(restore_gallery(backup_, place).set_aside, ElementsAre(place + ".damaged"));
    EXPECT_THAT(names(place), ElementsAre("Ada"));
  }
}

// A photo, say, that was given by mistake.
TEST_F(Restore, WhatNeverWasAGalleryStays) {
  const std::string photo = folder_ / "photo.jpg";
  const std::string bytes = std::string(3'000'000, 'x') + " doppel gallery 1";
  std::ofstream(photo, std::ios::binary) << bytes;
  refused([&] { restore_gallery(backup_, photo); }, ErrorKind::bad_data,
          "photo.jpg: no gallery, and nothing in it shows that it was one");
  std::stringstream now;
  now << std::ifstream(photo, std::ios::binary).rdbuf();
  EXPECT_EQ(now.str(), bytes);
  EXPECT_THAT(files(), ElementsAre("backup", "g", "photo.jpg"));
}

// Whoever uses the gallery would go on with a model whose templates are not there any more.
TEST_F(Restore, ABackupOfAnotherModelIsRefused) {
  GallerySettings next;
  {
    Gallery gallery = Gallery::open(gallery_, Access::read_write);
    next = gallery.settings();
    next.model_digest = sha256_hex("next");
    next.model_file = "n.safetensors";
    gallery.migrate(next, [](std::string_view, const std::string&) {
      return std::vector<float>{1, 2, 3, 4};
    });
  }
  refused([&] { restore_gallery(backup_, gallery_); }, ErrorKind::mismatch,
          "backup: the backup is of another model (m.safetensors, digest " +
              sha256_hex("model").substr(0, 12) + ")");
  refused([&] { restore_gallery(backup_, gallery_); }, ErrorKind::mismatch, "move it away");
  EXPECT_THAT(names(gallery_), ElementsAre("Ada", "Bob"));
  EXPECT_EQ(Gallery::open(gallery_, Access::read).settings().model_file, "n.safetensors");
  fs::rename(gallery_, folder_ / "away");
  restore_gallery(backup_, gallery_);
  EXPECT_THAT(names(gallery_), ElementsAre("Ada"));
}

TEST_F(Restore, SetsAMixtureAside) {
  {
    // A log of Carl and Dora over a file of before, as a kill leaves it.
    const std::string live = folder_ / "live";
    fs::copy_file(gallery_, live);
    Gallery gallery = Gallery::open(live, Access::read_write);
    Gallery reader = Gallery::open(live, Access::read);
    const Gallery::Snapshot held = reader.snapshot();
    reader.people();
    enrol(gallery, "Carl", 4);
    enrol(gallery, "Dora", 5);
    fs::copy_file(live + "-wal", gallery_ + "-wal");
    fs::copy_file(backup_, gallery_, fs::copy_options::overwrite_existing);
  }
  refused([&] { names(gallery_); }, ErrorKind::io, "a copy was put over the gallery");
  const Restored restored = restore_gallery(backup_, gallery_);
  EXPECT_THAT(restored.set_aside, ElementsAre(gallery_ + ".damaged-wal", gallery_ + ".damaged"));
  EXPECT_THAT(names(gallery_), ElementsAre("Ada"));
}

TEST_F(Restore, ADamagedGalleryInUseStays) {
  damage(gallery_, 3 * 16384);
  const auto open = open_database(gallery_, Access::read);
  refused([&] { restore_gallery(backup_, gallery_); }, ErrorKind::io, "damaged and in use");
  EXPECT_FALSE(fs::exists(gallery_ + ".damaged"));
}

TEST_F(Restore, SomethingElseIsNotOverwritten) {
  const std::string other = folder_ / "other";
  {
    const auto database = open_database(other, Access::create);
    database->run("CREATE TABLE t (n INTEGER)");
  }
  refused([&] { restore_gallery(backup_, other); }, ErrorKind::bad_data,
          "a database of something else");
  refused([&] { restore_gallery(backup_, "postgresql://h/d"); }, ErrorKind::bad_argument,
          "pg_restore");
}

}  // namespace
}  // namespace doppel::internal
