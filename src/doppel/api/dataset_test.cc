#include "doppel/dataset.h"

#include <gmock/gmock.h>

#include "doppel/api/dataset_source.h"
#include "doppel/api/public_access.h"
#include "doppel/api/test_support.h"
#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

using PublicDataset = InOwnFolder;

TEST_F(PublicDataset, AFolderIsListedAndReadWhenItIsNeeded) {
  internal::write_synthetic(folder_, 3, 2, 7);
  const Dataset people = Dataset::load(folder_);
  EXPECT_THAT(people.people(), ElementsAre("s1", "s2", "s3"));
  EXPECT_EQ(people.photos(), 6u);
  internal::ThreadPool pool(1);
  const internal::Dataset read = internal::PublicAccess::of(people).read(pool, {});
  EXPECT_EQ(read.digest, internal::load_dataset(folder_, pool).digest);
  EXPECT_EQ(read.digest,
            internal::PublicAccess::of(Dataset::synthetic(3, 2, 7)).read(pool, {}).digest);
}

TEST_F(PublicDataset, APartIsReadAsAFolderOfThesePeopleAlone) {
  const Dataset all = Dataset::synthetic(12, 2, 7);
  const std::vector<std::string> names = {"s10", "s2"};
  const Dataset part = all.select(names);
  EXPECT_THAT(part.people(), ElementsAre("s2", "s10")) << "in natural order";
  EXPECT_EQ(part.photos(), 4u);
  internal::ThreadPool pool(1);
  const internal::Dataset read = internal::PublicAccess::of(part).read(pool, {});
  ASSERT_EQ(read.identities.size(), 2u);
  EXPECT_EQ(read.images.size(), 4u);
  EXPECT_EQ(read.images[2].pixels, internal::synthetic_face(7, 9, 0).pixels);
}

TEST_F(PublicDataset, WhatCannotBeSelectedIsNamed) {
  const Dataset all = Dataset::synthetic(3, 1, 7);
  const auto refusal = [&](const std::vector<std::string>& names) {
    return error_of([&] { all.select(names); });
  };
  EXPECT_EQ(refusal({"s1", "s9", "s8"}).kind(), ErrorKind::mismatch);
  EXPECT_THAT(refusal({"s1", "s9", "s8"}).what(), HasSubstr("s8 and s9"));
  EXPECT_EQ(refusal({"s1", "s2", "s1"}).kind(), ErrorKind::bad_argument);
  EXPECT_THAT(refusal({"s1", "s2", "s1"}).what(), HasSubstr("\"s1\" comes twice"));
  EXPECT_EQ(refusal({"s1"}).kind(), ErrorKind::bad_argument);
}

TEST_F(PublicDataset, WhatIsNoDataSetIsSaidAtOnce) {
  const Error missing = error_of([&] { Dataset::load(folder_ / "none"); });
  EXPECT_EQ(missing.kind(), ErrorKind::io);
  EXPECT_THAT(missing.what(), HasSubstr((folder_ / "none").string()));
  internal::write_synthetic(folder_, 2, 1, 7);
  fs::remove_all(folder_ / "s2");
  EXPECT_EQ(error_of([&] { Dataset::load(folder_); }).kind(), ErrorKind::bad_data);
  EXPECT_EQ(error_of([] { Dataset::synthetic(1, 5, 1); }).kind(), ErrorKind::bad_argument);
}

}  // namespace
}  // namespace doppel
