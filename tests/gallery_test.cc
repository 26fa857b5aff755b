// From photos to an answered "who is this?", as a new user goes; and what goes wrong on the way.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/data/synthetic.h"
#include "doppel/image/encode.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace fs = std::filesystem;

class GalleryCommands : public ProgramTest {
 protected:
  // Of 30 synthetic people: 20 to train on, 6 to enrol, 4 strangers.
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 30, 4, 7);
    for (int i = 21; i <= 30; ++i) {
      const std::string name = std::string("s").append(std::to_string(i));
      const fs::path to = folder_ / (i <= 26 ? "people" : "strangers");
      fs::create_directories(to);
      fs::rename(folder_ / "faces" / name, to / name);
    }
    train_briefly("20_people_4_photos");
  }

  // The first photo of everybody.
  Finished enroll() const {
    for (const auto& person : fs::directory_iterator(folder_ / "people")) {
      fs::create_directories(folder_ / "first");
      fs::copy_file(person.path() / "1.pgm",
                    folder_ / "first" / (person.path().filename().string() + ".pgm"));
    }
    return run({"enroll", "g", "--model", "m.safetensors", "--folder", "first"});
  }

  // One line on standard error with `words`, and the gallery as it was.
  void refused(const std::vector<std::string>& command, const std::string& words, int code = 1) {
    const std::string before = exported();
    const Finished finished = run(command);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(words));
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_EQ(exported(), before) << words;
  }
  std::string exported() const {
    EXPECT_EQ(run({"gallery", "export", "g", "export.jsonl"}).code, 0);
    return read_file(folder_ / "export.jsonl", 1 << 28);
  }
};

TEST_F(GalleryCommands, AnswerWhoThisIs) {
  const Finished enrolled = enroll();
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  EXPECT_THAT(enrolled.out, HasSubstr("6 photos of 6 new people added; g holds 6 people"));
  EXPECT_THAT(
      enrolled.out,
      HasSubstr(
          "about 1 search in 100 by a stranger names somebody; on other photos this is unknown"));
  // The enrolled photo itself is at no distance.
  const Finished self = run({"identify", "g", "first/s22.pgm"});
  EXPECT_EQ(self.code, 0);
  EXPECT_EQ(self.out, "first/s22.pgm,s22,0.0000\n");
  EXPECT_THAT(self.err,
              StartsWith("Deciding: On photos like those that the model was measured on"));
  EXPECT_THAT(self.err, Not(HasSubstr("the distance is below")));
  EXPECT_THAT(run({"identify", "g", "first/s22.pgm", "--verbose"}).err,
              ContainsRegex("somebody where the distance is below [0-9.]+: FAR 0.17 % of one "
                            "comparison; 6 people, 6 templates"));

  const nlohmann::json document = run({"identify", "g", "people", "--top", "3", "--json"}).json();
  EXPECT_EQ(document["people"], 6);
  EXPECT_EQ(document["rule"]["templates"], 6);
  ASSERT_EQ(document["photos"].size(), 24u);
  int first = 0;
  for (const nlohmann::json& photo : document["photos"]) {
    const nlohmann::json& face = photo["faces"][0];
    ASSERT_EQ(face["candidates"].size(), 3u);
    const double distance = face["candidates"][0]["distance"];
    EXPECT_LE(distance, face["candidates"][1]["distance"]);
    EXPECT_EQ(face["known"], distance < document["rule"]["threshold"].get<double>());
    EXPECT_EQ(face["name"].is_null(), !face["known"].get<bool>());
    first +=
        photo["file"].get<std::string>().find(face["candidates"][0]["name"]) != std::string::npos;
  }
  EXPECT_GE(first, 16) << "of 24 photos have the right person first";

  const Finished table = run({"identify", "g", "strangers", "--csv", "--top", "2"});
  EXPECT_THAT(table.out, StartsWith("file,face,left,top,width,height,known,rank,name,distance,"));
  EXPECT_EQ(std::ranges::count(table.out, '\n'), 1 + 2 * 16);
}

TEST_F(GalleryCommands, RefuseStrangersByDistance) {
  ASSERT_EQ(enroll().code, 0);
  EXPECT_THAT(run({"gallery", "set", "g", "--threshold", "0.0001"}).out, HasSubstr("0.0001"));
  const Finished strangers = run({"identify", "g", "strangers"});
  EXPECT_EQ(strangers.code, 0);
  EXPECT_EQ(std::ranges::count(strangers.out, '\n'), 16);
  for (size_t at = 0; (at = strangers.out.find('\n', at)) != std::string::npos; ++at) {
    const size_t start = strangers.out.rfind('\n', at - 1) + 1;
    EXPECT_THAT(strangers.out.substr(start, at - start), HasSubstr(",unknown_person,"));
  }
  EXPECT_THAT(run({"gallery", "set", "g", "--fpir", "0.1", "--fusion", "mean"}).out,
              HasSubstr("FPIR 10 %"));
}

TEST_F(GalleryCommands, ChangeAndShowWhoIsThere) {
  ASSERT_EQ(enroll().code, 0);
  EXPECT_THAT(run({"enroll", "g", "--name", "s22", "people/s22/2.pgm", "people/s22/1.pgm"}).err,
              HasSubstr("people/s22/1.pgm: this photo is enrolled already; left out"));
  EXPECT_THAT(run({"gallery", "rename", "g", "s22", "Ada \"L\" \xF0\x9F\xA6\x8A"}).out,
              HasSubstr("is now Ada"));
  const nlohmann::json ada =
      run({"gallery", "show", "g", "Ada \"L\" \xF0\x9F\xA6\x8A", "--json"}).json();
  EXPECT_EQ(ada["templates"].size(), 2u);
  EXPECT_FALSE(ada["templates"][0]["photo"]);
  const int64_t id = ada["templates"][1]["id"];
  EXPECT_EQ(run({"gallery", "remove", "g", "--template", std::to_string(id)}).code, 0);
  EXPECT_EQ(run({"gallery", "remove", "g", "s23", "s24"}).code, 0);
  const nlohmann::json list = run({"gallery", "list", "g", "--json"}).json();
  ASSERT_EQ(list["people"].size(), 4u);
  EXPECT_EQ(list["people"][0]["name"], "Ada \"L\" \xF0\x9F\xA6\x8A");
  EXPECT_THAT(run({"gallery", "check", "g"}).out, HasSubstr("g is whole: 4 people"));
  EXPECT_THAT(run({"identify", "g", "first/s22.pgm"}).out,
              HasSubstr(",\"Ada \"\"L\"\" \xF0\x9F\xA6\x8A\",0.0000"));
}

TEST_F(GalleryCommands, SayWhoHasOnePhoto) {
  ASSERT_EQ(enroll().code, 0);
  ASSERT_EQ(run({"enroll", "g", "--name", "s22", "people/s22/2.pgm"}).code, 0);
  EXPECT_THAT(run({"gallery", "list", "g"}).out,
              HasSubstr("\n5 of 6 people have one photo: five photos of a person cut misses from "
                        "about 21 to 6 % (measured on LFW)\n"));
  EXPECT_EQ(run({"gallery", "list", "g", "--json"}).json()["people_with_one_photo"], 5);
  ASSERT_EQ(run({"gallery", "remove", "g", "s23", "s24", "s25", "s26"}).code, 0);
  EXPECT_THAT(run({"gallery", "list", "g"}).out, HasSubstr("\n1 of 2 people has one photo: "));
  ASSERT_EQ(run({"gallery", "remove", "g", "s21"}).code, 0);
  EXPECT_THAT(run({"gallery", "list", "g"}).out, Not(HasSubstr("one photo")));
  EXPECT_EQ(run({"gallery", "list", "g", "--json"}).json()["people_with_one_photo"], 0);
}

TEST_F(GalleryCommands, CarryAGalleryElsewhere) {
  ASSERT_EQ(enroll().code, 0);
  const std::string text = exported();
  EXPECT_THAT(text, Not(HasSubstr("\"photo\":")));
  EXPECT_THAT(run({"gallery", "import", "copy", "export.jsonl"}).out, HasSubstr("copy holds 6"));
  EXPECT_THAT(run({"gallery", "import", "copy", "export.jsonl"}).out,
              HasSubstr("0 templates of 0 new people added, 6 were there"));
  EXPECT_EQ(run({"identify", "copy", "first"}).out, run({"identify", "g", "first"}).out);
  std::ofstream(folder_ / "cut.jsonl") << text.substr(0, text.size() / 2);
  const Finished cut = run({"gallery", "import", "none", "cut.jsonl"});
  EXPECT_EQ(cut.code, 1);
  EXPECT_THAT(cut.err, HasSubstr("cut.jsonl"));
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

TEST_F(GalleryCommands, RestoreABackup) {
  ASSERT_EQ(enroll().code, 0);
  fs::copy_file(folder_ / "g", folder_ / "backup");
  ASSERT_EQ(run({"gallery", "remove", "g", "s21", "s22"}).code, 0);
  const Finished restored = run({"gallery", "restore", "backup", "g"});
  EXPECT_EQ(restored.code, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("g: 6 people with 6 templates, as backup holds them"));
  EXPECT_THAT(run({"gallery", "check", "g"}).out, HasSubstr("g is whole: 6 people"));
  refused({"gallery", "restore", "m.safetensors", "g"}, "m.safetensors: no gallery");
  refused({"gallery", "restore", "none", "g"}, "none: there is no such gallery");
}

TEST_F(GalleryCommands, ListDamageAndDoNotEnrollIntoIt) {
  ASSERT_EQ(enroll().code, 0);
  const auto size = fs::file_size(folder_ / "g");
  std::fstream file(folder_ / "g", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size) - 16384);
  file << std::string(2000, '\x7f');
  file.close();
  const Finished checked = run({"gallery", "check", "g"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.err, HasSubstr("see above"));
  EXPECT_GE(std::ranges::count(checked.out, '\n'), 1) << checked.out;
  const std::string before = read_file(folder_ / "g", 1 << 28);
  const Finished enrolled = run({"enroll", "g", "--name", "s21", "people/s21/2.pgm"});
  EXPECT_EQ(enrolled.code, 1);
  EXPECT_THAT(enrolled.err, HasSubstr("the gallery is damaged"));
  for (const std::vector<std::string>& change :
       {std::vector<std::string>{"gallery", "remove", "g", "s21"},
        {"gallery", "rename", "g", "s21", "Ada"},
        {"gallery", "set", "g", "--threshold", "0.1"},
        {"key", "add", "g", "--role", "admin"}}) {
    const Finished changed = run(change);
    EXPECT_EQ(changed.code, 1) << change[1];
    EXPECT_THAT(changed.err, HasSubstr("the gallery is damaged"));
  }
  EXPECT_EQ(read_file(folder_ / "g", 1 << 28), before);
  fs::resize_file(folder_ / "g", size / 2);
  const Finished cut = run({"gallery", "check", "g"});
  EXPECT_EQ(cut.code, 1);
  EXPECT_THAT(cut.out, HasSubstr("the file is cut off: it has " + std::to_string(size / 2) +
                                 " of " + std::to_string(size) + " bytes"));
}

TEST_F(GalleryCommands, AreMadeOfAnEmptyFileAndLeaveNoneOnAFullDisk) {
  std::ofstream{folder_ / "g"};
  EXPECT_THAT(run({"gallery", "list", "g"}).err, HasSubstr("g: an empty file, no gallery yet"));
  EXPECT_EQ(enroll().code, 0);
  fs::create_directories(folder_ / "disk");
  if (mount("none", (folder_ / "disk").c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "a small file system cannot be mounted here (not root)";
  }
  int failed = 0, made = 0;
  for (int free_kb = 0; free_kb <= 512; free_kb += 8) {
    const fs::path disk = folder_ / "disk";
    std::ofstream(disk / "filler") << std::string(static_cast<size_t>(1024 - free_kb) * 1024, 'x');
    const Finished finished =
        run({"enroll", "disk/g", "--model", "m.safetensors", "--folder", "first"});
    if (finished.code == 0) {
      EXPECT_EQ(run({"gallery", "check", "disk/g"}).code, 0) << free_kb;
      ++made;
    } else {
      EXPECT_THAT(finished.err, HasSubstr("disk")) << free_kb;
      const auto left = fs::directory_iterator(disk);
      EXPECT_EQ(std::distance(begin(left), end(left)), 1) << free_kb << finished.err;
      ++failed;
    }
    for (const auto& file : fs::directory_iterator(disk)) fs::remove(file.path());
  }
  EXPECT_GT(failed, 5);
  EXPECT_GT(made, 5);
  umount((folder_ / "disk").c_str());
}

TEST_F(GalleryCommands, MoveToAnotherModelByThePhotosTheyKeep) {
  ASSERT_EQ(
      run({"enroll", "kept", "--model", "m.safetensors", "--keep-photos", "--folder", "people"})
          .code,
      0);
  ASSERT_EQ(run({"train", "faces", "--out", "n.safetensors", "--seed", "1", "--set",
                 "training.members=1", "--set", "training.steps=40"})
                .code,
            0);
  const Finished wrong = run({"identify", "kept", "people/s21/1.pgm", "--model", "n.safetensors"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("n.safetensors: another model"), HasSubstr("migrate")));
  EXPECT_THAT(run({"gallery", "migrate", "kept", "--model", "n.safetensors"}).out,
              HasSubstr("24 photos embedded by n.safetensors"));
  EXPECT_EQ(run({"identify", "kept", "people/s21/1.pgm"}).out, "people/s21/1.pgm,s21,0.0000\n");
  EXPECT_EQ(run({"gallery", "check", "kept"}).code, 0);
}

TEST_F(GalleryCommands, SayInOneLineWhatIsWrongAndChangeNothing) {
  ASSERT_EQ(enroll().code, 0);
  std::ofstream(folder_ / "text.jpg") << "no picture";
  const std::string photo = "strangers/s27/1.pgm";
  refused({"enroll", "g", "--name", "Eve", "text.jpg"}, "text.jpg: no image");
  refused({"enroll", "g", "--name", "Eve", "gone.jpg"}, "gone.jpg");
  refused({"enroll", "g", "--name", "two\nlines", photo}, "two\\x0alines", 2);
  refused({"enroll", "g", "--name", std::string(10'000, 'x'), photo}, "10000 characters", 2);
  refused({"enroll", "g", "--name", "\xff", photo}, "no UTF-8", 2);
  refused({"enroll", "g", "--name", "unknown_person", photo}, "call strangers", 2);
  refused({"enroll", "g", "--name", "s22\u200b", photo}, "s22\\xe2\\x80\\x8b", 2);
  refused({"enroll", "g", "--name", "Eve", "first/s22.pgm"}, "enrolled already, as \"s22\"");
  refused({"enroll", "g", "--name", "Eve"}, "IMAGES", 2);
  refused({"enroll", "g", "--folder", "nowhere"}, "nowhere");
  refused({"enroll", "new", "--name", "Eve", photo}, "--model", 2);
  // Before the photos are embedded, which may take long.
  refused({"enroll", "gone/new", "--model", "m.safetensors", "--name", "Eve", "text.jpg"},
          "there is no folder gone");
  refused({"gallery", "rename", "g", "s21", "s22"}, "there is a \"s22\" already", 2);
  refused({"gallery", "remove", "g", "s21", "nobody"}, "nothing was removed", 2);
  refused({"gallery", "show", "g", "nobody"}, "there is no \"nobody\"", 2);
  for (const char* bad : {"2", "1", "0.51", "0", "-1", "1e-300"}) {
    refused({"gallery", "set", "g", "--fpir", bad}, "fpir is ", 2);
  }
  for (const char* bad : {"-1", "0", "1e300", "2.1"}) {
    refused({"gallery", "set", "g", "--threshold", bad}, "threshold is ", 2);
  }
  refused({"gallery", "migrate", "g", "--model", "m.safetensors"}, "keeps no photos", 2);
  refused({"identify", "text.jpg", photo}, "text.jpg: no gallery");
  refused({"identify", "nowhere", photo}, "nowhere: there is no such gallery");
  // Two of one name, in a folder.
  fs::create_directories(folder_ / "both" / "Ada");
  fs::copy_file(folder_ / photo, folder_ / "both" / "Ada" / "1.pgm");
  fs::copy_file(folder_ / "strangers/s28/1.pgm", folder_ / "both" / "Ada.pgm");
  refused({"enroll", "g", "--folder", "both"}, "\"Ada\" is the name of");
  // One of many that cannot be read: it is named, and nobody is enrolled.
  fs::remove(folder_ / "both" / "Ada.pgm");
  fs::copy_file(folder_ / "text.jpg", folder_ / "both" / "Bob.jpg");
  const Finished some = run({"enroll", "g", "--folder", "both"});
  EXPECT_EQ(some.code, 1);
  EXPECT_THAT(some.err, AllOf(HasSubstr("both/Bob.jpg: no image"), HasSubstr("--skip-bad")));
  EXPECT_THAT(exported(), Not(HasSubstr("\"Ada\"")));
  EXPECT_EQ(run({"enroll", "g", "--folder", "both", "--skip-bad"}).code, 0);
  EXPECT_THAT(exported(), HasSubstr("\"Ada\""));
  // The model is where it was no more.
  fs::rename(folder_ / "m.safetensors", folder_ / "moved.safetensors");
  refused({"identify", "g", photo}, "--model says where it is now");
  EXPECT_EQ(run({"identify", "g", photo, "--model", "moved.safetensors"}).code, 0);
}

// A model that was trained on drawings mistakes people for one another.
TEST_F(GalleryCommands, PhotosOfPeopleAskForForceWithAModelOfSyntheticFaces) {
  // Saved anew by another program, a drawing is a photo as any.
  const std::string photo = "ada.png";
  std::ofstream(folder_ / photo, std::ios::binary) << encode_png(synthetic_face(7, 28, 0));
  const std::string why =
      "m.safetensors was trained on synthetic faces and mistakes people for one "
      "another, so ada.png is not enrolled";
  const std::vector<std::string> fresh = {"enroll", "g",   "--model", "m.safetensors",
                                          "--name", "Ada", photo};
  const Finished refusal = run(fresh);
  EXPECT_EQ(refusal.code, 2);
  EXPECT_THAT(refusal.err, AllOf(HasSubstr(why), HasSubstr("--force")));
  EXPECT_FALSE(fs::exists(folder_ / "g"));
  ASSERT_EQ(enroll().code, 0);  // synthetic people
  refused({"enroll", "g", "--name", "Ada", "first/s22.pgm", photo}, "ada.png is not enrolled", 2);
  EXPECT_EQ(run({"enroll", "g", "--name", "Ada", photo, "--force"}).code, 0);
  EXPECT_THAT(exported(), HasSubstr("\"Ada\""));

  // Nor are they moved to one.
  ASSERT_EQ(run({"enroll", "kept", "--model", "m.safetensors", "--keep-photos", "--name", "Ada",
                 photo, "--force"})
                .code,
            0);
  refused({"gallery", "migrate", "kept", "--model", "m.safetensors"},
          "\"Ada\", template 1 is not enrolled", 2);
  EXPECT_EQ(run({"gallery", "migrate", "kept", "--model", "m.safetensors", "--force"}).code, 0);

  EXPECT_THAT(run({"info", "m.safetensors"}).out, HasSubstr("synthetic faces: not for people"));
  EXPECT_EQ(run({"info", "m.safetensors", "--json"}).json()["data"]["synthetic"], true);
  const Running serving(folder_, {"serve", "g", "--port", "0"}, "");
  EXPECT_TRUE(serving.complained("Warning: The model was trained on synthetic faces",
                                 std::chrono::seconds(60)));
}

TEST_F(GalleryCommands, AFullDiskLosesNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
  const fs::path disk = folder_ / "disk";
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2400k") != 0) {
    GTEST_SKIP() << "a small disk cannot be mounted here";
  }
  ASSERT_EQ(enroll().code, 0);
  ASSERT_EQ(run({"enroll", "disk/g", "--model", "m.safetensors", "--folder", "first"}).code, 0);
  std::ofstream(disk / "filler") << std::string(4 << 20, 'x');
  const Finished full = run({"enroll", "disk/g", "--folder", "strangers"});
  fs::remove(disk / "filler");
  const Finished check = run({"gallery", "check", "disk/g"});
  const Finished roomy = run({"enroll", "disk/g", "--folder", "strangers"});
  EXPECT_EQ(umount(disk.c_str()), 0);
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("disk/g: "), HasSubstr("full")));
  EXPECT_THAT(check.out, HasSubstr("disk/g is whole: 6 people, 6 templates")) << check.err;
  EXPECT_EQ(roomy.code, 0) << roomy.err;
}

TEST_F(GalleryCommands, AFullDiskIsRead) {
  const fs::path disk = folder_ / "disk";
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2400k") != 0) {
    GTEST_SKIP() << "a small disk cannot be mounted here (not root)";
  }
  ASSERT_EQ(enroll().code, 0);
  ASSERT_EQ(run({"enroll", "disk/g", "--model", "m.safetensors", "--folder", "first"}).code, 0);
  std::ofstream(disk / "filler") << std::string(4 << 20, 'x');
  ASSERT_EQ(fs::space(disk).available, 0u);
  const Finished check = run({"gallery", "check", "disk/g"});
  const Finished list = run({"gallery", "list", "disk/g"});
  const Finished identify = run({"identify", "disk/g", "first/s21.pgm"});
  const Finished exported = run({"gallery", "export", "disk/g", "out.jsonl"});
  const Finished removed = run({"gallery", "remove", "disk/g", "s21"});
  EXPECT_EQ(umount(disk.c_str()), 0);
  EXPECT_THAT(check.out, HasSubstr("disk/g is whole: 6 people, 6 templates")) << check.err;
  EXPECT_THAT(list.out, HasSubstr("6 people, 6 templates")) << list.err;
  EXPECT_EQ(identify.out, "first/s21.pgm,s21,0.0000\n") << identify.err;
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_EQ(removed.code, 1);
  EXPECT_THAT(removed.err,
              AllOf(HasSubstr("disk/g: the disk is full"), HasSubstr("nothing was changed")));
}

TEST_F(GalleryCommands, BenchMeasuresTheSearch) {
  ASSERT_EQ(enroll().code, 0);
  const auto far = run({"gallery", "bench", "g", "--json"}).json();
  EXPECT_EQ(far["templates"], 6);
  EXPECT_EQ(far["graph"], false);
  EXPECT_EQ(far["recall_at_1"], 1) << "all were compared";
  EXPECT_GT(far["search_s"], 0);
  EXPECT_EQ(far["probe_distance_from"], "threshold");
  ASSERT_EQ(run({"enroll", "g", "--folder", "people"}).code, 0);
  const auto near = run({"gallery", "bench", "g", "--json"}).json();
  EXPECT_EQ(near["templates"], 24);
  EXPECT_EQ(near["probe_distance_from"], "templates");
  EXPECT_THAT(run({"gallery", "bench", "g"}).out, HasSubstr("recall@1 1.0000 over 24 probes"));
}

TEST_F(GalleryCommands, VerifyTellsScriptsByItsExitCode) {
  const auto verify = [&](const std::string& other, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"verify", "m.safetensors", "people/s21/1.pgm", other};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const std::string same = "people/s21/1.pgm", other = "people/s22/1.pgm";
  EXPECT_EQ(verify(same, {"--exit-code"}).code, 0);
  const Finished different = verify(other, {"--exit-code", "--threshold", "1e-9"});
  EXPECT_EQ(different.code, 1);
  EXPECT_THAT(different.out, StartsWith("different: distance"));
  EXPECT_EQ(different.err, "");
  EXPECT_EQ(verify(other, {"--threshold", "1e-9"}).code, 0);
  const Finished missing = verify("none.pgm", {"--exit-code"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none.pgm"));
  EXPECT_EQ(verify("none.pgm", {}).code, 1);
  // What cannot be meant is wrong usage, whatever was asked.
  for (const char* bad : {"-1", "0", "1e300", "2.1"}) {
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--threshold", bad}, {"--threshold", bad, "--exit-code"}}) {
      const Finished wrong = verify(same, more);
      EXPECT_EQ(wrong.code, 2) << bad;
      EXPECT_THAT(wrong.err, HasSubstr("--threshold is ")) << bad;
      EXPECT_EQ(wrong.out, "") << bad;
    }
  }
  EXPECT_THAT(run({"--help"}).out, HasSubstr("  3    nothing can be decided"));
  EXPECT_THAT(run({"verify", "--help"}).out, Not(HasSubstr("door")));
  // How often strangers come as near: more often the farther they may be.
  const auto far = [&](const std::string& photo) {
    return verify(photo, {"--json"}).json()["far"].get<double>();
  };
  EXPECT_GT(far(same), 0);
  EXPECT_LT(far(same), far(other));
  EXPECT_LE(far(other), 1);
  EXPECT_THAT(verify(same, {}).out, HasSubstr("Of two different people at most"));
}

// A picture with nothing in it is nobody: it is neither enrolled nor found, and like no other one.
TEST_F(GalleryCommands, APictureOfNothingIsNobody) {
  ASSERT_EQ(enroll().code, 0);
  fs::create_directories(folder_ / "blank");
  const auto write = [&](const std::string& name, const std::function<float(int, int)>& grey) {
    Image image{92, 112, std::vector<float>(92 * 112)};
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) image.at(y, x) = grey(y, x);
    }
    write_file_atomically(folder_ / "blank" / name, encode_pgm(image));
  };
  Random random(1, Purpose::sample);
  const auto cap = [&](int, int) { return static_cast<float>(random.below(12)) / 255; };
  write("black.pgm", [](int, int) { return 0.0f; });
  write("white.pgm", [](int, int) { return 1.0f; });
  write("down.pgm", [](int y, int) { return static_cast<float>(2 * y) / 255; });
  write("across.pgm", [](int, int x) { return static_cast<float>(2 * x) / 255; });
  write("cap_1.pgm", cap);
  write("cap_2.pgm", cap);
  write_file_atomically(folder_ / "blank" / "pixel.pgm", encode_pgm({1, 1, {0.5f}}));
  const std::vector<std::string> names = {"across", "black", "cap_1", "cap_2",
                                          "down",   "pixel", "white"};
  std::string nobody;
  for (const std::string& name : names) {
    const std::string file = "blank/" + name + ".pgm";
    nobody += file + ",no_persons_found,\n";
    refused({"enroll", "g", "--name", "Eve", file, "--force"}, "no face was found in " + file);
    for (const std::string& other : names) {
      const Finished verdict =
          run({"verify", "m.safetensors", file, "blank/" + other + ".pgm", "--exit-code"});
      EXPECT_EQ(verdict.code, 3) << name << " and " << other;
      EXPECT_EQ(verdict.out, "");
    }
    EXPECT_EQ(run({"verify", "m.safetensors", "first/s22.pgm", file}).code, 3);
    const std::vector<std::vector<std::string>> uses = {
        {"explain", "m.safetensors", "first/s22.pgm", file},
        {"embed", "m.safetensors", "first/s22.pgm", file}};
    for (const std::vector<std::string>& words : uses) {
      const Finished undecided = run(words);
      EXPECT_EQ(undecided.code, 3) << words[0];
      EXPECT_THAT(undecided.err, HasSubstr("no face was found in " + file));
    }
  }
  // A folder goes on, and says who is on the others.
  fs::copy_file(folder_ / "first/s22.pgm", folder_ / "blank/z.pgm");
  const Finished identified = run({"identify", "g", "blank"});
  EXPECT_EQ(identified.code, 0) << identified.err;
  EXPECT_EQ(identified.out, nobody + "blank/z.pgm,s22,0.0000\n");
  const Finished left_out = run({"enroll", "g", "--folder", "blank", "--skip-bad", "--force"});
  EXPECT_THAT(left_out.err, HasSubstr("no face was found in blank/black.pgm"));
}

// Without a threshold in the model nobody can be told from strangers; that is no failure.
TEST_F(GalleryCommands, WithoutAThresholdNothingIsDecided) {
  ASSERT_EQ(run({"train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=40", "--epochs",
                 "1", "--out", "t.safetensors"})
                .code,
            0);
  const std::string photo = "people/s21/1.pgm";
  const Finished made = run({"enroll", "g", "--model", "t.safetensors", "--name", "Ada", photo});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("nobody can be recognised before 8 people are enrolled"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"identify", "g", photo},
                                                {"watch", "g", "people"},
                                                {"gallery", "bench", "g"}}) {
    const Finished undecided = run(words);
    EXPECT_EQ(undecided.code, 3) << words[0];
    EXPECT_THAT(undecided.err, HasSubstr("gallery set --threshold")) << words[0];
  }
  EXPECT_EQ(run({"gallery", "list", "g"}).code, 0);
  EXPECT_EQ(run({"gallery", "set", "g", "--fpir", "0.1"}).code, 0);
  for (const char* bad : {"-1", "0", "1e300"}) {
    refused({"gallery", "set", "g", "--threshold", bad}, "threshold is ", 2);
  }
  EXPECT_EQ(run({"gallery", "set", "g", "--threshold", "0.5"}).code, 0);
  EXPECT_EQ(run({"identify", "g", photo}).out, photo + ",Ada,0.0000\n");
}

// The model has no threshold; the people are enough to draw the line by themselves.
TEST_F(GalleryCommands, EnoughPeopleDecideByThemselves) {
  ASSERT_EQ(run({"train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=400",
                 "--epochs", "2", "--holdout", "0", "--out", "t.safetensors"})
                .code,
            0);
  ASSERT_EQ(run({"synth", "staff", "--identities", "30", "--images", "2", "--seed", "5"}).code, 0);
  fs::create_directories(folder_ / "badges");
  for (int i = 1; i <= 30; ++i) {
    const std::string person = std::string("s").append(std::to_string(i));
    fs::copy_file(folder_ / "staff" / person / "1.pgm", folder_ / "badges" / (person + ".pgm"));
  }
  const Finished made = run({"enroll", "g", "--model", "t.safetensors", "--folder", "badges"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("the gallery's own 30 people"));
  const Finished found = run({"identify", "g", "staff/s3", "--json"});
  EXPECT_EQ(found.code, 0) << found.err;
  const auto answer = nlohmann::json::parse(found.out);
  EXPECT_EQ(answer["rule"]["source"], "gallery");
  EXPECT_EQ(answer["rule"]["normalised"], true);
  for (const auto& photo : answer["photos"]) {
    const auto& face = photo["faces"][0];
    EXPECT_EQ(face["known"].get<bool>(),
              face["candidates"][0]["score"] < answer["rule"]["threshold"]);
  }
  // A distance that somebody sets is a plain one.
  ASSERT_EQ(run({"gallery", "set", "g", "--threshold", "0.5"}).code, 0);
  const auto set = nlohmann::json::parse(run({"identify", "g", "staff/s3", "--json"}).out);
  EXPECT_EQ(set["rule"]["source"], "set");
  EXPECT_EQ(set["rule"]["normalised"], false);
  EXPECT_EQ(set["photos"][0]["faces"][0]["candidates"][0]["score"],
            set["photos"][0]["faces"][0]["candidates"][0]["distance"]);
}

TEST_F(GalleryCommands, WatchAFolder) {
  ASSERT_EQ(enroll().code, 0);
  fs::create_directories(folder_ / "door");
  Running watch(folder_, {"watch", "g", "door", "--gap", "0.5"}, "");
  const auto patience = std::chrono::seconds(60);
  ASSERT_TRUE(watch.complained("Watching door", patience));
  fs::copy_file(folder_ / "first/s22.pgm", folder_ / "door" / "a.pgm");
  EXPECT_TRUE(watch.printed("door/a.pgm,s22,0.0000\n", patience));
  // Not before it is complete, and not what is no picture.
  std::ofstream(folder_ / "door" / "notes.txt") << "x";
  fs::copy_file(folder_ / "first/s23.pgm", folder_ / "b.part");
  fs::rename(folder_ / "b.part", folder_ / "door" / "b.pgm");
  EXPECT_TRUE(watch.printed("door/b.pgm,s23,0.0000\n", patience));
  // Follows the gallery.
  ASSERT_EQ(run({"gallery", "rename", "g", "s23", "Grace"}).code, 0);
  fs::copy_file(folder_ / "first/s23.pgm", folder_ / "door" / "c.pgm");
  EXPECT_TRUE(watch.printed("door/c.pgm,Grace,0.0000\n", patience));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait().code, 130);
}

// Two people in turn: one decided by three photos, and not again by those that follow; the other
// when Ctrl-C comes.
TEST_F(GalleryCommands, WatchDecidesAVisitOnce) {
  ASSERT_EQ(enroll().code, 0);
  fs::create_directories(folder_ / "door");
  const auto come = [&](const std::string& person, const std::string& file) {
    fs::copy_file(folder_ / "first" / (person + ".pgm"), folder_ / "door" / file);
  };
  const auto patience = std::chrono::seconds(60);
  const std::vector<std::string> command{"watch", "g", "door", "--visit", "3", "--gap", "600"};
  Running watch(folder_, command, "");
  ASSERT_TRUE(watch.complained("Watching door", patience));
  come("s22", "1.pgm");
  come("s24", "2.pgm");
  come("s22", "3.pgm");
  come("s24", "4.pgm");
  come("s22", "5.pgm");
  ASSERT_TRUE(watch.printed("door/5.pgm,s22,0.0000,3 photos\n", patience));
  for (const char* more : {"6.pgm", "7.pgm", "8.pgm"}) come("s22", more);
  std::ofstream(folder_ / "door" / "9.pgm") << "broken";
  ASSERT_TRUE(watch.complained("door/9.pgm", patience)) << "those before it are seen, too";
  watch.signal(SIGINT);
  const Finished decided = watch.wait();
  EXPECT_EQ(decided.code, 130);
  EXPECT_EQ(decided.out, "door/5.pgm,s22,0.0000,3 photos\ndoor/4.pgm,s24,0.0000,2 photos\n");

  std::vector<std::string> as_json = command;
  as_json.push_back("--json");
  Running documents(folder_, as_json, "");
  ASSERT_TRUE(documents.complained("Watching door", patience));
  for (const char* file : {"a.pgm", "b.pgm", "c.pgm"}) come("s22", file);
  ASSERT_TRUE(documents.printed("\n", patience));
  documents.signal(SIGINT);
  const nlohmann::json visit = documents.wait().json();
  EXPECT_EQ(visit["files"], (nlohmann::json{"door/a.pgm", "door/b.pgm", "door/c.pgm"}));
  EXPECT_EQ(visit["photos"], 3);
  EXPECT_EQ(visit["boxes"].size(), 3u);
  EXPECT_EQ(visit["name"], "s22");
}

}  // namespace
}  // namespace doppel::internal
