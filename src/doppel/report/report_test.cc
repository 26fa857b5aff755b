#include "doppel/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/preprocessing.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
using testing::Not;

// Synthetic people recognised by their pixels.
ReportGroup group_of(int identities, int images, uint64_t seed) {
  ThreadPool pool(1);
  ReportGroup group;
  group.people = synthetic_dataset(identities, images, seed);
  group.embeddings = preprocess(group.people.images, {23, 28, 1, false});
  std::vector<std::string> names;
  for (const Identity& identity : group.people.identities) names.push_back(identity.name);
  group.evaluation = evaluate(all_distances(group.embeddings, pool), group.people.identity_of,
                              names, {{}, {50, 1}}, pool);
  group.baselines = {{"nearest pixels", {0.25, 0.75, 0.5, 0.625}}};
  group.history = {{2.5, {}}, {1.5, 1.75}};
  return group;
}

std::string between(const std::string& text, const std::string& left, const std::string& right) {
  const size_t begin = text.find(left) + left.size();
  return text.substr(begin, text.find(right, begin) - begin);
}

nlohmann::json embedded(const std::string& page) {
  return nlohmann::json::parse(
      between(page, R"(<script type="application/json" id="data">)", "</script>"));
}

TEST(Report, ThePageHoldsTheWholeDocument) {
  ReportContent content{"a model on people", {}, {{"seed", "7"}}, {{"name", "tutorial"}}};
  content.groups.push_back(group_of(5, 4, 1));
  const nlohmann::json document = report_json(content);
  EXPECT_EQ(embedded(report_html(content)), document);
  EXPECT_EQ(document["title"], "a model on people");
  EXPECT_EQ(document["setting"][0][1], "7");
  const nlohmann::json& group = document["groups"][0];
  EXPECT_EQ(group["evaluation"], to_json(content.groups[0].evaluation));
  EXPECT_EQ(group["figures"]["eer"], content.groups[0].evaluation.verification.eer);
  EXPECT_EQ(group["baselines"][0]["one_shot"], 0.625);
  EXPECT_EQ(group["history"][1]["val_loss"], 1.75);
  EXPECT_EQ(group["images"].size(), 20u);
  EXPECT_EQ(group["images"][19]["person"], 4);
  EXPECT_EQ(group["map"]["points"].size(), 20u);
  EXPECT_FALSE(document.contains("mean"));
  for (const auto& pair : group["evaluation"]["hardest"]["genuine"]) {
    const std::string picture = group["pictures"][std::to_string(pair["a"].get<size_t>())];
    EXPECT_EQ(picture.rfind("data:image/png;base64,iVBOR", 0), 0u);
  }
}

// A network without weights: its embeddings are the pixels.
Model small_pixels_model() {
  Model model;
  twins(model).network = {{1, 28, 23}, {Flatten{}}};
  twins(model).members = {{}};
  model.preprocessing = {23, 28, 1, false};
  model.training.history = {{1, {}}};
  return model;
}

TEST(Report, AModelIsMeasuredAtItsThreshold) {
  ThreadPool one(1), two(2);
  const Dataset people = synthetic_dataset(6, 4, 5);
  Model model = small_pixels_model();
  const ReportGroup free = measure_group("g", model, people, one);
  EXPECT_FALSE(free.evaluation.calibrated);
  EXPECT_TRUE(free.seen.empty());
  EXPECT_EQ(free.baselines[0].figures.eer, free.evaluation.verification.eer);
  EXPECT_EQ(free.people.digest, people.digest);
  model.threshold = Threshold{0.01, 3.5, 0.001, 0.02, 10, 100, 0.9, 5, {}};
  const size_t known[] = {1, 3};
  model.training.seen = remember(select_identities(people, known));
  const ReportGroup calibrated = measure_group("g", model, people, two);
  EXPECT_EQ(calibrated.evaluation.threshold, 3.5);
  EXPECT_THAT(calibrated.seen.identities, testing::ElementsAre("s2", "s4"));
  EXPECT_EQ(calibrated.evaluation.verification.eer, free.evaluation.verification.eer);
  const nlohmann::json group = report_json({"", {calibrated}, {}, {}})["groups"][0];
  EXPECT_EQ(group["seen"]["images"], 8);
  EXPECT_EQ(group["threshold"]["value"], 3.5);
}

TEST(Report, TheMapKeepsDistancesOfEmbeddingsInAPlane) {
  ReportContent content{"", {group_of(4, 3, 2)}, {}, {}};
  Matrix plane(12, 3);  // points of a tilted plane: x u + y v with u, v orthonormal
  for (size_t i = 0; i < 12; ++i) {
    const auto x = static_cast<float>(3 * (i % 4)), y = static_cast<float>(i / 4);
    plane.row(i)[0] = 0.6f * x;
    plane.row(i)[1] = 0.8f * x;
    plane.row(i)[2] = y;
  }
  content.groups[0].embeddings = plane;
  const nlohmann::json map = report_json(content)["groups"][0]["map"];
  const auto& points = map["points"];
  for (size_t i = 1; i < 12; ++i) {
    const double dx = points[i]["x"].get<double>() - points[0]["x"].get<double>();
    const double dy = points[i]["y"].get<double>() - points[0]["y"].get<double>();
    EXPECT_NEAR(dx * dx + dy * dy, squared_euclidean(plane.row(i), plane.row(0)), 1e-4) << i;
  }
  EXPECT_NEAR(map["variance"][0].get<double>() + map["variance"][1].get<double>(), 1, 1e-6);

  content.groups[0].embeddings = Matrix(12, 3);  // collapsed: all in one point
  const nlohmann::json collapsed = report_json(content)["groups"][0]["map"];
  EXPECT_EQ(collapsed["points"][7]["x"], 0);
  EXPECT_EQ(collapsed["variance"], nlohmann::json({0.0, 0.0}));
}

TEST(Report, NamesCannotLeaveTheDocument) {
  ReportContent content{"<!-- </script><script>alert(1)</script>", {group_of(3, 3, 3)}, {}, {}};
  content.groups[0].people.image_names[0] = "</script><img src=x onerror=alert(2)>";
  content.groups[0].people.image_names[1] = "\xff not UTF-8";
  content.groups[0].name = "@SCRIPT@ @CHART@";
  const std::string page = report_html(content);
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
  const nlohmann::json document = embedded(page);
  EXPECT_EQ(document["title"], content.title);
  EXPECT_EQ(document["groups"][0]["name"], "@SCRIPT@ @CHART@");
  EXPECT_EQ(document["groups"][0]["images"][0]["name"], content.groups[0].people.image_names[0]);
}

TEST(Report, NothingIsFetched) {
  const std::string page = report_html({"", {group_of(3, 3, 3)}, {}, {}});
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("Chart.js v"));
  for (const char* reference : {"<link", " src=", "@import", "url(", "fetch(", "XMLHttpRequest"}) {
    EXPECT_THAT(page, Not(HasSubstr(reference)));
  }
}

TEST(Report, SeveralGroupsHaveMeanAndSpread) {
  ReportContent content{"", {group_of(4, 3, 1), group_of(4, 3, 2)}, {}, {}};
  content.groups[1].baselines[0].figures.eer = 0.5;
  const double first = content.groups[0].evaluation.verification.eer;
  const double second = content.groups[1].evaluation.verification.eer;
  const nlohmann::json document = report_json(content);
  EXPECT_DOUBLE_EQ(document["mean"]["eer"].get<double>(), (first + second) / 2);
  EXPECT_NEAR(document["spread"]["eer"].get<double>(), std::abs(first - second) / std::sqrt(2),
              1e-12);
  EXPECT_DOUBLE_EQ(document["baselines"][0]["eer"].get<double>(), 0.375);
}

TEST(Report, OfManyImagesSomeAreOnTheMap) {
  ReportContent content{"", {group_of(3, 3, 1)}, {}, {}};
  content.groups[0].people = synthetic_dataset(30, 50, 1);
  content.groups[0].embeddings = Matrix(1500, 2);
  const nlohmann::json map = report_json(content)["groups"][0]["map"];
  EXPECT_EQ(map["points"].size(), 1000u);
  EXPECT_EQ(map["points"][0]["image"], 0);
  EXPECT_EQ(map["points"][2]["image"], 3);
  EXPECT_EQ(map["points"][999]["image"], 1498);
}

TEST(Report, WhatDoesNotBelongTogetherIsRefused) {
  EXPECT_THROW(report_html({"", {}, {}, {}}), Error);
  ReportContent content{"", {group_of(3, 3, 1), group_of(3, 3, 1)}, {}, {}};
  content.groups[1].baselines[0].name = "another";
  EXPECT_THROW(report_html(content), Error);
  content.groups[1].baselines[0].name = content.groups[0].baselines[0].name;
  EXPECT_NO_THROW(report_html(content));
  content.groups[1].embeddings = Matrix(8, 2);
  EXPECT_THROW(report_html(content), Error);
}

}  // namespace
}  // namespace doppel::internal
