// doppel serve: a gallery behind HTTP, asked with curl as anybody would.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "doppel/image/encode.h"
#include "serving.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class ServeCommand : public ServingTest {};

TEST_F(ServeCommand, AnswersAndFollowsAndEndsWhenItIsTold) {
  Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  const int port = port_of(serving);
  ASSERT_GT(port, 0);
  const auto identified = [&](int person) {
    const json found = json::parse(curl(port, "/v1/identify", "-F photo=@" + photo(person)));
    return found["photos"][0]["faces"][0]["name"];
  };
  EXPECT_EQ(identified(1), "Ada");
  const json same =
      json::parse(curl(port, "/v1/verify", "-F a=@" + photo(2) + " -F b=@" + photo(2)));
  EXPECT_EQ(same["distance"], 0.0);
  EXPECT_EQ(json::parse(curl(port, "/readyz"))["status"], "ok");
  EXPECT_EQ(json::parse(curl(port, "/nowhere"))["code"], 404);
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "[::2]", ""}) {
    const std::string header = std::string("-H 'Host: ") + host + "'";
    EXPECT_THAT(curl(port, "/v1/model", header), testing::Not(HasSubstr("digest"))) << host;
  }
  EXPECT_THAT(curl(port, "/v1/model", "-H 'Host: localhost:1'"), HasSubstr("digest"));

  ASSERT_EQ(enroll("Grace", 2).code, 0);
  const auto start = std::chrono::steady_clock::now();
  while (identified(2) != "Grace") {
    ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
  }
  ASSERT_EQ(run({"gallery", "remove", "g", "Ada"}).code, 0);
  while (identified(1) == "Ada") {
    ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
  }
  serving.signal(SIGTERM);
  const Finished served = serving.wait();
  EXPECT_EQ(served.code, 0);
  EXPECT_THAT(served.out, HasSubstr("\"route\":\"/v1/identify\""));
  EXPECT_THAT(served.out, testing::Not(HasSubstr("Ada")));
  std::istringstream lines(served.out);
  size_t requests = 0;
  for (std::string line; std::getline(lines, line); ++requests) {
    EXPECT_TRUE(json::parse(line)["status"].is_number()) << line;
  }
  EXPECT_GE(requests, 6u);
}

// Another program wrote it, so nothing says that it is drawn.
TEST_F(ServeCommand, KeepsPhotosOfPeopleFromAModelOfSyntheticFaces) {
  std::ofstream(folder_ / "door.png", std::ios::binary) << encode_png(synthetic_face(3, 1, 0));
  const std::string file = "-F file=@" + (folder_ / "door.png").string();
  const char* const routes[] = {"/v1/people/Eve/photos", "/api/v1/recognition/faces?subject=Eve"};
  {
    const Running serving(folder_, {"serve", "g", "--port", "0"}, "");
    const int port = port_of(serving);
    EXPECT_EQ(json::parse(curl(port, "/v1/model"))["training"]["synthetic"], true);
    for (const char* route : routes) {
      EXPECT_THAT(curl(port, route, file),
                  AllOf(HasSubstr("trained on synthetic faces"), HasSubstr("--force")))
          << route;
    }
    EXPECT_EQ(json::parse(curl(port, "/v1/people"))["total"], 1);
    const std::string drawn = "-F file=@" + photo(3);
    EXPECT_EQ(json::parse(curl(port, "/v1/people/Mary/photos", drawn))["added"], 1);
  }
  // Nor by an export that holds them.
  std::ofstream(folder_ / "photos.pgm", std::ios::binary) << encode_pgm(synthetic_face(3, 1, 0));
  ASSERT_EQ(run({"enroll", "kept", "--model", "m.safetensors", "--name", "Eve", "photos.pgm",
                 "--keep-photos", "--force"})
                .code,
            0);
  ASSERT_EQ(run({"gallery", "export", "kept", "kept.jsonl", "--photos"}).code, 0);
  const std::string lines =
      "-H 'Content-Type: application/x-ndjson' --data-binary @" + (folder_ / "kept.jsonl").string();
  {
    const Running serving(folder_, {"serve", "g", "--port", "0"}, "");
    EXPECT_THAT(curl(port_of(serving), "/v1/people", lines),
                HasSubstr("trained on synthetic faces"));
  }
  const Running serving(folder_, {"serve", "g", "--port", "0", "--force"}, "");
  const int port = port_of(serving);
  EXPECT_EQ(json::parse(curl(port, routes[0], file))["added"], 1);
  EXPECT_EQ(json::parse(curl(port, routes[1], file))["subject"], "Eve");
}

TEST_F(ServeCommand, MakesAnEmptyGalleryForAModel) {
  Running serving(folder_,
                  {"serve", "new", "--model", "m.safetensors", "--port", "0", "--log-names"}, "");
  const int port = port_of(serving);
  EXPECT_EQ(json::parse(curl(port, "/v1/model"))["people"], 0);
  const std::string face = "-F file=@" + photo(3);
  EXPECT_EQ(json::parse(curl(port, "/api/v1/recognition/faces?subject=Mary", face))["subject"],
            "Mary");
  EXPECT_EQ(json::parse(curl(port, "/api/v1/recognition/recognize",
                             face))["result"][0]["subjects"][0]["subject"],
            "Mary");
  serving.signal(SIGTERM);
  const Finished served = serving.wait();
  EXPECT_EQ(served.code, 0);
  EXPECT_THAT(served.out, HasSubstr("\"names\":[\"Mary\"]"));
  EXPECT_EQ(run({"gallery", "check", "new"}).code, 0);
  EXPECT_THAT(run({"gallery", "list", "new"}).out, HasSubstr("Mary"));
}

TEST_F(ServeCommand, KeysOpenItFromAfar) {
  const Finished added =
      run({"key", "add", "g", "--role", "recognise", "--label", "door", "--json"});
  ASSERT_EQ(added.code, 0);
  const std::string key = added.json()["key"].get<std::string>();
  EXPECT_EQ(run({"key", "add", "g", "--role", "king"}).code, 2);
  Running serving(folder_, {"serve", "g", "--port", "0", "--host", "0.0.0.0"}, "");
  ASSERT_TRUE(serving.complained("Ctrl-C ends it", kPatience));
  const std::string said = serving.errors_so_far();
  EXPECT_THAT(said, HasSubstr("keys and photos go over the network as they are"));
  const std::string before = "http://0.0.0.0:";
  const int port = std::stoi(said.substr(said.find(before) + before.size()));
  EXPECT_EQ(json::parse(curl(port, "/v1/model"))["code"], 401);
  EXPECT_THAT(curl(port, "/v1/model", "-H 'x-api-key: " + key + "'"), HasSubstr("digest"));
  EXPECT_THAT(curl(port, "/v1/model", "-H 'Host: door.example' -H 'x-api-key: " + key + "'"),
              HasSubstr("digest"));

  const json listed = run({"key", "list", "g", "--json"}).json();
  EXPECT_EQ(listed["keys"][0]["label"], "door");
  EXPECT_THAT(listed.dump(), testing::Not(HasSubstr(key)));
  const std::string id = listed["keys"][0]["id"].get<std::string>();
  ASSERT_EQ(run({"key", "revoke", "g", id}).code, 0);
  EXPECT_EQ(run({"key", "revoke", "g", id}).code, 2);
  const auto start = std::chrono::steady_clock::now();
  while (json::parse(curl(port, "/v1/model", "-H 'x-api-key: " + key + "'")).contains("digest")) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, kPatience);
  }
  EXPECT_EQ(json::parse(curl(port, "/v1/model"))["code"], 401) << "without keys it stays closed";
  serving.signal(SIGTERM);
  const Finished served = serving.wait();
  EXPECT_THAT(served.out, HasSubstr("\"key\":\"" + id + "\""));
  EXPECT_THAT(served.out, testing::Not(HasSubstr(key)));
}

TEST_F(ServeCommand, SpeaksHttps) {
  const std::string make =
      "cd '" + folder_.string() +
      "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
      " -subj /CN=doppel -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
      " 2> /dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  Running serving(folder_, {"serve", "g", "--port", "0", "--cert", "cert.pem", "--key", "key.pem"},
                  "");
  const int port = port_of(serving);
  const std::string trust = "--cacert '" + (folder_ / "cert.pem").string() + "'";
  EXPECT_THAT(curl(port, "/v1/model", trust, "https"), HasSubstr("digest"));
  EXPECT_EQ(json::parse(curl(port, "/v1/identify", trust + " -F photo=@" + photo(1),
                             "https"))["photos"][0]["faces"][0]["name"],
            "Ada");
  EXPECT_THAT(curl(port, "/v1/model", trust + " --tls-max 1.1", "https"), "");
  EXPECT_THAT(curl(port, "/v1/model"), testing::Not(HasSubstr("digest")));
  EXPECT_THAT(curl(port, "/v1/model", "", "https"), "") << "a stranger's certificate";
  const std::string large = (folder_ / "large").string();
  ASSERT_EQ(std::system(("truncate -s 20M '" + large + "'").c_str()), 0);
  EXPECT_EQ(json::parse(curl(port, "/v1/identify", trust + " -F photo=@" + large, "https"))["code"],
            413);
  serving.signal(SIGTERM);
  EXPECT_EQ(serving.wait().code, 0);
}

// Whoever reads the log may be slow, or gone, without anybody waiting for it.
TEST_F(ServeCommand, NobodyWaitsForTheReaderOfItsLog) {
  const std::string pipe = (folder_ / "log").string();
  ASSERT_EQ(std::system(("mkfifo '" + pipe + "'").c_str()), 0);
  const std::string start = "cd '" + folder_.string() +
                            "' || exit; sleep 600 < log & echo $!; '" DOPPEL_PROGRAM "' serve '" +
                            (folder_ / "g").string() + "' --port 0 > '" + pipe + "' 2> '" +
                            (folder_ / "err").string() + "' & echo $!";
  FILE* shell = popen(start.c_str(), "r");
  int reader = 0, pid = 0;
  ASSERT_EQ(fscanf(shell, "%d %d", &reader, &pid), 2);
  std::string said;
  const auto begin = std::chrono::steady_clock::now();
  while (said.find("Ctrl-C") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, kPatience);
    std::ifstream file(folder_ / "err");
    said.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::string before = "http://127.0.0.1:";
  const int port = std::stoi(said.substr(said.find(before) + before.size()));
  // More lines than the pipe holds.
  const std::string many =
      "seq 1500 | xargs -n 100 printf 'url=http://127.0.0.1:" + std::to_string(port) +
      "/healthz?%s\\n' | curl -s -K - | grep -c ok";
  FILE* asked = popen(many.c_str(), "r");
  int answered = 0;
  EXPECT_EQ(fscanf(asked, "%d", &answered), 1);
  pclose(asked);
  EXPECT_GT(answered, 0);
  EXPECT_EQ(json::parse(curl(port, "/healthz"))["status"], "ok");
  EXPECT_EQ(kill(pid, SIGTERM), 0);
  while (kill(pid, 0) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, kPatience);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(kill(reader, SIGTERM), 0);
  pclose(shell);
}

TEST_F(ServeCommand, SaysWhyItCannotServe) {
  const Finished open = run({"serve", "g", "--host", "0.0.0.0"});
  EXPECT_EQ(open.code, 2);
  EXPECT_THAT(open.err, HasSubstr("--host 0.0.0.0: without keys"));
  EXPECT_THAT(open.err, HasSubstr("doppel key add g"));
  const Finished none = run({"serve", "none"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("none: there is no such gallery yet; --model"));
  EXPECT_EQ(run({"serve", "g", "--cert", "c.pem"}).code, 2);
  const Finished no_certificate = run({"serve", "g", "--cert", photo(1), "--key", photo(1)});
  EXPECT_EQ(no_certificate.code, 1);
  EXPECT_THAT(no_certificate.err, HasSubstr("a chain of certificates was expected"));
  EXPECT_EQ(run({"serve", "g", "--port", "70000"}).code, 2);
  Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  const int port = port_of(serving);
  const Finished taken = run({"serve", "g", "--port", std::to_string(port)});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err,
              HasSubstr("127.0.0.1:" + std::to_string(port) + ": cannot be listened on"));
}

}  // namespace
}  // namespace doppel::internal
