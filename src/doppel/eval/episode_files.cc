#include "doppel/eval/episode_files.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "doppel/base/file.h"
#include "doppel/base/natural_order.h"
#include "doppel/data/zip_reader.h"
#include "doppel/error.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kList = "class_labels.txt";

// The files below `source` by their paths in it, those of an archive with their bytes.
class Files {
 public:
  explicit Files(const fs::path& source) : source_(source) {
    std::error_code error;
    if (fs::is_directory(source, error)) {
      list_folder();
    } else if (is_zip(source)) {
      read_archive();
    } else {
      throw Error(ErrorKind::bad_data,
                  source.string() + ": a folder or zip archive of runs was expected");
    }
  }

  bool has(const std::string& path) const { return files_.contains(path); }
  std::string name_of(const std::string& path) const { return (source_ / path).string(); }
  std::string bytes(const std::string& path, size_t most) const {
    const std::optional<std::string>& held = files_.at(path);
    return held ? *held : read_file(source_ / path, most);
  }

  // The folders that hold a list: "" or "all_runs/run01/".
  std::vector<std::string> folders_of_lists() const {
    std::vector<std::string> folders;
    for (const auto& [path, bytes] : files_) {
      const size_t name = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
      if (path.substr(name) == kList) folders.push_back(path.substr(0, name));
    }
    std::ranges::sort(folders, natural_less);
    return folders;
  }

 private:
  void list_folder() {
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(source_, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (it->is_regular_file(error)) {
        files_[it->path().lexically_relative(source_).generic_string()] = std::nullopt;
      }
    }
    if (error) {
      throw Error(ErrorKind::io, source_.string() + ": cannot be listed: " + error.message());
    }
  }

  void read_archive() {
    ZipReader reader(source_);
    size_t left = kMostEpisodeBytes;
    while (const ZipEntry* entry = reader.next()) {
      if (entry->is_folder) continue;
      if (!entry->flaw.empty()) {
        throw Error(ErrorKind::bad_data, name_of(entry->name) + ": " + entry->flaw);
      }
      const std::string path = entry->name;
      std::string bytes = reader.read(left);
      left -= bytes.size();
      files_[path] = std::move(bytes);
    }
  }

  fs::path source_;
  std::map<std::string, std::optional<std::string>> files_;
};

// Where the paths of a list count from: its folder, or the one around it.
std::string base_of(const Files& files, const std::string& folder, const Episode& episode) {
  const std::string& first = episode.tests.front();
  if (files.has(folder + first) || folder.empty()) return folder;
  const size_t slash = folder.rfind('/', folder.size() - 2);
  return slash == std::string::npos ? "" : folder.substr(0, slash + 1);
}

}  // namespace

EpisodeFiles load_episodes(const fs::path& source, ThreadPool& pool, const DecodeOptions& options) {
  const Files files(source);
  EpisodeFiles result;
  std::vector<std::pair<std::string, Image*>> wanted;
  std::vector<std::string> bases;
  for (const std::string& folder : files.folders_of_lists()) {
    const std::string list = folder + kList;
    for (Episode& episode :
         parse_episodes(files.bytes(list, kMostEpisodeListBytes), files.name_of(list))) {
      bases.push_back(base_of(files, folder, episode));
      result.episodes.push_back(std::move(episode));
    }
  }
  if (result.episodes.empty()) {
    throw Error(ErrorKind::bad_data,
                source.string() + ": there is no " + kList + " in it, which names a run's images");
  }
  for (size_t e = 0; e < result.episodes.size(); ++e) {
    const std::vector<std::string> paths = episode_images(result.episodes[e]);
    result.images.emplace_back(paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      const std::string path = bases[e] + paths[i];
      if (!files.has(path)) {
        throw Error(ErrorKind::bad_data, files.name_of(path) + ": is missing; the list of " +
                                             result.episodes[e].name + " names it");
      }
      wanted.emplace_back(path, &result.images[e][i]);
    }
  }
  std::vector<std::optional<Error>> errors(wanted.size());
  pool.parallel_for(wanted.size(), [&](size_t i, size_t) {
    const std::string& path = wanted[i].first;
    try {
      *wanted[i].second =
          decode_image(files.bytes(path, kMostImageBytes), files.name_of(path), options);
    } catch (const Error& error) {
      errors[i] = error;
    }
  });
  for (const std::optional<Error>& error : errors) {
    if (error) throw Error(*error);
  }
  return result;
}

}  // namespace doppel::internal
