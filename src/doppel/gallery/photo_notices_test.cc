#include "doppel/gallery/photo_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Of 50 people: brightness 0.5, contrast 0.2, sharpness 0.2, two values of an embedding.
std::optional<Threshold> calibrated() {
  Threshold threshold;
  threshold.photos =
      PhotoSummary{50, {{{0.5, 0.05}, {std::log(0.2), 0.2}, {std::log(0.2), 0.2}}}, {0, 0}, 1};
  return threshold;
}

constexpr Looks kUsual = {0.5, 0.2, 0.2}, kBlurred = {0.5, 0.2, 0.08};

Answer answer_of(int nearest, std::optional<double> offset) {
  Answer answer;
  answer.candidates.push_back(
      {std::string("person ").append(std::to_string(nearest)), 1, 1, {}, {}});
  answer.cohort_offset = offset;
  return answer;
}

TEST(ProbeNotices, NothingIsSaidOfUsualPhotos) {
  ProbeNotices notices;
  EXPECT_THAT(notices.all(calibrated(), 100), IsEmpty()) << "nobody came";
  Random random(1, Purpose::sample);
  for (int i = 0; i < 100; ++i) notices.add(kUsual, answer_of(i, random.normal()));
  EXPECT_THAT(notices.all(calibrated(), 100), IsEmpty());
  notices.add(kBlurred, {});
  EXPECT_THAT(notices.all(calibrated(), 0), IsEmpty()) << "an empty gallery";
}

TEST(ProbeNotices, LooksOfAnotherCameraAreSaid) {
  ProbeNotices notices;
  for (int i = 0; i < 20; ++i) notices.add(kBlurred, answer_of(i, {}));
  EXPECT_THAT(notices.all(calibrated(), 100),
              ElementsAre(AllOf(HasSubstr("The photos searched for are unlike"),
                                HasSubstr("less sharp"), HasSubstr("open-set"))));
  EXPECT_THAT(notices.all({}, 100), IsEmpty()) << "the model has no calibration";
}

TEST(ProbeNotices, DistancesToEverybodyThatDifferAreSaid) {
  for (const double offset : {-0.7, 0.7}) {
    ProbeNotices notices;
    Random random(2, Purpose::sample);
    for (int i = 0; i < 200; ++i) notices.add(kUsual, answer_of(i, offset + random.normal()));
    EXPECT_THAT(notices.all(calibrated(), 300),
                ElementsAre(AllOf(HasSubstr(offset < 0 ? "nearer to everybody" : "farther from"),
                                  HasSubstr("perhaps the camera"))));
    EXPECT_THAT(notices.all(calibrated(), 9), IsEmpty()) << "so few enrolled tell nothing";
  }
}

TEST(ProbeNotices, OnePersonWhoComesOftenIsOnePerson) {
  ProbeNotices notices;
  for (int i = 0; i < 200; ++i) notices.add(kUsual, answer_of(7, -1.5));
  EXPECT_THAT(notices.all(calibrated(), 300), IsEmpty());
}

TEST(ProbeNotices, TheLatestPhotosCount) {
  ProbeNotices notices;
  for (size_t i = 0; i < ProbeNotices::kLatest; ++i) {
    notices.add(kBlurred, answer_of(static_cast<int>(i), -1));
  }
  EXPECT_EQ(notices.all(calibrated(), 300).size(), 2u);
  for (size_t i = 0; i < ProbeNotices::kLatest; ++i) {
    notices.add(kUsual, answer_of(static_cast<int>(i), 0));
  }
  EXPECT_THAT(notices.all(calibrated(), 300), IsEmpty());
}

TEST(PhotoNotices, EnrolledPhotosAreComparedWithThoseOfTheCalibration) {
  const auto people = [](double middle, const Looks& looks) {
    Random random(3, Purpose::sample);
    std::vector<NewPerson> added;
    for (int i = 0; i < 12; ++i) {
      NewPerson& person = added.emplace_back();
      NewTemplate& made = person.templates.emplace_back();
      for (int k = 0; k < 2; ++k) {
        made.embedding.push_back(static_cast<float>(middle + random.normal() / std::sqrt(2)));
      }
      made.looks = looks;
    }
    return added;
  };
  const auto notice = [&](double middle, const Looks& looks) {
    return notice_of_enrolled(photo_difference(people(middle, looks), calibrated()));
  };
  EXPECT_EQ(notice(0, kUsual), std::nullopt);
  EXPECT_THAT(notice(2, kUsual).value_or(""), HasSubstr("framed, turned or lit in another way"));
  EXPECT_THAT(notice(0, kBlurred).value_or(""), HasSubstr("The enrolled photos are unlike"));
  EXPECT_EQ(photo_difference(people(2, kBlurred), {}), std::nullopt);
  EXPECT_EQ(notice_of_enrolled({}), std::nullopt);
  EXPECT_EQ(notice_of_gallery({}), std::nullopt);
}

}  // namespace
}  // namespace doppel::internal
