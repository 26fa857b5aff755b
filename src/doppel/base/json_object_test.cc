#include "doppel/base/json_object.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace doppel::internal {
namespace {

using nlohmann::json;

// The error that `read` ends with; "" where there is none.
template <typename Read>
std::string message_of(const Read& read) {
  try {
    read();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.what();
  }
}

TEST(JsonObject, GivesWhatWasExpected) {
  const json value = {{"far", 0.5},     {"count", 3},         {"on", true},
                      {"name", "Ada"},  {"values", {1, 2.5}}, {"inner", {{"x", 1}}},
                      {"shape", {2, 9}}};
  const JsonObject object(value, "file");
  EXPECT_EQ(object.number("far", 0, 1), 0.5);
  EXPECT_EQ(object.number("count"), 3);
  EXPECT_EQ(object.whole_number("count", 1, 3), 3u);
  const json largest = {{"seed", UINT64_MAX}};
  EXPECT_EQ(JsonObject(largest, "file").whole_number("seed", 0, UINT64_MAX), UINT64_MAX);
  EXPECT_TRUE(object.truth("on"));
  EXPECT_EQ(object.text("name"), "Ada");
  EXPECT_EQ(object.numbers("values"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object.numbers("values", 2).size(), 2u);
  EXPECT_EQ(object.list("values", 2).size(), 2u);
  EXPECT_EQ(object.whole_numbers("shape", 9), (std::vector<size_t>{2, 9}));
  EXPECT_EQ(object.object("inner").whole_number("x", 0, 1), 1u);
  EXPECT_FALSE(object.has("none"));
}

TEST(JsonObject, NamesThePlaceAndTheValueThatIsWrong) {
  const json value = {{"far", 2},      {"count", -1},       {"half", 1.5},
                      {"huge", 1e300}, {"words", {1, "x"}}, {"inner", {{"x", "y"}}}};
  const JsonObject object(value, "file");
  EXPECT_EQ(message_of([&] { object.number("far", 0, 1); }),
            "file: \"far\" must be a number from 0.0 to 1.0, not 2");
  EXPECT_EQ(message_of([&] { object.number("far", 3); }),
            "file: \"far\" must be a number of at least 3.0, not 2");
  EXPECT_EQ(message_of([&] { object.number("none"); }),
            "file: \"none\" must be a number; it is missing");
  for (const char* key : {"count", "half", "huge"}) {
    EXPECT_NE(message_of([&] {
                object.whole_number(key, 0, 9);
              }).find("must be a whole number from 0 to 9, not"),
              std::string::npos)
        << key;
  }
  EXPECT_EQ(message_of([&] { object.truth("far"); }), "file: \"far\" must be true or false, not 2");
  EXPECT_EQ(message_of([&] { object.text("far"); }), "file: \"far\" must be a text, not 2");
  EXPECT_EQ(message_of([&] { object.numbers("words"); }),
            "file: \"words\" must be a list of numbers, not [1,\"x\"]");
  EXPECT_EQ(message_of([&] { object.numbers("words", 3); }),
            "file: \"words\" must be a list of 3 numbers, not [1,\"x\"]");
  EXPECT_EQ(message_of([&] { object.whole_numbers("words", 9); }),
            "file: \"words\" must be a list of whole numbers of at most 9, not [1,\"x\"]");
  EXPECT_EQ(message_of([&] { object.list("words", 1); }),
            "file: \"words\" must be a list of at most 1, not [1,\"x\"]");
  EXPECT_EQ(message_of([&] { object.object("inner").number("x"); }),
            "file: inner: \"x\" must be a number, not \"y\"");
  EXPECT_EQ(message_of([&] { object.object("far"); }),
            "file: far: a JSON object was expected, not 2");
  EXPECT_EQ(message_of([&] {
              object.expect_only({"far", "count"});
            }),
            "file: \"half\" is unknown; known: far, count");
}

TEST(JsonObject, ReadsWhatIsThereAndLeavesTheRest) {
  const json value = {{"width", 7}, {"align", true}, {"rate", 0.5}};
  const JsonObject object(value, "file");
  std::optional<int> width, height;
  bool align = false, mirror = true;
  double rate = 1;
  object.read("width", width);
  object.read("height", height);
  object.read("align", align);
  object.read("mirror", mirror);
  object.read("rate", rate);
  EXPECT_EQ(width, 7);
  EXPECT_EQ(height, std::nullopt);
  EXPECT_TRUE(align && mirror);
  EXPECT_EQ(rate, 0.5);
}

TEST(JsonObject, QuotesALongValueInPart) {
  const json value = {{"name", std::string(500, 'x') + "\xc3\xa9"}};
  const std::string message =
      message_of([&] { JsonObject(value, "file").whole_number("name", 0, 1); });
  EXPECT_LT(message.size(), 150u);
  EXPECT_EQ(quoted_json(json("\xc3\xa9")), "\"\\u00e9\"");
}

TEST(JsonObject, ErrorsHaveTheKindThatWasAskedFor) {
  const json value = {{"x", 1}};
  try {
    JsonObject(value, "recipe", ErrorKind::bad_argument).text("x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  }
  EXPECT_THROW(parse_json("{", "file"), Error);
  EXPECT_EQ(parse_json("[1]", "file").size(), 1u);
}

}  // namespace
}  // namespace doppel::internal
