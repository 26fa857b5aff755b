#include "doppel/gallery/gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "doppel/base/digest.h"
#include "doppel/base/random.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

GallerySettings four_values(bool photos = false) {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.model_file = "m.safetensors";
  settings.embedding_size = 4;
  settings.threshold =
      Threshold{0.01, 0.5, 0.005,
                0.02, 10,  100,
                0.9,  5,   {{{1e-4, 0.2, 1e-5, 1e-3}, {0.01, 0.5, 0.005, 0.02}}, 0.01}};
  settings.photos = photos;
  return settings;
}

NewTemplate photo_of(const std::string& picture, float value = 1) {
  return {picture + ".png", {value, 0, -value, 2}, sha256_hex(picture), 0.5, "bytes of " + picture};
}

class GalleryTest : public DatabaseTest {
 protected:
  static Enrolled add(Gallery& gallery, const std::string& name,
                      std::vector<NewTemplate> templates) {
    const std::vector<NewPerson> people = {{name, std::move(templates)}};
    return gallery.enrol(people);
  }

  static std::vector<std::string> names(Gallery& gallery) {
    std::vector<std::string> names;
    for (const Person& person : gallery.people()) names.push_back(person.name);
    return names;
  }
};
EVERY_DATABASE(GalleryTest);

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(GalleryTest, KeepsWhoWasEnrolled) {
  std::string identity;
  {
    Gallery gallery = Gallery::create(place(), four_values());
    identity = gallery.identity();
    const Enrolled ada = add(gallery, "Ada", {photo_of("a1", 3), photo_of("a2")});
    EXPECT_EQ(ada.people, 1u);
    EXPECT_EQ(ada.templates, 2u);
    const Enrolled more = add(gallery, "Ada", {photo_of("a3")});
    EXPECT_EQ(more.people, 0u);
    EXPECT_EQ(more.templates, 1u);
    add(gallery, "s10", {photo_of("b")});
    add(gallery, "s9", {photo_of("c")});
  }
  Gallery gallery = Gallery::open(place(), Access::read);
  EXPECT_EQ(gallery.identity(), identity);
  EXPECT_THAT(names(gallery), ElementsAre("Ada", "s9", "s10"));
  EXPECT_EQ(gallery.people()[0].templates, 3u);
  EXPECT_EQ(gallery.templates(), 5u);
  const std::vector<TemplateFacts> facts = gallery.templates_of(gallery.find("Ada")->id);
  ASSERT_EQ(facts.size(), 3u);
  EXPECT_EQ(facts[0].image_digest, sha256_hex("a1"));
  EXPECT_EQ(facts[0].model_digest, sha256_hex("model"));
  EXPECT_EQ(facts[0].quality, 0.5);
  EXPECT_FALSE(facts[0].photo);
  EXPECT_EQ(gallery.photo(facts[0].id), "");
  std::vector<float> first;
  gallery.changes_since(0, [&](const StoredTemplate& stored) {
    if (stored.id == facts[0].id) first.assign(stored.embedding.begin(), stored.embedding.end());
  });
  EXPECT_THAT(first, ElementsAre(3, 0, -3, 2));
  EXPECT_THAT(gallery.check(), IsEmpty());
  EXPECT_FALSE(gallery.find("nobody"));
}

TEST_P(GalleryTest, KeepsItsSettings) {
  GallerySettings settings = four_values(true);
  settings.energy = {EnergyKind::weighted_l1, {1, 2, 3, 4}, -1};
  { Gallery::create(place(), settings).set_decision(1e-3, 0.25, Fusion::mean); }
  const Gallery gallery = Gallery::open(place(), Access::read);
  const GallerySettings& read = gallery.settings();
  EXPECT_EQ(read.model_digest, settings.model_digest);
  EXPECT_EQ(read.model_file, "m.safetensors");
  EXPECT_EQ(read.threshold, settings.threshold);
  EXPECT_EQ(read.energy.weights, settings.energy.weights);
  EXPECT_EQ(read.fpir, 1e-3);
  EXPECT_EQ(read.distance, 0.25);
  EXPECT_EQ(read.fusion, Fusion::mean);
  EXPECT_TRUE(read.photos);
}

TEST_P(GalleryTest, BadInputChangesNothing) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a")});
  const int64_t before = gallery.revision();
  const auto enrolling = [&](std::vector<NewPerson> people) {
    return [&gallery, people] { gallery.enrol(people); };
  };
  refused(enrolling({{"Grace", {photo_of("g")}}, {"two\nlines", {photo_of("x")}}}),
          ErrorKind::bad_argument, "control character");
  refused(enrolling({{"Grace", {photo_of("g"), photo_of("a")}}}), ErrorKind::mismatch,
          "a.png: this photo is enrolled already, as \"Ada\", not \"Grace\"");
  NewTemplate wrong = photo_of("w");
  wrong.embedding.push_back(0);
  refused(enrolling({{"Grace", {photo_of("g")}}, {"Bob", {wrong}}}), ErrorKind::mismatch,
          "w.png: its embedding has 5 values, 4 were expected");
  for (const auto& [value, words] : {std::pair(std::numeric_limits<float>::quiet_NaN(), "finite"),
                                     std::pair(2e15f, "2e+15"), std::pair(0.0f, "zeros")}) {
    wrong = photo_of("w");
    std::ranges::fill(wrong.embedding, value);
    refused(enrolling({{"Grace", {photo_of("g")}}, {"Bob", {wrong}}}), ErrorKind::bad_data, words);
  }
  refused([&] { gallery.rename("nobody", "Bob"); }, ErrorKind::bad_argument,
          "there is no \"nobody\"");
  refused(
      [&] {
        gallery.remove(std::vector<std::string>{"Ada", "nobody"});
      },
      ErrorKind::bad_argument, "nothing was removed");
  refused(
      [&] {
        gallery.remove_templates(std::vector<int64_t>{1, 77});
      },
      ErrorKind::bad_argument, "no template number 77; nothing was removed");
  for (const double fpir : {0.0, -1.0, 1e-300, 0.6, 1.0}) {
    refused([&] { gallery.set_decision(fpir, {}, Fusion::mean); }, ErrorKind::bad_argument, "fpir");
  }
  for (const double distance : {-1.0, 0.0, 1e300}) {
    refused([&] { gallery.set_decision(0.01, distance, Fusion::mean); }, ErrorKind::bad_argument,
            "threshold is ");
  }
  refused([&] { Gallery::create(place(), four_values()); }, ErrorKind::io, "it exists already");
  EXPECT_EQ(gallery.revision(), before);
  EXPECT_THAT(names(gallery), ElementsAre("Ada"));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, ThePhotoOfOnePersonTwiceIsLeftOutAndSaid) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a")});
  const Enrolled again = add(gallery, "Ada", {photo_of("b"), photo_of("a")});
  EXPECT_EQ(again.templates, 1u);
  EXPECT_THAT(again.repeated, ElementsAre("a.png"));
  const int64_t before = gallery.revision();
  EXPECT_EQ(add(gallery, "Ada", {photo_of("a")}).templates, 0u);
  EXPECT_EQ(gallery.revision(), before) << "nothing changed";
}

TEST_P(GalleryTest, RenamesWithoutMixingPeopleUp) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a")});
  add(gallery, "Bob", {photo_of("b")});
  refused([&] { gallery.rename("Ada", "Bob"); }, ErrorKind::bad_argument, "there is a \"Bob\"");
  gallery.rename("Ada", "Ada King'); --");
  EXPECT_THAT(names(gallery), ElementsAre("Ada King'); --", "Bob"));
  EXPECT_EQ(gallery.find("Ada King'); --")->templates, 1u);
}

TEST_P(GalleryTest, OneWhoIsWrittenInTwoWaysIsOnePerson) {
  Gallery gallery = Gallery::create(place(), four_values());
  const std::string composed = "Zo\u00eb", decomposed = "Zoe\u0308";
  EXPECT_EQ(add(gallery, decomposed, {photo_of("a")}).people, 1u);
  EXPECT_EQ(add(gallery, composed, {photo_of("b")}).people, 0u);
  EXPECT_THAT(names(gallery), ElementsAre(composed));
  EXPECT_EQ(gallery.find(decomposed)->name, composed);
  gallery.rename(decomposed, "Ann");
  gallery.rename("Ann", decomposed);
  EXPECT_THAT(names(gallery), ElementsAre(composed));
  gallery.remove(std::vector<std::string>{decomposed});
  EXPECT_THAT(names(gallery), IsEmpty());
}

TEST_P(GalleryTest, NobodyIsCalledLikeAnotherOrAStranger) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ann Lee", {photo_of("a")});
  add(gallery, "Bob", {photo_of("b")});
  for (const char* name : {"Ann\u00a0Lee", "Ann  Lee", "\uff21nn Lee"}) {
    const auto words = "looks like \"Ann Lee\", who is there already";
    refused([&] { add(gallery, name, {photo_of("c")}); }, ErrorKind::bad_argument, words);
    refused([&] { gallery.rename("Bob", name); }, ErrorKind::bad_argument, words);
  }
  refused(
      [&] {
        gallery.enrol(std::vector<NewPerson>{{"A B", {}}, {"A  B", {}}});
      },
      ErrorKind::bad_argument, "looks like \"A B\"");
  for (const char* name : {"unknown_person", "Unknown", "no_persons_found"}) {
    refused([&] { add(gallery, name, {}); }, ErrorKind::bad_argument, "call strangers");
    refused([&] { gallery.rename("Bob", name); }, ErrorKind::bad_argument, "call strangers");
  }
  add(gallery, "ann lee", {});
  gallery.rename("Ann Lee", "Ann\u00a0Lee");  // herself
  EXPECT_THAT(names(gallery), testing::UnorderedElementsAre("Ann\u00a0Lee", "ann lee", "Bob"));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

// As galleries of earlier programs may have them.
TEST_P(GalleryTest, NamesThatWereTakenOnceCanBeMended) {
  Gallery gallery = Gallery::create(place(), four_values());
  for (const char* name : {"Ann", "B", "C", "D"}) add(gallery, name, {photo_of(name)});
  const std::string hidden = "Ann\u200b", decomposed = "Zoe\u0308";
  {
    const std::unique_ptr<Database> database = open_database(place(), Access::read_write);
    database->run("UPDATE people SET name = $1 WHERE name = 'B'", {hidden});
    database->run("UPDATE people SET name = $1 WHERE name = 'C'", {decomposed});
    database->run("UPDATE people SET name = 'unknown' WHERE name = 'D'");
  }
  const std::vector<std::string> problems = gallery.check();
  EXPECT_THAT(problems, testing::Contains(testing::HasSubstr("cannot be seen")));
  EXPECT_THAT(problems, testing::Contains(testing::HasSubstr("looks like person 1: \"Ann\"")));
  EXPECT_THAT(problems, testing::Contains(testing::HasSubstr("not in Unicode's form NFC")));
  EXPECT_THAT(problems, testing::Contains(testing::HasSubstr("call strangers")));
  refused([&] { add(gallery, "Zo\u00eb", {photo_of("c")}); }, ErrorKind::bad_argument,
          "looks like");
  gallery.rename(decomposed, "Zo\u00eb");
  gallery.rename("unknown", "Dan");
  gallery.rename(hidden, "Ann", /*merge=*/true);
  EXPECT_THAT(names(gallery), ElementsAre("Ann", "Dan", "Zo\u00eb"));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, WhatWasRemovedIsInNoFile) {
  Gallery gallery = Gallery::create(place(), four_values(true));
  NewTemplate secret = photo_of("secret");
  secret.embedding = {0.12345f, 0.6789f, 0.13579f, 0.24680f};
  Random random(1, Purpose::sample);
  secret.photo = "the secret photo";
  while (secret.photo.size() < 20'000) secret.photo += static_cast<char>(random.next() & 0xff);
  add(gallery, "Ada", {photo_of("a")});
  add(gallery, "Mallory", {secret, photo_of("m")});
  const std::string needles[] = {
      {reinterpret_cast<const char*>(secret.embedding.data()), 4 * sizeof(float)},
      "the secret photo",
      secret.photo.substr(100, 100),
      secret.image_digest,
      "Mallory"};
  const auto found = [&](const std::string& needle) { return in_files(needle); };
  for (const std::string& needle : needles) EXPECT_TRUE(found(needle)) << "or the test cannot fail";
  const Person mallory = *gallery.find("Mallory");
  EXPECT_TRUE(gallery.remove_templates(std::vector{gallery.templates_of(mallory.id)[0].id}));
  for (const std::string& needle : {needles[0], needles[1], needles[2], needles[3]}) {
    EXPECT_FALSE(found(needle)) << needle.substr(0, 20);
  }
  EXPECT_TRUE(found("Mallory"));
  EXPECT_TRUE(gallery.remove(std::vector<std::string>{"Mallory"}));
  EXPECT_FALSE(found("Mallory"));
  EXPECT_FALSE(found("bytes of m"));
  EXPECT_THAT(names(gallery), ElementsAre("Ada"));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, RemovingTellsWhetherAReaderStillKeepsItThere) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a")});
  const auto reader = open_database(place(), Access::read);
  ReadTransaction reading(*reader);
  reader->run("SELECT * FROM people");
  EXPECT_FALSE(gallery.remove(std::vector<std::string>{"Ada"}));
}

TEST_P(GalleryTest, ChangesCanBeFollowed) {
  Gallery gallery = Gallery::create(place(), four_values());
  std::map<int64_t, float> seen;
  const auto take = [&](const StoredTemplate& stored) { seen[stored.id] = stored.embedding[0]; };
  GalleryChanges changes = gallery.changes_since(0, take);
  EXPECT_TRUE(seen.empty());
  add(gallery, "Ada", {photo_of("a", 1), photo_of("b", 2)});
  Gallery other = Gallery::open(place(), Access::read);
  changes = other.changes_since(changes.revision, take);
  EXPECT_EQ(seen.size(), 2u);
  ASSERT_EQ(changes.people.size(), 1u);
  EXPECT_EQ(changes.people[0].name, "Ada");
  EXPECT_EQ(other.changes_since(changes.revision, take).revision, changes.revision);
  seen.clear();
  gallery.rename("Ada", "Ada King");
  const int64_t first = gallery.templates_of(changes.people[0].id)[0].id;
  gallery.remove_templates(std::vector{first});
  changes = other.changes_since(changes.revision, take);
  EXPECT_TRUE(seen.empty());
  EXPECT_THAT(changes.removed, ElementsAre(first));
  EXPECT_EQ(changes.people[0].name, "Ada King");
}

TEST_P(GalleryTest, PeopleMayBeWithoutPhotos) {
  Gallery gallery = Gallery::create(place(), four_values());
  const Enrolled enrolled = gallery.enrol(std::vector<NewPerson>{{"Ada", {}}});
  EXPECT_EQ(enrolled.people, 1u);
  EXPECT_EQ(gallery.find("Ada")->templates, 0u);
  add(gallery, "Ada", {photo_of("a")});
  EXPECT_EQ(gallery.faces(0, 10).size(), 1u);
  gallery.remove_templates(std::vector{gallery.faces(0, 10)[0].id});
  EXPECT_THAT(names(gallery), ElementsAre("Ada"));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, PeopleCanBeMerged) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a")});
  add(gallery, "Lovelace", {photo_of("b"), photo_of("c")});
  refused([&] { gallery.rename("Lovelace", "Ada"); }, ErrorKind::bad_argument,
          "there is a \"Ada\" already");
  gallery.rename("Lovelace", "Ada", /*merge=*/true);
  EXPECT_THAT(names(gallery), ElementsAre("Ada"));
  EXPECT_EQ(gallery.find("Ada")->templates, 3u);
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, ListsFacesInParts) {
  Gallery gallery = Gallery::create(place(), four_values());
  add(gallery, "Ada", {photo_of("a"), photo_of("b")});
  add(gallery, "Bob", {photo_of("c")});
  const Enrolled more =
      gallery.enrol(std::vector<NewPerson>{{"Ada", {photo_of("b"), photo_of("d")}}});
  EXPECT_THAT(more.ids, ElementsAre(gallery.faces(1, 1)[0].id, gallery.faces(3, 1)[0].id));
  gallery.remove_templates(std::vector{gallery.faces(3, 1)[0].id});
  const std::vector<Face> all = gallery.faces(0, 10);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].name, "Bob");
  const std::vector<Face> middle = gallery.faces(1, 1);
  ASSERT_EQ(middle.size(), 1u);
  EXPECT_EQ(middle[0].id, all[1].id);
  EXPECT_TRUE(gallery.faces(3, 10).empty());
  EXPECT_EQ(gallery.face(all[2].id)->name, "Bob");
  EXPECT_FALSE(gallery.face(77));
}

TEST_P(GalleryTest, KeepsAccessKeysBesideItsPeople) {
  Gallery gallery = Gallery::create(place(), four_values());
  EXPECT_TRUE(gallery.access_keys().empty());
  const int64_t before = gallery.revision();
  const auto append = [](std::vector<AccessKey>& keys) {
    keys.push_back({"0a1b2c3d", "door", Role::admin, "2026-05-17T09:30:00Z", sha256_hex("key")});
  };
  gallery.change_access_keys(append);
  gallery.change_access_keys(append);
  EXPECT_EQ(gallery.access_keys().size(), 2u);
  EXPECT_EQ(gallery.revision(), before + 2);
  const auto refuse = [](std::vector<AccessKey>& keys) {
    keys.clear();
    throw Error(ErrorKind::bad_argument, "no");
  };
  refused([&] { gallery.change_access_keys(refuse); }, ErrorKind::bad_argument, "no");
  EXPECT_EQ(Gallery::open(place(), Access::read).access_keys().at(1).label, "door");
}

TEST_P(GalleryTest, MigratesByItsPhotosAllOrNothing) {
  GallerySettings next = four_values();
  next.model_digest = sha256_hex("next model");
  next.embedding_size = 2;
  const auto embed = [](std::string_view photo, const std::string&) {
    return std::vector<float>{static_cast<float>(photo.size()), 1};
  };
  {
    Gallery without = Gallery::create(new_place(), four_values());
    refused([&] { without.migrate(next, embed); }, ErrorKind::bad_argument, "keeps no photos");
  }
  Gallery gallery = Gallery::create(place(), four_values(true));
  add(gallery, "Ada", {photo_of("a")});
  add(gallery, "Bob", {photo_of("bcd")});
  int calls = 0;
  refused(
      [&] {
        gallery.migrate(next, [&](std::string_view, const std::string& where) {
          if (++calls == 2) throw Error(ErrorKind::bad_data, where + ": no face");
          return std::vector<float>{1, 2};
        });
      },
      ErrorKind::bad_data, "\"Bob\"");
  EXPECT_EQ(Gallery::open(place(), Access::read).settings().model_digest, sha256_hex("model"));
  gallery.migrate(next, embed);
  EXPECT_EQ(gallery.settings().embedding_size, 2u);
  EXPECT_TRUE(gallery.settings().photos);
  std::vector<float> values;
  Gallery::open(place(), Access::read).changes_since(0, [&](const StoredTemplate& stored) {
    values.push_back(stored.embedding[0]);
  });
  EXPECT_THAT(values, ElementsAre(10, 12));
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, RefusesWhatIsNoGalleryOrANewerOne) {
  { open_database(place(), Access::create)->run("CREATE TABLE other (x BIGINT)"); }
  refused([&] { Gallery::open(place(), Access::read); }, ErrorKind::bad_data, "no gallery");
  const std::string newer = new_place();
  { Gallery::create(newer, four_values()); }
  open_database(newer, Access::read_write)
      ->run("UPDATE gallery SET value = 'doppel gallery 2' WHERE key = 'format'");
  refused([&] { Gallery::open(newer, Access::read); }, ErrorKind::mismatch,
          "its format is \"doppel gallery 2\"");
}

TEST_P(GalleryTest, EmbeddingsAreAsLongAsTheModelMakesThem) {
  GallerySettings settings = four_values();
  settings.length = EmbeddingLength::unit;
  settings.photos = true;
  Gallery gallery = Gallery::create(place(), settings);
  NewTemplate made = photo_of("a");
  made.embedding = {0.5f, 0.5f, 0.5f, 0.5f};
  made.photo = "bytes";
  const auto enrol = [&] { gallery.enrol(std::vector<NewPerson>{{"Ada", {made}}}); };
  enrol();
  made = photo_of("b");
  made.embedding = {0.1f, 0, 0, 0};
  refused(enrol, ErrorKind::bad_data, "b.png: its embedding has the length 0.1");
  EXPECT_EQ(gallery.templates(), 1u);
  GallerySettings next = settings;
  next.model_digest = sha256_hex("next");
  refused(
      [&] {
        gallery.migrate(next,
                        [](std::string_view, const std::string&) { return std::vector<float>(4); });
      },
      ErrorKind::bad_data, "its embedding is of zeros");
  EXPECT_EQ(gallery.settings().model_digest, settings.model_digest);
  EXPECT_THAT(gallery.check(), IsEmpty());
}

TEST_P(GalleryTest, AnOlderGalleryLearnsItsLengthFromTheModel) {
  Model model;
  twins(model).network = {{1, 2, 2}, {Flatten{}, L2Normalize{}}};
  twins(model).members = {{}};
  model.preprocessing = {2, 2, 1};
  GallerySettings settings = settings_for(model, "m");
  settings.length.reset();
  Gallery gallery = Gallery::create(place(), settings);
  gallery.check_model(settings_for(model, "m"));
  NewTemplate made = photo_of("a");
  made.embedding = {0.1f, 0, 0, 0};
  refused(
      [&] {
        gallery.enrol(std::vector<NewPerson>{{"Ada", {made}}});
      },
      ErrorKind::bad_data, "the length 0.1");
  gallery.set_decision(0.5, {}, Fusion::nearest);
  EXPECT_EQ(Gallery::open(place(), Access::read).settings().length, EmbeddingLength::unit);
}

TEST_P(GalleryTest, AnotherModelIsRefusedWithWhatToDo) {
  Model model;
  twins(model).network = {{1, 2, 2}, {Flatten{}}};
  twins(model).members = {{}};
  model.preprocessing = {2, 2, 1};
  GallerySettings settings = settings_for(model, "first.safetensors");
  Gallery gallery = Gallery::create(place(), settings);
  EXPECT_NO_THROW(gallery.check_model(settings_for(model, "first.safetensors")));
  Model calibrated = model;
  calibrated.threshold = Threshold{};
  calibrated.training.seed = 7;
  EXPECT_NO_THROW(gallery.check_model(settings_for(calibrated, "same.safetensors")));
  Model other = model;
  twins(other).views.mirror = !twins(other).views.mirror;
  refused([&] { gallery.check_model(settings_for(other, "other.safetensors")); },
          ErrorKind::mismatch, "other.safetensors: another model than that of");
  refused([&] { gallery.check_model(settings_for(other, "other.safetensors")); },
          ErrorKind::mismatch, "enroll the photos into a new gallery");
}

}  // namespace
}  // namespace doppel::internal
