#include "doppel/image/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> views_of(const Views& views, ImageShape shape, const std::vector<float>& in) {
  std::vector<float> out(views.count() * in.size());
  make_views(views, shape, in, out);
  return out;
}

TEST(Views, TheInputItselfByDefault) {
  const std::vector<float> in = {0.1f, 0.7f, -3, 1, 0.3f, 8};
  EXPECT_EQ(views_of({}, {2, 3}, in), in);
}

TEST(Views, ScalesThenEachMirrored) {
  const std::vector<float> in = {0, 1, 2, 3, 4};
  EXPECT_THAT(views_of({true, {1, 2, 0.5}}, {1, 5}, in),
              ElementsAre(0, 1, 2, 3, 4, 4, 3, 2, 1, 0,          // scale 1
                          1, 1.5, 2, 2.5, 3, 3, 2.5, 2, 1.5, 1,  // 2: the middle grows
                          0, 0, 2, 4, 4, 4, 4, 2, 0, 0));        // 0.5: the border is repeated
  EXPECT_THAT(views_of({false, {2}}, {1, 5}, in), ElementsAre(1, 1.5, 2, 2.5, 3));
}

TEST(Views, BothAxesAreScaled) {
  const std::vector<float> in = {0, 1, 2, 10, 11, 12, 20, 21, 22};
  EXPECT_THAT(views_of({false, {2}}, {3, 3}, in),
              ElementsAre(5.5, 6, 6.5, 10.5, 11, 11.5, 15.5, 16, 16.5));
}

TEST(Views, Json) {
  const Views views{true, {1, 0.9, 1.1}};
  EXPECT_EQ(views_to_json(views), json::parse(R"({"mirror": true, "scales": [1.0, 0.9, 1.1]})"));
  EXPECT_EQ(views_from_json(views_to_json(views)), views);
  EXPECT_EQ(views_from_json(json::object()), Views());
  EXPECT_EQ(views_from_json({{"scales", {1, 2}}}), (Views{false, {1, 2}}));
}

TEST(Views, RefusesWhatMakesNoSense) {
  const auto message = [](const char* text) -> std::string {
    try {
      views_from_json(json::parse(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message("[]"), HasSubstr("object"));
  EXPECT_THAT(message(R"({"flip": true})"), HasSubstr("\"flip\""));
  EXPECT_THAT(message(R"({"mirror": 1})"), HasSubstr("\"mirror\""));
  EXPECT_THAT(message(R"({"scales": 1})"), HasSubstr("\"scales\""));
  EXPECT_THAT(message(R"({"scales": ["1"]})"), HasSubstr("\"scales\""));
  EXPECT_THAT(message(R"({"scales": []})"), HasSubstr("16 scales"));
  EXPECT_THAT(message(R"({"scales": [0]})"), HasSubstr("scales"));
  EXPECT_THROW((Views{false, {std::nan("")}}.check()), Error);
  EXPECT_THROW((Views{false, std::vector<double>(17, 1)}.check()), Error);
  std::vector<float> six(6), eleven(11), twelve(12);
  EXPECT_THROW(make_views({true, {1}}, {2, 3}, six, eleven), Error);
  EXPECT_THROW(make_views({true, {1}}, {2, 3}, twelve, twelve), Error);
}

}  // namespace
}  // namespace doppel::internal
