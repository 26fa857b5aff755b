// From the photos of a camera to its visits: the faces of photos come in, one photo after the
// other; what comes out is one embedding for each visit, so that a stranger has one chance to be
// taken for somebody and not one with every photo, and who is known is missed less often.
//
// Faces near each other are a track: a face goes on with the track whose mean embedding is nearest,
// where that is near enough, and begins one where none is. A track is decided once, by the mean of
// its embeddings, when it has enough of them or when it ends; what follows within the gap belongs
// to the same visit and is not decided anew.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/image/looks.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

struct VisitFace {
  std::string photo;
  std::array<double, 4> box{};  // left, top, width, height
  Looks looks = {};             // for notices
  size_t number = 0;            // the caller's own
};

// One that is decided now.
struct Visit {
  std::vector<VisitFace> faces;  // by which it is decided, in the order they came
  std::vector<float> embedding;  // mean_embedding() of theirs
};

struct VisitSettings {
  size_t photos = 5;  // that decide a visit; at least 1
  double gap = 2;     // seconds without a photo of it that end a visit
};

// Used by one thread at a time.
class Visits {
 public:
  Visits(const VisitSettings& settings, Energy energy)
      : settings_(settings), energy_(std::move(energy)) {}

  // The faces of one photo, a row of `embeddings` for each, which are different people. It came at
  // `seconds`, not before the photo before it. A face belongs to a track whose mean is nearer than
  // `distance`. Gives those that end before this photo and those that have their photos with it.
  std::vector<Visit> add(double seconds, std::span<const VisitFace> faces, const Matrix& embeddings,
                         double distance);
  // Those that have ended by then.
  std::vector<Visit> end(double seconds);
  // Whatever is not decided.
  std::vector<Visit> end_all();

  // Tracks that have not ended, decided ones among them.
  size_t open() const { return tracks_.size(); }

  // Where there are more, the one that was seen least lately ends.
  static constexpr size_t kMostOpen = 256;

 private:
  struct Track {
    std::vector<VisitFace> faces;  // until it is decided
    Matrix embeddings;             // until it is decided
    std::vector<float> mean;
    double seen = 0;
    bool decided = false;
  };
  void extend(Track& track, const VisitFace& face, std::span<const float> embedding) const;
  static void decide(Track& track, std::vector<Visit>& visits);

  VisitSettings settings_;
  Energy energy_;
  std::list<Track> tracks_;  // the one that was seen least lately first
};

}  // namespace doppel::internal
