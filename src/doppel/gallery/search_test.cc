#include "doppel/gallery/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "doppel/base/digest.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/gallery/decades_threshold.h"
#include "doppel/gallery/embedding_bytes.h"

namespace doppel::internal {
namespace {

GallerySettings on_a_plane(std::optional<Threshold> threshold = decades()) {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.model_file = "m.safetensors";
  settings.embedding_size = 2;
  settings.threshold = std::move(threshold);
  return settings;
}

class SearchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "searchXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ / "g"; }

  // Points are given from (1, 1) on, as no embedding is of zeros.
  void add(Gallery& gallery, const std::string& name,
           const std::vector<std::pair<float, float>>& points) {
    NewPerson person{name, {}};
    for (const auto& [x, y] : points) {
      person.templates.push_back(
          {"", {1 + x, 1 + y}, sha256_hex(std::to_string(++photos_)), 1, ""});
    }
    gallery.enrol(std::vector<NewPerson>{person});
  }

  static Answer ask(GallerySearch&& search, float x, float y, size_t top = 3) {
    return ask(search, x, y, top);
  }
  static Answer ask(GallerySearch& search, float x, float y, size_t top = 3) {
    Matrix probe(1, 2);
    probe.values = {1 + x, 1 + y};
    return search.identify(probe, top).at(0);
  }

  static std::vector<std::string> names(const Answer& answer) {
    std::vector<std::string> names;
    for (const Candidate& candidate : answer.candidates) names.push_back(candidate.name);
    return names;
  }

  std::filesystem::path folder_;
  int photos_ = 0;
  ThreadPool pool_{2};
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SearchTest, NamesTheNearestOrNobody) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}, {10, 0}});
  add(gallery, "Bob", {{1, 0}});
  add(gallery, "Eve", {{5, 5}});
  GallerySearch search(gallery, pool_);
  EXPECT_EQ(search.people(), 3u);
  EXPECT_EQ(search.rule().templates, 4u);
  Answer answer = ask(search, 0.1f, 0);
  EXPECT_THAT(names(answer), ElementsAre("Ada", "Bob", "Eve"));
  EXPECT_TRUE(answer.known);
  EXPECT_NEAR(answer.candidates[0].distance, 0.1, 1e-6);
  EXPECT_NEAR(*answer.candidates[0].far, 1e-6, 1e-9);
  EXPECT_NEAR(*answer.candidates[0].fpir, 4e-6, 1e-8);
  EXPECT_GT(*answer.candidates[1].far, *answer.candidates[0].far);
  answer = ask(search, 0.5f, 0.2f, 1);
  EXPECT_FALSE(answer.known) << "beyond the threshold of a gallery of four";
  EXPECT_EQ(answer.candidates.size(), 1u);
}

TEST_F(SearchTest, SaysHowNearPhotosOfOnePersonAre) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  GallerySearch search(gallery, pool_);
  EXPECT_EQ(search.same_person_distance(), 0.5) << "the model's threshold";
  for (int i = 1; i <= 40; ++i) {
    add(gallery, std::to_string(i), {{static_cast<float>(i), static_cast<float>(i % 7)}});
  }
  search.refresh();
  const double own = search.same_person_distance();
  EXPECT_NE(own, 0.5) << "the gallery's own";
  EXPECT_GT(own, 0);
  EXPECT_LT(own, 2) << "one in a hundred pairs is nearer";
  gallery.set_decision(0.01, 0.3, Fusion::nearest);
  search.refresh();
  EXPECT_EQ(search.same_person_distance(), 0.5);

  Gallery plain = Gallery::create(folder_ / "plain", on_a_plane(std::nullopt));
  GallerySearch undecided(plain, pool_);
  EXPECT_EQ(undecided.same_person_distance(), 0);
  plain.set_decision(0.01, 0.3, Fusion::nearest);
  undecided.refresh();
  EXPECT_EQ(undecided.same_person_distance(), 0.3);
}

TEST_F(SearchTest, AnEmptyGalleryKnowsNobody) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  GallerySearch search(gallery, pool_);
  const Answer answer = ask(search, 0, 0);
  EXPECT_FALSE(answer.known);
  EXPECT_TRUE(answer.candidates.empty());
}

TEST_F(SearchTest, ManyTemplatesOfOneDoNotHideTheOthers) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  std::vector<std::pair<float, float>> crowd;
  for (int i = 0; i < 500; ++i) crowd.emplace_back(0.001f * static_cast<float>(i), 0.0f);
  add(gallery, "Ada", crowd);
  add(gallery, "Bob", {{1, 0}});
  add(gallery, "Eve", {{2, 0}});
  GallerySearch search(gallery, pool_);
  EXPECT_THAT(names(ask(search, 0, 0)), ElementsAre("Ada", "Bob", "Eve"));
  EXPECT_THAT(names(ask(search, 0, 0, 99)), ElementsAre("Ada", "Bob", "Eve"));
}

TEST_F(SearchTest, ByTheMeanOverAPersonsTemplates) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0.1f, 0}, {3, 0}});
  add(gallery, "Bob", {{0.2f, 0}, {0.3f, 0}});
  GallerySearch search(gallery, pool_);
  EXPECT_THAT(names(ask(search, 0, 0)), ElementsAre("Ada", "Bob"));
  gallery.set_decision(0.01, {}, Fusion::mean);
  EXPECT_TRUE(search.refresh());
  const Answer answer = ask(search, 0, 0);
  EXPECT_THAT(names(answer), ElementsAre("Bob", "Ada"));
  EXPECT_NEAR(answer.candidates[0].distance, 0.25, 1e-6);
  EXPECT_NEAR(answer.candidates[1].distance, 1.55, 1e-6);
  EXPECT_EQ(search.rule().chances, 2u) << "a stranger has one chance with each person";
}

TEST_F(SearchTest, FollowsTheGallery) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_);
  EXPECT_FALSE(search.refresh());
  const double before = search.rule().threshold;
  add(gallery, "Bob", {{0.05f, 0}, {4, 4}});
  EXPECT_THAT(names(ask(search, 0.05f, 0)), ElementsAre("Ada"));
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 0.05f, 0)), ElementsAre("Bob", "Ada"));
  EXPECT_LT(search.rule().threshold, before);
  gallery.rename("Bob", "Robert");
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 0.05f, 0)), ElementsAre("Robert", "Ada"));
  gallery.remove_templates(std::vector{gallery.templates_of(gallery.find("Robert")->id)[0].id});
  search.refresh();
  EXPECT_THAT(names(ask(search, 0.05f, 0)), ElementsAre("Ada", "Robert"));
  gallery.remove(std::vector<std::string>{"Ada"});
  search.refresh();
  EXPECT_THAT(names(ask(search, 0, 0)), ElementsAre("Robert"));
  EXPECT_EQ(search.people(), 1u);
  gallery.remove(std::vector<std::string>{"Robert"});
  search.refresh();
  EXPECT_THAT(names(ask(search, 0, 0)), IsEmpty());
  gallery.set_decision(0.5, {}, Fusion::nearest);
  EXPECT_TRUE(search.refresh());
  EXPECT_NEAR(*search.rule().far, 0.5, 1e-12);
}

TEST_F(SearchTest, FollowsWhoIsMergedAndWhoIsWithoutPhotosForATime) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  add(gallery, "Lovelace", {{1, 0}, {2, 0}});
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_);
  gallery.rename("Lovelace", "Ada", /*merge=*/true);
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 2, 0)), ElementsAre("Ada"));
  EXPECT_EQ(ask(search, 2, 0).candidates[0].distance, 0);
  EXPECT_EQ(search.people(), 1u);
  EXPECT_EQ(search.index().size(), 3u);
  std::vector<int64_t> all;
  for (const Face& face : gallery.faces(0, 10)) all.push_back(face.id);
  gallery.remove_templates(all);
  EXPECT_TRUE(search.refresh());
  EXPECT_EQ(search.people(), 0u);
  add(gallery, "Ada", {{3, 0}});
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 3, 0)), ElementsAre("Ada"));
}

TEST_F(SearchTest, ReadsWhileOthersSearchWhatItHolds) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_);
  add(gallery, "Bob", {{1, 0}});
  std::optional<GallerySearch::Update> update = search.read();
  ASSERT_TRUE(update);
  EXPECT_THAT(names(ask(search, 1, 0)), ElementsAre("Ada"));
  EXPECT_TRUE(search.apply(*update));
  EXPECT_THAT(names(ask(search, 1, 0)), ElementsAre("Bob", "Ada"));
  EXPECT_FALSE(search.read());
}

TEST_F(SearchTest, WhatCannotBeComparedIsLeftOutAndTheRestTakenIn) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  add(gallery, "Bob", {{1, 0}});
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_);
  // One change that removes Ada, adds Eve and damages Bob's template.
  add(gallery, "Eve", {{2, 0}, {3, 0}});
  gallery.remove(std::vector<std::string>{"Ada"});
  const int64_t bob = gallery.templates_of(gallery.find("Bob")->id)[0].id;
  const auto damage = [&](int64_t id, std::string_view bytes) {
    const auto raw = open_database(path(), Access::read_write);
    raw->begin_write();
    raw->run("UPDATE templates SET embedding = $1, revision = $2 WHERE id = $3",
             {Bytes{bytes}, gallery.revision(), id});
    raw->commit();
    raw->end();
  };
  const std::vector<float> large = {2e15f, 0}, short_one = {1};
  damage(bob, bytes_of(large));
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 0, 0)), ElementsAre("Eve"));
  EXPECT_EQ(search.people(), 1u);
  EXPECT_EQ(search.rule().templates, 2u);
  ASSERT_EQ(search.left_out().size(), 1u);
  EXPECT_EQ(to_string(search.left_out()[0], "g"),
            "g: template 2 is left out of the search: its embedding holds 2e+15, values up to "
            "1e+15 were expected");
  // Whoever opens it anew finds the same.
  EXPECT_THAT(names(ask(GallerySearch(gallery, pool_), 0, 0)), ElementsAre("Eve"));
  gallery.remove(std::vector<std::string>{"Bob"});
  const int64_t eve = gallery.templates_of(gallery.find("Eve")->id)[0].id;
  damage(eve, bytes_of(short_one));
  EXPECT_TRUE(search.refresh());
  ASSERT_EQ(search.left_out().size(), 1u);
  EXPECT_EQ(search.left_out()[0].id, eve);
  EXPECT_EQ(ask(search, 3, 0).candidates[0].distance, 0) << "Eve's other template";
}

TEST_F(SearchTest, AGraphIsMadeWhereAskedAndFollows) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  Random random(1, Purpose::sample);
  const auto add_many = [&](const std::string& name, size_t number) {
    std::vector<std::pair<float, float>> points;
    for (size_t i = 0; i < number; ++i) {
      points.emplace_back(static_cast<float>(random.uniform()),
                          static_cast<float>(random.uniform()));
    }
    add(gallery, name, points);
  };
  add_many("Ada", 300);
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_, /*most_compared=*/200);
  EXPECT_TRUE(search.graph_due());
  EXPECT_FALSE(search.index().has_graph());
  EXPECT_THAT(names(ask(search, 0.5f, 0.5f)), ElementsAre("Ada"));
  search.make_graph(pool_, {});
  EXPECT_FALSE(search.graph_due());
  EXPECT_TRUE(search.index().has_graph());
  EXPECT_TRUE(GallerySearch(other, pool_, 200).index().has_graph()) << "it is in the file";
  // More than are linked at once: between the parts, what is in is found.
  const size_t more = GallerySearch::kLinkedAtOnce + 1;
  add_many("Bob", more);
  std::optional<GallerySearch::Update> update = search.read();
  ASSERT_TRUE(update);
  EXPECT_FALSE(search.apply(*update));
  EXPECT_EQ(search.index().size(), 300 + GallerySearch::kLinkedAtOnce);
  EXPECT_THAT(names(ask(search, 0.5f, 0.5f)), testing::UnorderedElementsAre("Ada", "Bob"));
  EXPECT_TRUE(search.apply(*update));
  EXPECT_EQ(search.index().size(), 300 + more);
  EXPECT_FALSE(search.read());
  // Few are left: comparing all is as good.
  gallery.remove(std::vector<std::string>{"Ada"});
  EXPECT_TRUE(search.refresh());
  EXPECT_FALSE(search.index().has_graph());
  EXPECT_FALSE(search.graph_due());
  EXPECT_THAT(names(ask(search, 0.5f, 0.5f)), ElementsAre("Bob"));
}

TEST_F(SearchTest, AnotherGalleryInItsPlaceIsReadAnew) {
  Gallery gallery = Gallery::create(path(), on_a_plane());
  add(gallery, "Ada", {{0, 0}});
  GallerySearch search(gallery, pool_);
  add(gallery, "Bob", {{1, 0}});
  EXPECT_TRUE(search.refresh());
  const auto raw = open_database(path(), Access::read_write);
  raw->begin_write();
  raw->run("DELETE FROM templates WHERE person = 1");
  raw->run("DELETE FROM people WHERE id = 1");
  raw->run("UPDATE gallery SET value = '1' WHERE key = 'revision'");
  raw->commit();
  raw->end();
  EXPECT_TRUE(search.refresh());
  EXPECT_THAT(names(ask(search, 0, 0)), ElementsAre("Bob"));
}

TEST_F(SearchTest, FollowsAMoveToAnotherModel) {
  GallerySettings settings = on_a_plane();
  settings.photos = true;
  Gallery gallery = Gallery::create(path(), settings);
  add(gallery, "Ada", {{0, 0}});
  Gallery other = Gallery::open(path(), Access::read);
  GallerySearch search(other, pool_);
  settings.model_digest = sha256_hex("next");
  settings.embedding_size = 3;
  gallery.migrate(settings, [](std::string_view, const std::string&) {
    return std::vector<float>{1, 2, 3};
  });
  EXPECT_TRUE(search.refresh());
  Matrix probe(1, 3);
  probe.values = {1, 2, 3};
  const Answer answer = search.identify(probe, 1).at(0);
  EXPECT_THAT(names(answer), ElementsAre("Ada"));
  EXPECT_EQ(answer.candidates[0].distance, 0);
}

// Of many people the line is kept beside the gallery, for whoever opens it next.
TEST_F(SearchTest, TheLineOfManyPeopleIsKept) {
  GallerySettings settings = on_a_plane();
  Gallery gallery = Gallery::create(path(), settings);
  std::vector<NewPerson> people;
  for (size_t i = 0; i <= GallerySearch::kQuicklyCompared; ++i) {
    const auto x = static_cast<float>(i % 61), y = static_cast<float>(i * i % 97);
    people.push_back({std::string("P").append(std::to_string(i)),
                      {{"",
                        {1 + x, 1 + y + 0.001f * static_cast<float>(i)},
                        sha256_hex(std::string("line").append(std::to_string(i))),
                        1,
                        ""}}});
  }
  gallery.enrol(people);
  const double drawn = GallerySearch(gallery, pool_).rule().threshold;
  const std::string line = path() + ".line";
  ASSERT_TRUE(std::filesystem::exists(line));
  GallerySearch kept(gallery, pool_);
  EXPECT_EQ(kept.rule().threshold, drawn);
  EXPECT_EQ(kept.rule().source, RuleSource::gallery);
  // It decides as the one that was drawn, and follows.
  add(gallery, "Eve", {{500, 500}});
  kept.refresh();
  std::filesystem::remove(line);
  EXPECT_EQ(GallerySearch(gallery, pool_).rule().threshold, kept.rule().threshold);
  // A file of another state is none.
  std::ofstream(line) << "{}";
  EXPECT_EQ(GallerySearch(gallery, pool_).rule().threshold, kept.rule().threshold);
}

}  // namespace
}  // namespace doppel::internal
