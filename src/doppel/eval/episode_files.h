// One-shot runs as they lie on a disk: a folder or zip archive with runNN/class_labels.txt and the
// images that these name comes in, episodes with their images go out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/eval/episodes.h"
#include "doppel/image/decode.h"
#include "doppel/image/image.h"

namespace doppel::internal {

struct EpisodeFiles {
  std::vector<Episode> episodes;           // natural order of their lists' places
  std::vector<std::vector<Image>> images;  // of each: those of episode_images()
};

// What the files of an archive may hold together.
inline constexpr size_t kMostEpisodeBytes = size_t{1} << 30;

// Every file class_labels.txt in `source` is a list; the paths in it count from its own folder or
// from the one around that, as in Omniglot's all_runs.zip. Throws Error(io) where `source` is
// missing, Error(bad_data) where it has no list, and as ZipReader, parse_episodes() and
// decode_image() do, naming list or image.
EpisodeFiles load_episodes(const std::filesystem::path& source, ThreadPool& pool,
                           const DecodeOptions& options = {});

}  // namespace doppel::internal
