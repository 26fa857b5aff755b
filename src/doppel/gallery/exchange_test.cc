#include "doppel/gallery/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "doppel/base/digest.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

NewTemplate photo_named(const std::string& picture, float value) {
  return {picture, {value, -1.5f, 1e-30f}, sha256_hex(picture), 0.25, "photo\n\0" + picture};
}

GallerySettings three_values() {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.model_file = "m.safetensors";
  settings.embedding_size = 3;
  settings.photos = true;
  return settings;
}

class Exchange : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "exchangeXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Two people with three templates.
  std::string exported(bool photos = true) const {
    Gallery gallery = Gallery::create(folder_ / std::to_string(photos), three_values());
    gallery.enrol(
        std::vector<NewPerson>{{"Ada \"Lovelace\"", {photo_named("a", 0.1f), photo_named("b", 2)}},
                               {"\xE6\x9D\x8E", {photo_named("c", 3)}}});
    std::string text;
    export_people(gallery, photos, [&](const std::string& line) { text += line + "\n"; });
    return text;
  }

  static void refused(const std::string& text, const std::string& words,
                      ErrorKind kind = ErrorKind::bad_data) {
    std::istringstream stream(text);
    try {
      read_export(stream, "x.jsonl");
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), testing::StartsWith("x.jsonl"));
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }

  static std::string altered(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  std::filesystem::path folder_;
};

TEST_F(Exchange, GivesBackWhatWasEnrolled) {
  const std::string text = exported();
  std::istringstream stream(text);
  const ImportedGallery imported = read_export(stream, "x.jsonl");
  EXPECT_EQ(imported.settings.model_digest, sha256_hex("model"));
  ASSERT_EQ(imported.people.size(), 2u);
  EXPECT_EQ(imported.people[0].name, "Ada \"Lovelace\"");
  const NewTemplate expected = photo_named("a", 0.1f), &got = imported.people[0].templates.at(0);
  EXPECT_EQ(got.embedding, expected.embedding);
  EXPECT_EQ(got.image_digest, expected.image_digest);
  EXPECT_EQ(got.quality, expected.quality);
  EXPECT_EQ(got.photo, expected.photo);
  EXPECT_EQ(got.origin, "x.jsonl, line 2, template 1");
  // Once more, and the text is the same.
  Gallery again = Gallery::create(folder_ / "again", imported.settings);
  again.enrol(imported.people);
  std::string second;
  export_people(again, true, [&](const std::string& line) { second += line + "\n"; });
  EXPECT_EQ(second, text);
  EXPECT_TRUE(again.check().empty());
}

TEST_F(Exchange, ExportsOnePersonAlone) {
  exported();
  Gallery gallery = Gallery::open(folder_ / "1", Access::read);
  std::string text;
  export_person(gallery, "Ada \"Lovelace\"", false,
                [&](const std::string& line) { text += line + "\n"; });
  std::istringstream stream(text);
  const ImportedGallery imported = read_export(stream, "x");
  ASSERT_EQ(imported.people.size(), 1u);
  EXPECT_EQ(imported.people[0].name, "Ada \"Lovelace\"");
  EXPECT_THROW(export_person(gallery, "nobody", false, [](const std::string&) {}), Error);
}

TEST_F(Exchange, LeavesPhotosOutWhereTheyAreNotWanted) {
  const std::string text = exported(false);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\"photo\"")));
  std::istringstream stream(text);
  EXPECT_FALSE(read_export(stream, "x").settings.photos);
}

TEST_F(Exchange, ForgedFilesAreRefused) {
  const std::string text = exported();
  refused("", "the file is empty");
  refused("{}", "line 1: \"format\" must be a text");
  refused("[1]", "line 1: a JSON object was expected");
  refused(altered(text, "export 1", "export 2"), "this program reads", ErrorKind::mismatch);
  refused(altered(text, "\"settings\"", "\"sittings\""), "\"settings\" is missing");
  refused(altered(text, "\"embedding_size\":3", "\"embedding_size\":4"),
          "must be base64 of 4 floats");
  refused(altered(text, "\"embedding_size\":3", "\"embedding_size\":4000000000"),
          "\"embedding_size\" must be a whole number from 1");
  refused(altered(text, "\"embedding_size\":3", "\"embedding_size\":3,\"distance\":1e300"),
          "line 1: its threshold is 1e+300");
  refused(altered(text, "\"embedding_size\":3", "\"embedding_size\":3,\"distance\":-1"),
          "line 1: its threshold is -1");
  refused(altered(text, "\"people\":2", "\"people\":3"), "is it cut off?");
  refused(altered(text, "\"people\":2", "\"people\":-1"), "\"people\" must be a whole number");
  refused(altered(text, "\"embedding\":\"", "\"embedding\":\"!"), "must be base64");
  refused(altered(text, "\"embedding\":\"zczMPQ", "\"embedding\":\"AADAfw"), "not finite");
  refused(altered(text, sha256_hex("a"), sha256_hex("b")), "a photo comes twice");
  refused(altered(text, sha256_hex("a"), "../etc/passwd"), "\"image\" must be a digest");
  refused(altered(text, "0.25", "1.25"), "must be a number from 0.0 to 1.0");
  refused(altered(text, "\xE6\x9D\x8E", "two\\nlines"), "line 3: the name");
  refused(altered(text, "\xE6\x9D\x8E", "Ada \\\"Lovelace\\\""), "line 3: the name comes twice");
  refused(altered(text, "\"templates\":[", "\"templates\":{}, \"x\":["),
          "must be a list of at most");
  refused(altered(text, "\"photo\"", "\"foto\""), "has no \"photo\"");
}

TEST_F(Exchange, CutOffAnywhereIsNoticed) {
  const std::string text = exported();
  for (size_t size = 0; size + 1 < text.size(); size += 7) {
    std::istringstream stream(text.substr(0, size));
    EXPECT_THROW(read_export(stream, "x"), Error) << size;
  }
}

}  // namespace
}  // namespace doppel::internal
