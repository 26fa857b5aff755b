#include "doppel/gallery/person_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(PersonName, TakesWhatPeopleAreCalled) {
  for (const std::string name :
       {"Ada Lovelace", "Robert'); DROP TABLE people;--", "\"Bob\"",
        "\xE6\x9D\x8E\xE5\xB0\x8F\xE9\xBE\x99", "\xF0\x9F\xA6\x8A", "a/b\\c", "s1"}) {
    EXPECT_NO_THROW(check_person_name(name, "--name")) << name;
  }
  for (const std::string name :
       {"Zo\u00eb", "\u5c71\u7530\u3000\u592a\u90ce",              // with an ideographic space
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",              // Persian, with a non-joiner
        "\u0915\u094d\u200d\u0937", "\U0001F469\u200d\U0001F680",  // joined
        "\u8fbb\U000E0100", "Known", "Unknown Soldier"}) {
    EXPECT_NO_THROW(check_person_name(name, "--name")) << name;
  }
  EXPECT_NO_THROW(check_name("unknown", "label")) << "a label is no person";
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
  for (const char* hidden :
       {"An\u200bn", "Ann\u200d", "A\u200cnn", "\u200d\u0639", "An\u00adn", "\ufeffAnn",
        "Ann\u2060", "Ann\u2066", "Ann\ue000", "Ann\U0001fffe", "Ann\u0378"}) {
    refused(hidden, "cannot be seen");
  }
  refused("An\u200bn", "\"An\\xe2\\x80\\x8bn\"");
  refused("\u3164", "nothing in it that can be seen");
  refused("\u00a0Ann", "begins or ends with a space");
  refused("Ann\u3000", "begins or ends with a space");
  for (const char* reserved :
       {"unknown", "Unknown", "unknown_person", "UNKNOWN_PERSON", "Unknown person",
        "no_persons_found", "unknown-person", "\uff55nknown"}) {
    refused(reserved, "is what answers call strangers");
  }
  refused(" padded", "begins or ends with a space");
  refused("padded ", "begins or ends with a space");
  refused(".", "stands for a folder");
  refused("..", "stands for a folder");
  for (const char* bytes :
       {"\xff", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "a\xC3"}) {
    refused(bytes, "is no UTF-8");
  }
}

TEST(PersonName, IsWrittenInOneWay) {
  EXPECT_EQ(normal_name("Zoe\u0308"), "Zo\u00eb");
  EXPECT_EQ(normal_name("Zo\u00eb"), "Zo\u00eb");
  EXPECT_EQ(normal_name("Ann  Lee"), "Ann  Lee");
  EXPECT_EQ(normal_name("a\xff"), "a\xff") << "check_name() refuses it";
  const std::string endless = std::string(1'000'000, 'x') + "\u00eb";
  EXPECT_EQ(normal_name(endless), endless);
}

TEST(PersonName, KnowsWhichLookAlike) {
  for (const char* alike : {"Zo\u00eb Lee", "Zoe\u0308 Lee", "Zo\u00eb\u00a0Lee", "Zo\u00eb  Lee",
                            "Zo\u00eb \u200bLee", "\uff3ao\u00eb Lee", "Zo\u00eb\ufe0f Lee"}) {
    EXPECT_EQ(comparable_name(alike), "Zo\u00eb Lee") << alike;
  }
  for (const char* other : {"Zoe Lee", "zo\u00eb Lee", "Zo\u00ebLee"}) {
    EXPECT_NE(comparable_name(other), "Zo\u00eb Lee") << other;
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
}  // namespace doppel::internal
