// Lists of one-shot episodes in the format of Omniglot's class_labels.txt (Lake, Salakhutdinov,
// Tenenbaum: Human-level concept learning through probabilistic program induction, 2015): a text
// and the embeddings of the images it names come in, the share of right answers goes out.
//
// Each line "run01/test/item01.png run01/training/class08.png" names an image to be recognised and
// the reference image of its class; the first folder names the run. All references of a run are
// the classes to choose from.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

struct Episode {
  std::string name;                     // "run01"
  std::vector<std::string> tests;       // paths as the list gives them, in its order
  std::vector<std::string> references;  // each once, in natural order
  std::vector<size_t> answer;           // of each test: index into references
};

// What a list may hold at most.
inline constexpr size_t kMostEpisodeListBytes = 4 << 20;
inline constexpr size_t kMostEpisodeTests = 10'000;  // of an episode

// The episodes in the order of their first lines. Throws Error(bad_data) naming `name` and the
// line: two paths inside a folder were expected, both of one run; a test comes twice; an episode
// has a single reference; more than the list may hold.
std::vector<Episode> parse_episodes(std::string_view text, const std::string& name);

// All images of an episode: the tests, then the references.
std::vector<std::string> episode_images(const Episode& episode);

struct EpisodeScores {
  std::vector<double> runs;  // the share of right answers of each episode
  double mean = 0;           // over episodes
  size_t trials = 0;         // tests of all episodes
};

// The reference of the smallest energy names a test. Where n references are equally near and the
// right one is among them, the test counts 1/n. `embeddings` holds for each episode one row for
// each of its episode_images(). Throws like energy_of, Error(mismatch) where their numbers differ,
// Error(numeric) where a distance is not finite.
EpisodeScores score_episodes(std::span<const Episode> episodes, std::span<const Matrix> embeddings,
                             const Energy& energy = {});

}  // namespace doppel::internal
