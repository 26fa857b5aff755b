#include "doppel/gallery/person_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "doppel/base/error.h"

namespace doppel {
namespace {

TEST(PersonName, TakesWhatPeopleAreCalled) {
  for (const std::string name :
       {"Ada Lovelace", "Robert'); DROP TABLE people;--", "\"Bob\"",
        "\xE6\x9D\x8E\xE5\xB0\x8F\xE9\xBE\x99", "\xF0\x9F\xA6\x8A", "a/b\\c", "s1"}) {
    EXPECT_NO_THROW(check_person_name(name, "--name")) << name;
  }
  EXPECT_NO_THROW(check_person_name(std::string(200, 'x'), "--name"));
  std::string emoji;
  for (int i = 0; i < 200; ++i) emoji += "\xF0\x9F\xA6\x8A";
  EXPECT_NO_THROW(check_person_name(emoji, "--name"));
}

TEST(PersonName, RefusesTheRestInOneLine) {
  const auto refused = [](std::string_view name, const std::string& words) {
    try {
      check_person_name(name, "--name");
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      EXPECT_THAT(error.what(), testing::StartsWith("--name: the name \""));
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
      EXPECT_LT(std::string(error.what()).size(), 400u);
    }
  };
  refused("", "is empty");
  refused("two\nlines", "control character");
  refused("bell\a", "bell\\x07");
  refused(std::string_view("nul\0l", 5), "control character");
  refused("\xC2\x85next line", "control character");
  refused("\xE2\x80\xA8line", "control character");
  refused("\xE2\x80\xAEturned", "control character");
  refused(std::string(10'000, 'x'), "has 10000 characters; at most 200");
  refused(" padded", "begins or ends with a space");
  refused("padded ", "begins or ends with a space");
  refused(".", "stands for a folder");
  refused("..", "stands for a folder");
  for (const char* bytes :
       {"\xff", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "a\xC3"}) {
    refused(bytes, "is no UTF-8");
  }
}

TEST(PersonName, IsShownOnOneLine) {
  EXPECT_EQ(shown("Ada"), "Ada");
  EXPECT_EQ(shown("a\nb"), "a\\x0ab");
  EXPECT_EQ(shown("\xff"), "\\xff");
  EXPECT_EQ(shown("\xE2\x80\xA8"), "\\xe2\\x80\\xa8");
  EXPECT_EQ(shown(std::string(61, 'y')), std::string(60, 'y') + "...");
}

}  // namespace
}  // namespace doppel
