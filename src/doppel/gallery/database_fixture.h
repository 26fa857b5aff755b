// For tests: what holds for every database that a gallery can be in is tested in each of them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "doppel/error.h"
#include "doppel/gallery/postgres_server.h"

namespace doppel::internal {

template <typename Work>
void refused(Work work, ErrorKind kind, const std::string& words) {
  try {
    work();
    ADD_FAILURE() << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

// A folder of its own for each test, gone afterwards.
template <typename Test>
class InFolder : public Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "galleryXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

enum class Kind { sqlite, postgres };

// Instantiated by EVERY_DATABASE(name); tests are TEST_P.
class DatabaseTest : public InFolder<testing::TestWithParam<Kind>> {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    if (GetParam() == Kind::postgres && PostgresServer::the() == nullptr) {
      GTEST_SKIP() << "PostgreSQL is not installed";
    }
    place_ = new_place();
  }

  // Where a gallery may be made.
  std::string new_place() {
    if (GetParam() == Kind::postgres) return PostgresServer::the()->new_place();
    return folder_ / std::to_string(++files_);
  }
  const std::string& place() const { return place_; }

  // Whether the database's files hold these bytes.
  bool in_files(const std::string& bytes) const {
    const bool server = GetParam() == Kind::postgres;
    if (server) PostgresServer::the()->flush();
    using Walk = std::filesystem::recursive_directory_iterator;
    bool found = false;
    for (const auto& file : Walk(server ? PostgresServer::the()->files() : folder_)) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      std::stringstream content;
      content << stream.rdbuf();
      found |= content.str().find(bytes) != std::string::npos;
    }
    return found;
  }

 private:
  std::string place_;
  int files_ = 0;
};

#define EVERY_DATABASE(name)                                                               \
  INSTANTIATE_TEST_SUITE_P(Sqlite, name, testing::Values(doppel::internal::Kind::sqlite)); \
  INSTANTIATE_TEST_SUITE_P(Postgres, name, testing::Values(doppel::internal::Kind::postgres))

}  // namespace doppel::internal
