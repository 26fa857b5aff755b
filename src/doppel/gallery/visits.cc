#include "doppel/gallery/visits.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "doppel/model/mean_embedding.h"

namespace doppel::internal {

void Visits::extend(Track& track, const VisitFace& face, std::span<const float> embedding) const {
  track.faces.push_back(face);
  track.embeddings.columns = embedding.size();
  track.embeddings.append(embedding);
  std::vector<size_t> rows(track.embeddings.rows);
  std::iota(rows.begin(), rows.end(), size_t{0});
  track.mean = mean_embedding(track.embeddings, rows);
}

// Its mean is kept: it knows what follows of the same visit.
void Visits::decide(Track& track, std::vector<Visit>& visits) {
  visits.push_back({std::move(track.faces), track.mean});
  track.faces = {};
  track.embeddings = {};
  track.decided = true;
}

std::vector<Visit> Visits::add(double seconds, std::span<const VisitFace> faces,
                               const Matrix& embeddings, double distance) {
  std::vector<Visit> visits = end(seconds);
  struct Link {
    double distance;
    size_t face;
    std::list<Track>::iterator track;
  };
  std::vector<Link> links;
  for (size_t face = 0; face < faces.size(); ++face) {
    for (auto track = tracks_.begin(); track != tracks_.end(); ++track) {
      const double found = energy_of(energy_, embeddings.row(face), track->mean);
      if (found < distance) links.push_back({found, face, track});
    }
  }
  std::ranges::stable_sort(links, {}, &Link::distance);
  std::vector<std::list<Track>::iterator> track_of(faces.size(), tracks_.end());
  for (const Link& link : links) {
    if (track_of[link.face] != tracks_.end()) continue;
    if (std::ranges::find(track_of, link.track) != track_of.end()) continue;
    track_of[link.face] = link.track;
  }
  for (size_t face = 0; face < faces.size(); ++face) {
    if (track_of[face] == tracks_.end()) {
      track_of[face] = tracks_.emplace(tracks_.end());
    } else {
      tracks_.splice(tracks_.end(), tracks_, track_of[face]);
    }
    Track& track = *track_of[face];
    track.seen = seconds;
    if (track.decided) continue;
    extend(track, faces[face], embeddings.row(face));
    if (track.faces.size() >= settings_.photos) decide(track, visits);
  }
  while (tracks_.size() > kMostOpen) {
    if (!tracks_.front().decided) decide(tracks_.front(), visits);
    tracks_.pop_front();
  }
  return visits;
}

std::vector<Visit> Visits::end(double seconds) {
  std::vector<Visit> visits;
  while (!tracks_.empty() && seconds - tracks_.front().seen > settings_.gap) {
    if (!tracks_.front().decided) decide(tracks_.front(), visits);
    tracks_.pop_front();
  }
  return visits;
}

std::vector<Visit> Visits::end_all() {
  std::vector<Visit> visits;
  for (Track& track : tracks_) {
    if (!track.decided) decide(track, visits);
  }
  tracks_.clear();
  return visits;
}

}  // namespace doppel::internal
