// ZipReader on archives made here, good, forged and damaged.
#include "doppel/data/zip_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "doppel/base/file.h"
#include "doppel/data/zip_bytes.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class Zip : public testing::Test {
 protected:
  Zip()
      : archive_(fs::path(testing::TempDir()) / ("doppel_" + std::to_string(::getpid()) + ".zip")) {
  }
  void TearDown() override { fs::remove(archive_); }

  void write(const std::string& bytes) { std::ofstream(archive_, std::ios::binary) << bytes; }
  // Names and bytes of all entries; of one with a flaw the flaw.
  std::vector<std::pair<std::string, std::string>> read_all() {
    std::vector<std::pair<std::string, std::string>> entries;
    ZipReader reader(archive_);
    while (const ZipEntry* entry = reader.next()) {
      std::string bytes = !entry->flaw.empty() ? entry->flaw
                          : entry->is_folder   ? "(folder)"
                                               : reader.read(1'000'000);
      entries.emplace_back(entry->name, std::move(bytes));
    }
    return entries;
  }
  // What read_all() throws.
  std::string refusal(ErrorKind kind = ErrorKind::bad_data) {
    try {
      read_all();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(archive_.string()));
      return error.what();
    }
    return "no error";
  }
  fs::path archive_;
};

TEST_F(Zip, GivesNamesAndBytes) {
  write(zip_bytes({{"a/", "", 0040755}, {"./a//1", "one"}, {"empty", ""}, {"a/2", "two"}}));
  EXPECT_TRUE(is_zip(archive_));
  EXPECT_THAT(read_all(), ElementsAre(Pair("a", "(folder)"), Pair("a/1", "one"), Pair("empty", ""),
                                      Pair("a/2", "two")));
}

TEST_F(Zip, SkipsWhatIsNotRead) {
  write(zip_bytes({{"1", std::string(200'000, 'x')}, {"2", "two"}}));
  ZipReader reader(archive_);
  ASSERT_NE(reader.next(), nullptr);
  ASSERT_NE(reader.next(), nullptr);
  EXPECT_EQ(reader.read(3), "two");
  EXPECT_EQ(reader.next(), nullptr);
}

TEST_F(Zip, KeepsLettersBehindAscii) {
  write(zip_bytes({{"J\xc3\xb6rg/\xe4\xba\xba", "utf-8", 0100644, 0x800}, {"J\xf6rg", "latin 1"}}));
  EXPECT_THAT(read_all(),
              ElementsAre(Pair("J\xc3\xb6rg/\xe4\xba\xba", "utf-8"), Pair("J\xf6rg", "latin 1")));
}

TEST_F(Zip, ReadsCompressedFiles) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i * i);
  archive* const writer = archive_write_new();
  archive_write_set_format_zip(writer);
  ASSERT_EQ(archive_write_open_filename(writer, archive_.c_str()), ARCHIVE_OK);
  for (const char* name : {"x/1", "x/2"}) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    ASSERT_EQ(archive_write_data(writer, text.data(), text.size()),
              static_cast<la_ssize_t>(text.size()));
    archive_entry_free(entry);
  }
  ASSERT_EQ(archive_write_free(writer), ARCHIVE_OK);
  ASSERT_LT(fs::file_size(archive_), text.size());
  EXPECT_THAT(read_all(), ElementsAre(Pair("x/1", text), Pair("x/2", text)));
  std::string bytes = read_file(archive_, 1 << 20);
  bytes[bytes.size() / 4] ^= 1;  // inside the first one's data
  write(bytes);
  EXPECT_THAT(refusal(), HasSubstr("x/1: cannot be unpacked"));
}

TEST_F(Zip, NamesWhatCannotBeUsed) {
  write(zip_bytes({{"../up", "x"},
                   {"a/../../b", "x"},
                   {"/etc/passwd", "x"},
                   {"link", "/etc/passwd", 0120777},
                   {"secret", "x", 0100644, 1},
                   {std::string("a\x1b[2J"), "x"},
                   {"//.//", "x"},
                   {std::string(2000, 'n'), "x"},
                   {"good", "x"}}));
  EXPECT_THAT(
      read_all(),
      ElementsAre(Pair("../up", HasSubstr("leads out")), Pair("a/../../b", HasSubstr("leads out")),
                  Pair("etc/passwd", HasSubstr("leads out")), Pair("link", HasSubstr("a link")),
                  Pair("secret", HasSubstr("encrypted")),
                  Pair("a?[2J", HasSubstr("cannot be shown")),
                  Pair("", testing::Not(testing::IsEmpty())),
                  Pair(HasSubstr("..."), HasSubstr("2000 bytes")), Pair("good", "x")));
  ZipReader reader(archive_);
  reader.next();
  EXPECT_THROW(reader.read(10), Error);
}

TEST_F(Zip, RefusesFilesThatAreNotWhatTheySay) {
  const ZipFile good{"good", "0123456789"};
  ZipFile bad{"bad", "0123456789"};
  bad.sum_lie = 1;
  write(zip_bytes({bad, good}));
  EXPECT_THAT(refusal(), HasSubstr("bad: cannot be unpacked"));
  bad.sum_lie = 0;
  for (const int lie : {-1, 1, 5, 1000, 2'000'000'000}) {
    for (const bool in_table_only : {false, true}) {
      bad.size_lie = lie;
      bad.lie_in_table_only = in_table_only;
      write(zip_bytes({bad, good}));
      try {
        EXPECT_THAT(read_all(), testing::Contains(Pair("bad", HasSubstr("damaged")))) << lie;
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(archive_.string()));
      }
    }
  }
  bad = {"bad", "0123456789"};
  bad.method = 99;
  write(zip_bytes({bad}));
  EXPECT_NE(refusal(), "no error");
}

TEST_F(Zip, StopsAtTheGivenSize) {
  write(zip_bytes({{"1", "0123456789"}}));
  ZipReader reader(archive_);
  reader.next();
  EXPECT_THROW(reader.read(9), Error);
}

TEST_F(Zip, CutAnywhereItDoesNotOpen) {
  const std::string whole = zip_bytes({{"s1/1", "one"}, {"s1/2", "two"}});
  for (size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    EXPECT_THROW(ZipReader{archive_}, Error) << size;
  }
}

TEST_F(Zip, RefusesWhatIsNoArchive) {
  EXPECT_THAT(refusal(ErrorKind::io), HasSubstr("cannot be opened"));
  EXPECT_THROW(is_zip(archive_), Error);
  for (const char* bytes : {"", "P", "PK\3\4", "PK\5\6", "hello, this is no archive at all"}) {
    write(bytes);
    EXPECT_THAT(refusal(), HasSubstr("no zip archive"));
  }
  EXPECT_FALSE(is_zip(archive_));
  write(zip_bytes({}));
  EXPECT_TRUE(is_zip(archive_));
  EXPECT_THAT(refusal(), HasSubstr("or an empty"));
}

}  // namespace
}  // namespace doppel::internal
