#include "doppel/service/served_gallery.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include "doppel/base/digest.h"
#include "doppel/base/disk_full.h"
#include "doppel/base/small_files.h"
#include "doppel/error.h"
#include "doppel/gallery/restore.h"
#include "doppel/gallery/settings_row.h"
#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

class ServedGalleryTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    service_.reset();
    gallery_ = served(unheard_, kMostCompared);
  }
  void TearDown() override {
    gallery_.reset();
    ServiceFixture::TearDown();
  }
  // `notes` outlives it.
  std::unique_ptr<ServedGallery> served(std::vector<std::string>& notes, size_t most_compared) {
    return std::make_unique<ServedGallery>(
        place(), settings_for(grey_model(), "the model that is served"), 1,
        [this, &notes](const std::string& note) {
          const std::lock_guard lock(mutex_);
          notes.push_back(note);
        },
        most_compared);
  }
  std::string nearest(uint32_t person) {
    ThreadPool pool(1);
    const Matrix probe =
        embed_images(grey_model(), std::vector<Image>{decode_image(face_png(person), "x")}, pool);
    const Answer answer = gallery_->identify(probe, 1).at(0);
    return answer.known ? answer.candidates[0].name : "unknown";
  }

  std::vector<std::string> unheard_;
  std::unique_ptr<ServedGallery> gallery_;
};

TEST_F(ServedGalleryTest, ItsOwnChangesAreKnownAtOnce) {
  gallery_->change([](Gallery& gallery) { enrol(gallery, "Mary", 5); });
  EXPECT_EQ(nearest(5), "Mary");
  EXPECT_EQ(gallery_->people(), 3u);
  EXPECT_EQ(gallery_->templates(), 3u);
  gallery_->change([](Gallery& gallery) { gallery.rename("Mary", "Ada", /*merge=*/true); });
  EXPECT_EQ(nearest(5), "Ada");
  gallery_->change([](Gallery& gallery) { gallery.remove(std::vector<std::string>{"Ada"}); });
  EXPECT_EQ(nearest(5), "unknown");
  EXPECT_EQ(gallery_->settings().fpir, 0.01);
  gallery_->change([](Gallery& gallery) { gallery.set_decision(0.2, {}, Fusion::nearest); });
  EXPECT_EQ(gallery_->settings().fpir, 0.2);
}

TEST_F(ServedGalleryTest, AFailedChangeChangesNothing) {
  EXPECT_THROW(gallery_->change([](Gallery& gallery) { gallery.rename("nobody", "x"); }), Error);
  EXPECT_EQ(gallery_->people(), 2u);
  gallery_->change([](Gallery& gallery) { gallery.rename("Ada", "Ada King"); });
  EXPECT_EQ(nearest(1), "Ada King");
}

TEST_F(ServedGalleryTest, FollowsPeopleAndKeys) {
  Gallery other = Gallery::open(place(), Access::read_write);
  EXPECT_TRUE(gallery_->keys().empty());
  add_access_key(other, Role::recognise, "door");
  enrol(other, "Mary", 5);
  EXPECT_EQ(gallery_->follow(), std::nullopt);
  EXPECT_EQ(gallery_->keys().size(), 1u);
  EXPECT_EQ(nearest(5), "Mary");
}

TEST_F(ServedGalleryTest, AMoveToAnotherModelIsNotTakenInButAMoveBackIs) {
  Gallery other = Gallery::open(place(), Access::read_write);
  const std::string model = other.settings().model_digest;
  const auto move_to = [&](const std::string& digest) {
    nlohmann::json settings = to_json(other.settings());
    settings["model"] = digest;
    write_settings_row(place(), "settings", settings.dump());
  };
  move_to(sha256_hex("another"));
  ASSERT_TRUE(gallery_->follow());
  EXPECT_THAT(*gallery_->follow(), testing::HasSubstr("the model that is served"));
  EXPECT_EQ(gallery_->trouble(), gallery_->follow());
  EXPECT_EQ(nearest(1), "Ada") << "who was known stays known";
  move_to(model);
  other = Gallery::open(place(), Access::read_write);
  enrol(other, "Mary", 5);
  EXPECT_EQ(gallery_->follow(), std::nullopt);
  EXPECT_EQ(gallery_->trouble(), std::nullopt);
  EXPECT_EQ(nearest(5), "Mary");
  gallery_->change([](Gallery& gallery) { enrol(gallery, "Carl", 7); });
  EXPECT_EQ(nearest(7), "Carl");
}

TEST_F(ServedGalleryTest, OnAFullDiskItBeginsToRecogniseAndChangesWhenThereIsRoom) {
  gallery_.reset();
  std::vector<std::string> notes;
  const auto enrol_mary = [this] {
    gallery_->change([](Gallery& gallery) { enrol(gallery, "Mary", 5); });
  };
  {
    const SmallFiles limit(10'000);
    gallery_ = served(notes, kMostCompared);
    EXPECT_TRUE(gallery_->full());
    EXPECT_EQ(gallery_->follow(), std::nullopt);
    EXPECT_EQ(nearest(1), "Ada");
    EXPECT_THROW(enrol_mary(), DiskFull);
    gallery_->look([](Gallery& gallery) { EXPECT_EQ(gallery.people().size(), 2u); });
    EXPECT_TRUE(gallery_->full());
  }
  enrol_mary();
  EXPECT_FALSE(gallery_->full());
  EXPECT_EQ(nearest(5), "Mary");
  EXPECT_EQ(gallery_->follow(), std::nullopt);
  gallery_.reset();
  EXPECT_THAT(notes, testing::ElementsAre(testing::HasSubstr("the disk is full"),
                                          testing::HasSubstr("there is room again")));
}

TEST_F(ServedGalleryTest, ARestoredBackupIsFollowed) {
  const std::string backup = folder_ / "backup";
  std::filesystem::copy_file(place(), backup);
  gallery_->change([](Gallery& gallery) { enrol(gallery, "Mary", 5); });
  EXPECT_EQ(nearest(5), "Mary");
  const std::string identity = gallery_->identity();
  restore_gallery(backup, place());
  EXPECT_EQ(gallery_->follow(), std::nullopt);
  EXPECT_EQ(nearest(5), "unknown");
  EXPECT_EQ(nearest(1), "Ada");
  EXPECT_NE(gallery_->identity(), identity);
  gallery_->change([](Gallery& gallery) { enrol(gallery, "Mary", 5); });
  EXPECT_EQ(nearest(5), "Mary");
}

TEST_F(ServedGalleryTest, AnotherFileInThePlaceIsNotWrittenInto) {
  const std::string backup = folder_ / "backup";
  std::filesystem::copy_file(place(), backup);
  const auto enrol_mary = [this] {
    gallery_->change([](Gallery& gallery) { enrol(gallery, "Mary", 5); });
  };
  for (const auto& replace : std::vector<std::function<void()>>{
           [&] { std::filesystem::rename(backup, place()); },
           [&] { std::filesystem::remove(place()); },
           [&] {
             using std::filesystem::copy_options;
             std::filesystem::copy_file(backup, place(), copy_options::overwrite_existing);
           }}) {
    const std::string good = folder_ / "good";
    gallery_.reset();
    std::filesystem::copy_file(place(), good);
    gallery_ = served(unheard_, kMostCompared);
    gallery_->change([](Gallery& gallery) { enrol(gallery, "Carl", 7); });
    replace();
    EXPECT_THROW(enrol_mary(), Error);
    ASSERT_TRUE(gallery_->follow());
    EXPECT_EQ(gallery_->trouble(), gallery_->follow());
    EXPECT_EQ(nearest(7), "Carl") << "who was known stays known";
    gallery_.reset();
    std::filesystem::copy_file(good, backup, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(place());
    std::filesystem::rename(good, place());
    gallery_ = served(unheard_, kMostCompared);
    EXPECT_EQ(nearest(7), "unknown");
  }
}

TEST_F(ServedGalleryTest, ABadProbeIsItsAskersAlone) {
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  for (const float value : {0.0f, 2e15f, std::nanf("")}) {
    threads.emplace_back([&, value] {
      Matrix bad(1, embedding_size(grey_model()));
      std::ranges::fill(bad.values, value);
      while (!ended) EXPECT_THROW(gallery_->identify(bad, 1), Error);
    });
  }
  for (int i = 0; i < 200; ++i) EXPECT_EQ(nearest(1), "Ada");
  ended = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ServedGalleryTest, WhatCannotBeComparedIsLeftOutAndNamed) {
  std::vector<std::string> notes;
  gallery_ = served(notes, kMostCompared);
  Gallery other = Gallery::open(place(), Access::read_write);
  enrol(other, "Mary", 5);
  const auto raw = open_database(place(), Access::read_write);
  raw->begin_write();
  raw->run("UPDATE templates SET embedding = $1 WHERE id = 3", {Bytes{"xyz"}});
  raw->commit();
  raw->end();
  EXPECT_EQ(gallery_->follow(), std::nullopt);
  EXPECT_EQ(gallery_->left_out(), 1u);
  EXPECT_EQ(gallery_->templates(), 2u);
  EXPECT_EQ(nearest(1), "Ada");
  gallery_.reset();
  EXPECT_THAT(notes, testing::ElementsAre(testing::HasSubstr(
                         "g: template 3 is left out of the search: its embedding has 1 values")));
}

TEST_F(ServedGalleryTest, AGraphIsMadeAsideWhileOthersSearchAndEnrol) {
  std::vector<std::string> notes;
  gallery_ = served(notes, /*most_compared=*/60);
  const auto add_one = [&](uint32_t person) {
    const std::string name = std::string("P").append(std::to_string(person));
    gallery_->change([&](Gallery& gallery) { enrol(gallery, name, person); });
    EXPECT_EQ(nearest(person), name) << "known at once";
  };
  for (uint32_t person = 10; person < 68; ++person) add_one(person);
  EXPECT_FALSE(gallery_->has_graph());
  uint32_t person = 68;
  for (; person < 400 && !gallery_->has_graph(); ++person) add_one(person);
  EXPECT_TRUE(gallery_->has_graph());
  EXPECT_FALSE(gallery_->graph_progress());
  EXPECT_EQ(gallery_->templates(), person - 10 + 2);
  for (uint32_t known = 10; known < person; ++known) {
    EXPECT_EQ(nearest(known), std::string("P").append(std::to_string(known)));
  }
  // What is in its place now follows, too.
  add_one(500);
  gallery_->change([](Gallery& gallery) { gallery.remove(std::vector<std::string>{"P500"}); });
  EXPECT_EQ(nearest(500), "unknown");
  gallery_.reset();
  EXPECT_THAT(notes, testing::Contains(testing::HasSubstr("is ready")));
}

TEST_F(ServedGalleryTest, WhatComesWhileAGraphIsMadeAsksForNoSecondOne) {
  const auto add_one = [this](uint32_t person) {
    const std::string name = std::string("P").append(std::to_string(person));
    gallery_->change([&](Gallery& gallery) { enrol(gallery, name, person); });
  };
  std::atomic<int> made = 0;
  gallery_ = std::make_unique<ServedGallery>(
      place(), settings_for(grey_model(), "the model that is served"), 1,
      [&](const std::string& note) {
        if (note.find("is being made") == std::string::npos) return;
        ++made;
        add_one(1000 + static_cast<uint32_t>(made));  // taken in while there is no graph yet
      },
      /*most_compared=*/20);
  for (uint32_t person = 10; person < 400 && !gallery_->has_graph(); ++person) add_one(person);
  ASSERT_TRUE(gallery_->has_graph());
  // Whoever had another one to make would begin at once.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(made, 1);
  EXPECT_EQ(nearest(1001), "P1001");
}

TEST_F(ServedGalleryTest, ManyMaySearchAndChangeAtOnce) {
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!ended) gallery_->follow();
  });
  threads.emplace_back([&] {
    while (!ended) EXPECT_EQ(nearest(1), "Ada");
  });
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 5; ++i) {
        const uint32_t person = 10 + 5 * t + i;
        const std::string name = std::string("P").append(std::to_string(person));
        gallery_->change([&](Gallery& gallery) { enrol(gallery, name, person); });
        EXPECT_EQ(nearest(person), name);
      }
    });
  }
  for (size_t t = 2; t < threads.size(); ++t) threads[t].join();
  ended = true;
  threads[0].join();
  threads[1].join();
  EXPECT_EQ(gallery_->people(), 17u);
}

}  // namespace
}  // namespace doppel::internal
