// One gallery on a server, several machines: each follows what the others change.
#include <gmock/gmock.h>
#include <signal.h>

#include "doppel/data/synthetic.h"
#include "doppel/gallery/postgres_server.h"
#include "program.h"

namespace doppel {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

TEST_F(ProgramTest, TwoProcessesShareAGalleryOnAServer) {
  PostgresServer* const server = PostgresServer::the();
  if (server == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
  const std::string place = server->new_place();
  write_synthetic(folder_ / "faces", 26, 2, 7);
  ASSERT_EQ(run({"train", "faces", "--out", "m.safetensors", "--set", "training.members=1", "--set",
                 "training.steps=120"})
                .code,
            0);
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
  Running watch(folder_, {"watch", place, "door"}, "");
  const std::chrono::seconds patience(60), second(1);
  ASSERT_TRUE(watch.complained("Watching door with 1 people", patience));
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
  EXPECT_EQ(watched.code, 0);
  EXPECT_THAT(watched.out, testing::Not(HasSubstr("door/d.pgm,Grace")));
  EXPECT_THAT(run({"gallery", "check", place}).out, HasSubstr("is whole: 2 people, 2 templates"));
}

}  // namespace
}  // namespace doppel
