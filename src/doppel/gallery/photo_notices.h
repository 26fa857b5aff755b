// Are these photos like those that the figures were measured on? What differs, what it means and
// what to do, in a sentence; nothing where all is as usual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doppel/gallery/search.h"
#include "doppel/gallery/visits.h"
#include "doppel/image/looks.h"
#include "doppel/model/photo_summary.h"

namespace doppel::internal {

// Of the photos of people who are to be enrolled to those that the model was calibrated on; nothing
// where the latter are not known.
std::optional<PhotoDifference> photo_difference(std::span<const NewPerson> people,
                                                const std::optional<Threshold>& calibrated);
std::optional<std::string> notice_of_enrolled(const std::optional<PhotoDifference>& difference);
// Of all who are in a gallery, by GallerySearch::photo_difference(): their templates tell it, their
// looks are not kept.
std::optional<std::string> notice_of_gallery(const std::optional<PhotoDifference>& difference);

// Of photos that are searched for. Holds numbers alone, no templates and no names.
class ProbeNotices {
 public:
  // Of the latest so many photos.
  static constexpr size_t kLatest = 500;

  void add(const Looks& looks, const Answer& answer);
  // The answer of a visit, whose mean is nearer to everybody than each of its photos: of these only
  // the looks count.
  void add_visit(const Visit& visit, const Answer& answer);

  // A sentence each:
  // * their looks differ from those of the photos that the model was calibrated on, `calibrated`;
  // * their distances to everybody but their nearest differ from those that the gallery's `people`
  //   have: by more than 0.1 + 2.2 sqrt(1 / n + 1 / people) deviations on average, where n
  //   different people are nearest to them. Galleries of fewer than kEnoughPeople, and fewer than
  //   four such people, tell nothing. On LFW's peopleDevTest, embedded by dlib's network, 300
  //   people and 200 strangers' photos: said of none of 20 draws as they come, and of all of 20
  //   where they are blurred by 2.5 pixels, which misses three times as many.
  std::vector<std::string> all(const std::optional<Threshold>& calibrated, size_t people) const;

 private:
  struct Probe {
    int64_t nearest = 0;  // a digest of the name: photos of one stranger are mostly nearest to one
    Looks looks;
    std::optional<double> cohort_offset;
  };

  std::deque<Probe> latest_;
};

}  // namespace doppel::internal
