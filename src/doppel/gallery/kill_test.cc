// Whatever moment the power goes: what was acknowledged is there, and nothing is half there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "doppel/base/digest.h"
#include "doppel/base/random.h"
#include "doppel/gallery/gallery.h"

namespace doppel::internal {
namespace {

constexpr int kKills = 500;
constexpr int kTimed = 20;  // changes of the first process, to know how long one takes
constexpr size_t kValues = 300, kTemplatesOfEach = 2;
// A process lives for a random number of changes below this, and for a random part of one more.
constexpr double kChangesOfALife = 6;

GallerySettings many_values() {
  GallerySettings settings;
  settings.model_digest = sha256_hex("model");
  settings.model_file = "m.safetensors";
  settings.embedding_size = kValues;
  return settings;
}

// What a process tells once a change was acknowledged: three people from `first` on were enrolled,
// or the first and the third of them removed.
struct Change {
  uint32_t first = 0;
  bool enrolled = false;
};

std::string name_of(uint32_t person) { return std::string("p").append(std::to_string(person)); }

// Enrols new people from `next` on, three at a time, and removes every other one of them again,
// until it is killed.
[[noreturn]] void change_for_ever(const std::string& path, uint32_t next, int acknowledged) {
  Gallery gallery = Gallery::open(path, Access::read_write);
  const auto tell = [&](bool enrolled) {
    const Change change{next, enrolled};
    if (write(acknowledged, &change, sizeof change) != sizeof change) _exit(1);
  };
  tell(false);  // ready
  for (;; next += 3) {
    std::vector<NewPerson> people;
    for (uint32_t person = next; person < next + 3; ++person) {
      people.push_back({name_of(person), {}});
      for (size_t i = 0; i < kTemplatesOfEach; ++i) {
        people.back().templates.push_back(
            {"", std::vector<float>(kValues, static_cast<float>(person)),
             sha256_hex(name_of(person) + "/" + std::to_string(i)), 1, ""});
      }
    }
    gallery.enrol(people);
    tell(true);
    const std::vector<std::string> gone = {name_of(next), name_of(next + 2)};
    gallery.remove(gone);
    tell(false);
  }
}

TEST(Kill, AtFiveHundredMomentsLosesNothingThatWasAcknowledged) {
  std::string folder = testing::TempDir() + "killXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/g";
  { Gallery::create(path, many_values()); }
  Random random(1, Purpose::sample);
  std::map<uint32_t, bool> there;  // by what was acknowledged
  uint32_t next = 1;               // whose number is the embedding, which is never of zeros
  size_t unacknowledged = 0;
  double change_us = 0;
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      change_for_ever(path, next, ends[1]);
    }
    close(ends[1]);
    Change ready;
    ASSERT_EQ(read(ends[0], &ready, sizeof ready), ssize_t{sizeof ready});
    const auto start = std::chrono::steady_clock::now();
    std::vector<Change> told(
        static_cast<size_t>(kill_number == 0 ? kTimed : kChangesOfALife * random.uniform()));
    for (Change& change : told) {
      ASSERT_EQ(read(ends[0], &change, sizeof change), ssize_t{sizeof change});
    }
    if (kill_number == 0) {
      const std::chrono::duration<double, std::micro> taken =
          std::chrono::steady_clock::now() - start;
      change_us = taken.count() / kTimed;
    } else {
      usleep(static_cast<useconds_t>(change_us * random.uniform()));
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    for (Change change; read(ends[0], &change, sizeof change) == sizeof change;) {
      told.push_back(change);
    }
    for (const Change& change : told) {
      for (const uint32_t k : {0u, 1u, 2u}) there[change.first + k] = change.enrolled || k == 1;
      next = change.first + 3;
    }
    close(ends[0]);

    Gallery gallery = Gallery::open(path, Access::read_write);
    ASSERT_THAT(gallery.check(), testing::IsEmpty()) << "kill " << kill_number;
    std::map<std::string, size_t> found;
    for (const Person& person : gallery.people()) found[person.name] = person.templates;
    for (const auto& [person, enrolled] : there) {
      // The last removal may have happened without having been told.
      const bool last = person + 3 >= next && person + 2 != next;
      if (enrolled && !found.contains(name_of(person)) && last) {
        ++unacknowledged;
        continue;
      }
      ASSERT_EQ(found.contains(name_of(person)), enrolled) << person << ", kill " << kill_number;
    }
    for (const auto& [name, templates] : found) ASSERT_EQ(templates, kTemplatesOfEach) << name;
    // What was in flight is there as a whole or not at all: three people, or none of them.
    size_t beyond = 0;
    while (found.contains(name_of(next + static_cast<uint32_t>(beyond)))) ++beyond;
    ASSERT_THAT(beyond, testing::AnyOf(0u, 3u)) << "kill " << kill_number;
    unacknowledged += beyond > 0;
    // Acknowledged by having been seen.
    for (uint32_t person = next; person < next + beyond; ++person) there[person] = true;
    for (auto& [person, enrolled] : there) enrolled = found.contains(name_of(person));
    next += static_cast<uint32_t>(beyond);
    if (found.size() > 60) {
      std::vector<std::string> all;
      for (const auto& [name, templates] : found) all.push_back(name);
      gallery.remove(all);
      there.clear();
    }
  }
  // Else the kills never came within a change.
  EXPECT_GT(unacknowledged, 0u);
  std::filesystem::remove_all(folder);
}

TEST(Kill, WhileAGalleryIsMadeLeavesRoomForOne) {
  constexpr int kKilledMakers = 100;
  std::string folder = testing::TempDir() + "killXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/g";
  const std::vector<NewPerson> one = {
      {"p", {{"", std::vector<float>(kValues, 1), sha256_hex("p"), 1, ""}}}};
  Random random(2, Purpose::sample);
  double make_us = 0;
  int whole = 0;
  for (int kill_number = 0; kill_number < kKilledMakers; ++kill_number) {
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Gallery::create(path, many_values(), one);
      _exit(0);
    }
    if (kill_number > 0) {
      usleep(static_cast<useconds_t>(1.2 * make_us * random.uniform()));
      kill(child, SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (kill_number == 0) {
      const std::chrono::duration<double, std::micro> taken =
          std::chrono::steady_clock::now() - start;
      make_us = taken.count();
    }
    if (Gallery::exists(path)) {
      ++whole;
    } else {
      Gallery::create(path, many_values(), one);
    }
    {
      Gallery gallery = Gallery::open(path, Access::read_write);
      ASSERT_THAT(gallery.check(), testing::IsEmpty()) << "kill " << kill_number;
      ASSERT_EQ(gallery.templates(), 1u) << "kill " << kill_number;
    }
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(path + suffix);
    }
  }
  EXPECT_LT(whole, kKilledMakers) << "or nobody was killed in time";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace doppel::internal
