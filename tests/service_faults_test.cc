// doppel serve when things go wrong: killed at any time, a full disk, a database server that is
// gone. What was acknowledged is there, what was not is refused in words, and who is known stays
// so.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "doppel/gallery/postgres_server.h"
#include "serving.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ServiceFaults : public ServingTest {
 protected:
  json posted(int port, const std::string& target, int person) const {
    return json::parse(curl(port, target, "-F file=@" + photo(person)), nullptr, false);
  }
  json added(int port, const std::string& name, int person) const {
    return posted(port, "/api/v1/recognition/faces?subject=" + name, person);
  }
  std::string recognised(int port, int person) const {
    const json answer = posted(port, "/api/v1/recognition/recognize", person);
    const json& face = answer["result"][0];
    return face["unknown"] == false ? face["subjects"][0]["subject"].get<std::string>() : "unknown";
  }
};

TEST_F(ServiceFaults, KilledAtAnyTimeItLosesNothingAcknowledged) {
  write_synthetic(folder_ / "many", 200, 1, 9);
  std::set<std::string> acknowledged;
  std::mutex mutex;
  std::atomic<int> next = 0;
  for (const int milliseconds : {150, 250, 350, 450}) {
    Running serving(folder_, {"serve", "g", "--port", "0"}, "");
    const int port = port_of(serving);
    std::atomic<bool> killed = false;
    std::vector<std::thread> clients;
    for (int client = 0; client < 4; ++client) {
      clients.emplace_back([&] {
        while (!killed) {
          const std::string number = std::to_string(++next);
          const std::string file =
              (folder_ / "many" / std::string("s").append(number) / "1.pgm").string();
          const json answer = json::parse(
              curl(port, "/api/v1/recognition/faces?subject=P" + number, "-F file=@" + file),
              nullptr, false);
          if (!answer.is_object() || !answer.contains("image_id")) continue;
          const std::lock_guard lock(mutex);
          acknowledged.insert(std::string("P").append(number));
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    serving.signal(SIGKILL);
    killed = true;
    for (std::thread& client : clients) client.join();
    ASSERT_EQ(serving.wait().code, 128 + SIGKILL);
    EXPECT_EQ(run({"gallery", "check", "g"}).code, 0);
    std::set<std::string> there;
    const json listed = run({"gallery", "list", "g", "--json"}).json();
    for (const json& person : listed["people"]) {
      there.insert(person["name"].get<std::string>());
    }
    for (const std::string& name : acknowledged) EXPECT_TRUE(there.contains(name)) << name;
  }
  EXPECT_GT(acknowledged.size(), 4u) << "or nothing was under way";
}

TEST_F(ServiceFaults, AFullDiskIsSaidAndNothingIsLost) {
  fs::create_directories(folder_ / "disk");
  if (mount("none", (folder_ / "disk").c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "a small file system cannot be mounted here (not root)";
  }
  {
    Running serving(folder_, {"serve", "disk/g", "--model", "m.safetensors", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_EQ(added(port, "Grace", 2)["subject"], "Grace");
    EXPECT_NE(std::system(("dd if=/dev/zero of='" + (folder_ / "disk/filler").string() +
                           "' bs=4k 2> /dev/null")
                              .c_str()),
              0);
    // What SQLite has at hand may hold one or two more.
    json refused;
    std::set<std::string> acknowledged = {"Grace"};
    for (int person = 3; person < 26; ++person) {
      const std::string name = std::string("P").append(std::to_string(person));
      refused = added(port, name, person);
      if (!refused.contains("image_id")) break;
      acknowledged.insert(name);
    }
    EXPECT_EQ(refused["code"], 41) << refused;
    EXPECT_THAT(refused["message"].get<std::string>(), HasSubstr("nothing was changed"));
    EXPECT_TRUE(serving.complained("doppel: disk/g: the disk is full", kPatience));
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["code"], 503);
    EXPECT_EQ(recognised(port, 2), "Grace");
    fs::remove(folder_ / "disk/filler");
    EXPECT_EQ(added(port, "Mary", 1)["subject"], "Mary") << "there is room again";
    acknowledged.insert("Mary");
    serving.signal(SIGTERM);
    EXPECT_EQ(serving.wait().code, 0);
    EXPECT_EQ(run({"gallery", "check", "disk/g"}).code, 0);
    EXPECT_EQ(run({"gallery", "list", "disk/g", "--json"}).json()["people"].size(),
              acknowledged.size());
  }
  {
    // It also starts on a full disk, to recognise, and makes changes once there is room.
    std::ofstream(folder_ / "disk/filler") << std::string(4 << 20, 'x');
    ASSERT_EQ(fs::space(folder_ / "disk").available, 0u);
    Running serving(folder_, {"serve", "disk/g", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["code"], 503);
    EXPECT_EQ(recognised(port, 2), "Grace");
    EXPECT_EQ(added(port, "Zoe", 26)["code"], 41);
    EXPECT_TRUE(serving.complained("doppel: disk/g: the disk is full", kPatience));
    fs::remove(folder_ / "disk/filler");
    EXPECT_TRUE(serving.complained("there is room again", kPatience));
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["status"], "ok");
    EXPECT_EQ(added(port, "Zoe", 26)["subject"], "Zoe");
    EXPECT_EQ(recognised(port, 26), "Zoe");
    serving.signal(SIGTERM);
    EXPECT_EQ(serving.wait().code, 0);
    EXPECT_EQ(run({"gallery", "check", "disk/g"}).code, 0);
  }
  umount((folder_ / "disk").c_str());
}

TEST_F(ServiceFaults, AReadOnlyGalleryIsServedForRecognitionAlone) {
  fs::create_directories(folder_ / "shared");
  fs::create_directories(folder_ / "seen");
  fs::rename(folder_ / "g", folder_ / "shared/g");
  const std::string seen = folder_ / "seen";
  if (mount((folder_ / "shared").c_str(), seen.c_str(), "none", MS_BIND, nullptr) != 0 ||
      mount("none", seen.c_str(), "none", MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    umount(seen.c_str());
    GTEST_SKIP() << "a folder cannot be mounted read-only here (not root)";
  }
  {
    Running serving(folder_, {"serve", "seen/g", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_TRUE(serving.complained("may only read seen/g", kPatience));
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["status"], "ok");
    EXPECT_EQ(recognised(port, 1), "Ada");
    EXPECT_NE(recognised(port, 2), "Grace");
    const json refused = added(port, "Grace", 2);
    EXPECT_THAT(refused["message"].get<std::string>(), HasSubstr("may only read the gallery"));
    const json decision = json::parse(curl(
        port, "/v1/decision", R"(-X PUT -H 'Content-Type: application/json' -d '{"fpir":0.1}')"));
    EXPECT_EQ(decision["code"], 403) << decision;
    // Whoever may write it does so meanwhile.
    ASSERT_EQ(run({"enroll", "shared/g", "--name", "Grace", photo(2)}).code, 0);
    const auto start = std::chrono::steady_clock::now();
    while (recognised(port, 2) != "Grace") {
      ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
    }
    serving.signal(SIGTERM);
    EXPECT_EQ(serving.wait().code, 0);
  }
  umount(seen.c_str());
}

TEST_F(ServiceFaults, AFileInTheGallerysPlaceIsRefusedAndARestoreFollowed) {
  fs::copy_file(folder_ / "g", folder_ / "backup");
  ASSERT_EQ(enroll("Grace", 2).code, 0);
  {
    Running serving(folder_, {"serve", "g", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_EQ(recognised(port, 2), "Grace");
    EXPECT_EQ(run({"gallery", "restore", "backup", "g"}).code, 0);
    const auto start = std::chrono::steady_clock::now();
    while (recognised(port, 2) == "Grace") {
      ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
    }
    EXPECT_EQ(recognised(port, 1), "Ada");
    EXPECT_EQ(added(port, "Grace", 2)["subject"], "Grace");
    fs::rename(folder_ / "backup", folder_ / "g");
    EXPECT_EQ(added(port, "Mary", 3)["code"], 41);
    EXPECT_TRUE(serving.complained("moved, removed or replaced", kPatience));
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["code"], 503);
    EXPECT_EQ(recognised(port, 2), "Grace") << "who was known stays known";
    serving.signal(SIGTERM);
    EXPECT_EQ(serving.wait().code, 0);
  }
  const Finished checked = run({"gallery", "check", "g"});
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("g is whole: 1 person, 1 template"));
}

TEST_F(ServiceFaults, ARemovedLogIsToldAsWhatItIs) {
  {
    Running serving(folder_, {"serve", "g", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_EQ(added(port, "Grace", 2)["subject"], "Grace");
    fs::remove(folder_ / "g-wal");
    fs::remove(folder_ / "g-shm");
    EXPECT_TRUE(serving.complained("which is a part of it, was removed", kPatience));
    EXPECT_EQ(added(port, "Mary", 3)["code"], 41);
    EXPECT_EQ(json::parse(curl(port, "/readyz"))["code"], 503);
    EXPECT_EQ(recognised(port, 2), "Grace") << "who was known stays known";
    EXPECT_EQ(enroll("Carl", 4).code, 0);
    EXPECT_EQ(added(port, "Mary", 3)["code"], 41) << "another log is there now";
    serving.signal(SIGTERM);
    EXPECT_EQ(serving.wait().code, 0);
  }
  EXPECT_THAT(run({"gallery", "check", "g"}).out, HasSubstr("g is whole: 3 people, 3 templates"));
}

TEST_F(ServiceFaults, WithoutRoomItSaysSoAndIsReadyAgainWhenThereIsSome) {
  Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  const int port = port_of(serving);
  const auto ready = [&] { return json::parse(curl(port, "/readyz")); };
  const auto files_end_at = [&](rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ASSERT_EQ(prlimit(serving.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  };
  EXPECT_EQ(ready()["status"], "ok");
  files_end_at(60'000);  // enough for a few lines of the log
  for (int i = 0; i < 3; ++i) EXPECT_EQ(added(port, "Grace", 2)["code"], 41);
  EXPECT_EQ(curl(port, "/api/v1/recognition/faces?subject=Grace",
                 "-o /dev/null -w '%{http_code}' -F file=@" + photo(2)),
            "507");
  json unready = ready();
  EXPECT_EQ(unready["code"], 503) << unready;
  EXPECT_THAT(unready["message"].dump(), HasSubstr("the disk is full"));
  EXPECT_THAT(curl(port, "/metrics"),
              testing::AllOf(HasSubstr("doppel_disk_full 1\n"), HasSubstr("doppel_ready 0\n")));
  EXPECT_EQ(recognised(port, 1), "Ada");
  EXPECT_EQ(recognised(port, 2), "unknown");
  // Without a further change it finds room by itself.
  files_end_at(RLIM_INFINITY);
  EXPECT_TRUE(serving.complained("there is room again", kPatience));
  EXPECT_EQ(ready()["status"], "ok");
  EXPECT_EQ(added(port, "Grace", 2)["subject"], "Grace");
  serving.signal(SIGTERM);
  const Finished served = serving.wait();
  EXPECT_EQ(served.code, 0);
  const size_t said = served.err.find("doppel: g: the disk is full");
  ASSERT_NE(said, std::string::npos) << served.err;
  EXPECT_EQ(served.err.find("disk is full", said + 20), std::string::npos) << "said once";
  EXPECT_THAT(run({"gallery", "check", "g"}).out, HasSubstr("is whole: 2 people, 2 templates"));
}

TEST_F(ServiceFaults, ADatabaseServerMayGoAndComeBack) {
  PostgresServer* const server = PostgresServer::the();
  if (server == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
  const std::string place = server->new_place();
  ASSERT_EQ(run({"enroll", place, "--model", "m.safetensors", "--name", "Ada", photo(1)}).code, 0);
  Running serving(folder_, {"serve", place, "--port", "0"}, "");
  const int port = port_of(serving);
  EXPECT_EQ(added(port, "Grace", 2)["subject"], "Grace");
  ASSERT_EQ(server->stop(), 0);
  EXPECT_TRUE(serving.complained("going on with the 2 people it held", kPatience));
  EXPECT_EQ(json::parse(curl(port, "/readyz"))["code"], 503);
  EXPECT_EQ(recognised(port, 2), "Grace");
  EXPECT_EQ(added(port, "Mary", 3)["code"], 41);
  EXPECT_EQ(recognised(port, 3), "unknown");
  ASSERT_EQ(server->start(), 0);
  EXPECT_TRUE(serving.complained("The gallery can be read again", kPatience));
  EXPECT_EQ(json::parse(curl(port, "/readyz"))["status"], "ok");
  EXPECT_EQ(added(port, "Mary", 3)["subject"], "Mary");
  EXPECT_EQ(recognised(port, 3), "Mary");
  serving.signal(SIGTERM);
  EXPECT_EQ(serving.wait().code, 0);
  EXPECT_THAT(run({"gallery", "check", place}).out, HasSubstr("is whole: 3 people, 3 templates"));
}

}  // namespace
}  // namespace doppel::internal
