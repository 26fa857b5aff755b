#include "doppel/eval/episodes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "doppel/base/natural_order.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

struct Line {
  size_t number = 0;
  std::string_view test, reference;
};

std::vector<std::string_view> words(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> result;
  while (true) {
    const size_t begin = line.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return result;
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(kBlank), line.size());
    result.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// "run/.../file", relative, and no step up: a list must not reach beyond its folder.
bool is_inside(std::string_view path) {
  size_t parts = 0;
  while (true) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    ++parts;
    if (end == path.size()) return parts >= 2;
    path.remove_prefix(end + 1);
  }
}

std::string_view run_of(std::string_view path) { return path.substr(0, path.find('/')); }

}  // namespace

std::vector<Episode> parse_episodes(std::string_view text, const std::string& name) {
  if (text.size() > kMostEpisodeListBytes) {
    throw Error(ErrorKind::bad_data, name + ": larger than the " +
                                         std::to_string(kMostEpisodeListBytes) +
                                         " bytes that a list of episodes may have");
  }
  const auto fail = [&](size_t line, const std::string& what) {
    throw Error(ErrorKind::bad_data, name + ": line " + std::to_string(line) + ": " + what);
  };
  std::vector<std::pair<std::string_view, std::vector<Line>>> runs;
  std::map<std::string_view, size_t> run_index;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> fields = words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (fields.empty()) continue;
    if (fields.size() != 2 || !is_inside(fields[0]) || !is_inside(fields[1]) ||
        run_of(fields[0]) != run_of(fields[1])) {
      fail(number,
           "a test image and the reference of its class were expected, such as "
           "run01/test/item01.png run01/training/class08.png");
    }
    const auto [at, added] = run_index.emplace(run_of(fields[0]), runs.size());
    if (added) runs.emplace_back(run_of(fields[0]), std::vector<Line>());
    std::vector<Line>& lines = runs[at->second].second;
    lines.push_back({number, fields[0], fields[1]});
    if (lines.size() > kMostEpisodeTests) {
      fail(number,
           "at most " + std::to_string(kMostEpisodeTests) + " tests of a run were expected");
    }
  }
  if (runs.empty()) throw Error(ErrorKind::bad_data, name + ": empty, episodes were expected");

  std::vector<Episode> episodes;
  for (const auto& [run, lines] : runs) {
    Episode& episode = episodes.emplace_back();
    episode.name = run;
    std::set<std::string_view> tests, references;
    for (const Line& line : lines) {
      if (!tests.insert(line.test).second) {
        fail(line.number, std::string(line.test) + " comes twice");
      }
      references.insert(line.reference);
      episode.tests.emplace_back(line.test);
    }
    if (references.size() < 2) {
      fail(lines.front().number, "at least two references were expected in " + episode.name);
    }
    episode.references.assign(references.begin(), references.end());
    std::stable_sort(episode.references.begin(), episode.references.end(), natural_less);
    std::map<std::string_view, size_t> index;
    for (size_t i = 0; i < episode.references.size(); ++i) index[episode.references[i]] = i;
    for (const Line& line : lines) episode.answer.push_back(index.at(line.reference));
  }
  return episodes;
}

std::vector<std::string> episode_images(const Episode& episode) {
  std::vector<std::string> images = episode.tests;
  images.insert(images.end(), episode.references.begin(), episode.references.end());
  return images;
}

EpisodeScores score_episodes(std::span<const Episode> episodes, std::span<const Matrix> embeddings,
                             const Energy& energy) {
  if (episodes.size() != embeddings.size()) {
    throw Error(ErrorKind::mismatch, "episodes: embeddings of " +
                                         std::to_string(embeddings.size()) + " for " +
                                         std::to_string(episodes.size()));
  }
  EpisodeScores scores;
  for (size_t e = 0; e < episodes.size(); ++e) {
    const Episode& episode = episodes[e];
    const Matrix& rows = embeddings[e];
    const size_t tests = episode.tests.size(), references = episode.references.size();
    if (rows.rows != tests + references) {
      throw Error(ErrorKind::mismatch, "episode " + episode.name + ": " +
                                           std::to_string(rows.rows) + " embeddings for " +
                                           std::to_string(tests + references) + " images");
    }
    double right = 0;
    for (size_t t = 0; t < tests; ++t) {
      const auto distance = [&](size_t reference) {
        const double value = energy_of(energy, rows.row(t), rows.row(tests + reference));
        if (!std::isfinite(value)) {
          throw Error(ErrorKind::numeric, "episode " + episode.name + ": the distance of " +
                                              episode.tests[t] + " to " +
                                              episode.references[reference] + " is not finite");
        }
        return value;
      };
      const double own = distance(episode.answer[t]);
      size_t nearer = 0, tied = 0;
      for (size_t r = 0; r < references; ++r) {
        const double other = distance(r);
        nearer += other < own;
        tied += other == own;
      }
      if (nearer == 0) right += 1 / static_cast<double>(tied);
    }
    scores.runs.push_back(right / static_cast<double>(tests));
    scores.mean += scores.runs.back() / static_cast<double>(episodes.size());
    scores.trials += tests;
  }
  return scores;
}

}  // namespace doppel::internal
