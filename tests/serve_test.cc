// doppel serve: a gallery behind HTTP, asked with curl as anybody would.
#include <gmock/gmock.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <sstream>

#include "doppel/data/synthetic.h"
#include "program.h"

namespace doppel {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;
constexpr std::chrono::seconds kPatience{60};

class ServeCommand : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 26, 2, 7);
    ASSERT_EQ(run({"train", "faces", "--out", "m.safetensors", "--set", "training.members=1",
                   "--set", "training.steps=120"})
                  .code,
              0);
    ASSERT_EQ(enroll("Ada", 1).code, 0);
  }
  std::string photo(int person) const {
    return (folder_ / "faces" / std::string("s").append(std::to_string(person)) / "1.pgm").string();
  }
  Finished enroll(const std::string& name, int person) const {
    return run({"enroll", "g", "--model", "m.safetensors", "--name", name, photo(person)});
  }
  // What standard error says behind "http://127.0.0.1:".
  int port_of(const Running& serving) const {
    EXPECT_TRUE(serving.complained("Ctrl-C ends it", kPatience));
    const std::string said = serving.errors_so_far();
    const std::string before = "http://127.0.0.1:";
    const size_t at = said.find(before);
    return at == std::string::npos ? 0 : std::stoi(said.substr(at + before.size()));
  }
  static std::string curl(int port, const std::string& target, const std::string& options = "") {
    const std::string command = "curl -s --max-time 30 " + options +
                                " 'http://127.0.0.1:" + std::to_string(port) + target + "'";
    FILE* pipe = popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> part;
    while (const size_t n = fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), n);
    pclose(pipe);
    return out;
  }
};

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

TEST_F(ServeCommand, SaysWhyItCannotServe) {
  const Finished open = run({"serve", "g", "--host", "0.0.0.0"});
  EXPECT_EQ(open.code, 2);
  EXPECT_THAT(open.err, HasSubstr("--host 0.0.0.0: 127.0.0.1, ::1 or localhost was expected"));
  EXPECT_EQ(run({"serve", "none"}).code, 1);
  EXPECT_EQ(run({"serve", "g", "--port", "70000"}).code, 2);
  Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  const int port = port_of(serving);
  const Finished taken = run({"serve", "g", "--port", std::to_string(port)});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err,
              HasSubstr("127.0.0.1:" + std::to_string(port) + ": cannot be listened on"));
}

}  // namespace
}  // namespace doppel
