#include "doppel/gallery/synthetic_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(RefusePerson, KeepsPeopleFromAModelOfSyntheticFacesAlone) {
  Model model;
  EXPECT_NO_THROW(refuse_person(model, "m", false, "ada.jpg", "add --force"));
  model.training.synthetic = true;
  EXPECT_NO_THROW(refuse_person(model, "m", true, "s1.pgm", "add --force"));
  try {
    refuse_person(model, "m.safetensors", false, "ada.jpg", "add --force");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    for (const char* part :
         {"m.safetensors was trained on synthetic faces", "ada.jpg", "or add --force"}) {
      EXPECT_THAT(error.what(), testing::HasSubstr(part));
    }
  }
}

}  // namespace
}  // namespace doppel::internal
