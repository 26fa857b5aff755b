// One gallery on a server, several machines: each follows what the others change.
#include <gmock/gmock.h>
#include <signal.h>

#include "doppel/data/synthetic.h"
#include "doppel/gallery/postgres_server.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

TEST_F(ProgramTest, TwoProcessesShareAGalleryOnAServer) {
  PostgresServer* const server = PostgresServer::the();
  if (server == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
  const std::string place = server->new_place();
  write_synthetic(folder_ / "faces", 26, 2, 7);
  train_briefly("26_people_2_photos");
  const auto photo = [&](int person) {
    return (folder_ / "faces" / std::string("s").append(std::to_string(person)) / "1.pgm").string();
  };
  const auto enroll = [&](const std::string& name, int person) {
    return run({"enroll", place, "--model", "m.safetensors", "--name", name, photo(person)});
  };
  const Finished none = run({"identify", place, photo(1)});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no gallery"));
  ASSERT_EQ(enroll("Ada", 1).code, 0);
  EXPECT_THAT(run({"gallery", "list", place}).out, HasSubstr("Ada"));

  fs::create_directories(folder_ / "door");
  Running watch(folder_, {"watch", place, "door", "--visit", "1"}, "");
  const std::chrono::seconds patience(60), second(1);
  ASSERT_TRUE(watch.complained("Watching door with 1 person;", patience));
  ASSERT_EQ(enroll("Grace", 2).code, 0);
  fs::copy_file(photo(2), folder_ / "door" / "a.pgm");
  EXPECT_TRUE(watch.printed("door/a.pgm,Grace,0.0000\n", second)) << "enrolled by another process";

  ASSERT_EQ(server->stop(), 0);
  EXPECT_TRUE(watch.complained("going on with the 2 people it held", patience));
  fs::copy_file(photo(1), folder_ / "door" / "b.pgm");
  EXPECT_TRUE(watch.printed("door/b.pgm,Ada,0.0000\n", patience)) << "the server is gone";
  const Finished lost = enroll("Mary", 3);
  EXPECT_EQ(lost.code, 1);
  EXPECT_THAT(lost.err, HasSubstr("the PostgreSQL server cannot be used"));
  ASSERT_EQ(server->start(), 0);
  EXPECT_TRUE(watch.complained("The gallery can be read again", patience));
  ASSERT_EQ(enroll("Mary", 3).code, 0);
  fs::copy_file(photo(3), folder_ / "door" / "c.pgm");
  EXPECT_TRUE(watch.printed("door/c.pgm,Mary,0.0000\n", second));
  ASSERT_EQ(run({"gallery", "remove", place, "Grace"}).code, 0);
  fs::copy_file(photo(2), folder_ / "door" / "d.pgm");
  EXPECT_TRUE(watch.printed("door/d.pgm,", patience));
  watch.signal(SIGINT);
  const Finished watched = watch.wait();
  EXPECT_EQ(watched.code, 130);
  EXPECT_THAT(watched.out, testing::Not(HasSubstr("door/d.pgm,Grace")));
  EXPECT_THAT(run({"gallery", "check", place}).out, HasSubstr("is whole: 2 people, 2 templates"));
}

TEST_F(ProgramTest, NoMessageHoldsAPartOfThePassword) {
  std::vector<std::string> locations;
  for (const char* password : {"W1?W2", "W1@W2", "W1#W2", "W1%W2", "W1/W2", "W1 W2", "W1:W2@W3"}) {
    locations.push_back(std::string("postgresql://ada:") + password + "@127.0.0.1:1/people");
  }
  locations.insert(locations.end(),
                   {"postgresql://ada:W1@127.0.0.1:port/people",
                    "postgresql://127.0.0.1:1/people?user=ada&password=W1",
                    "postgresql+psycopg2://ada:W1@127.0.0.1/people", "host=127.0.0.1 password=W1",
                    "password=W1 W2 host=127.0.0.1", "'postgresql://ada:W1@127.0.0.1/people'"});
  const auto quiet = [&](const std::vector<std::string>& words, int code) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, code) << words[0] << " " << words.back() << ": " << done.err;
    EXPECT_NE(done.err, "");
    for (const char* part : {"W1", "W2", "W3"}) {
      EXPECT_THAT(done.err + done.out, testing::Not(HasSubstr(part)))
          << words[0] << " " << words.back();
    }
  };
  for (const std::string& location : locations) {
    // Whom nobody answers is a failure of the work, a URL that is none one of the usage.
    const bool read = run({"gallery", "list", location}).code == 1;
    quiet({"gallery", "list", location}, read ? 1 : 2);
    quiet({"identify", location, "x.png"}, read ? 1 : 2);
    quiet({"serve", location}, read ? 1 : 2);
    // Where none belongs.
    quiet({"info", location}, location.find("://") != std::string::npos ? 2 : 1);
    quiet({"gallery", "lst", location}, 2);
    quiet({"gallery", "list", "g", location}, 2);
    quiet({"identify", "g", "--gallery=" + location}, 2);
    quiet({location}, 2);
  }
  // What is not a URL to us may be one to whoever wrote it.
  for (const char* location :
       {"postgresql//ada:W1@db/people", "./postgresql://ada:W1@db/people",
        "URL=postgresql://ada:W1@db/people", "postgres:/ada:W1@db", "postgresql//ada:W1 W2@db"}) {
    const bool url = std::string(location).find("://") != std::string::npos;
    quiet({"info", location}, url ? 2 : 1);
    quiet({"embed", "m", location}, url ? 2 : 1);
    quiet({"data", location}, url ? 2 : 1);
    quiet({"enroll", "g", "--model", "m", "--folder", location}, url ? 2 : 1);
    quiet({"gallery", "list", "g", location}, 2);
    quiet({"info", "m", std::string("-m") + location}, 2);
  }
  const Finished none = run({"gallery", "list", "postgresql://ada:W1?W2@127.0.0.1:1/people"});
  EXPECT_THAT(none.err, HasSubstr("postgresql://ada@127.0.0.1:1/people: the PostgreSQL server"));
}

}  // namespace
}  // namespace doppel::internal
