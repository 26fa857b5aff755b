// A folder is walked, an archive's table of contents read, to one flat list of files; arrange()
// makes identities of it.
#include "doppel/data/listing.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "doppel/base/file.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/words.h"
#include "doppel/data/zip_reader.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "a folder, or a zip archive, with one sub-folder of images per identity was expected";
constexpr size_t kDeepest = 16;  // folders within folders
constexpr size_t kMostEntries = 2 * kMostDatasetImages;
constexpr size_t kMostFlaws = 1000;  // of an archive; its entries could all have one

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini" ||
         name == "__MACOSX";
}

// The folder that holds `path`, "" for the source itself; and the last part of its name.
std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}
std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

// What lies in a source, hidden things left out; paths are within it.
struct Found {
  std::vector<std::string> files, folders;
  std::vector<SourceProblem> problems;
  std::set<std::string> troubled;  // where the problems are
};

class FolderWalk {
 public:
  FolderWalk(const fs::path& source, Found& found) : source_(source), found_(found) {}

  // Throws where `path` itself cannot be listed.
  void walk(const std::string& path) {
    const fs::path folder = path.empty() ? source_ : source_ / path;
    for (const std::string& name : names_in(folder)) {
      const std::string inside = joined(path, name);
      const fs::path entry = source_ / inside;
      std::error_code error;
      const fs::file_status status = fs::status(entry, error);
      if (error) {
        report(inside, ErrorKind::io, "cannot be read: " + error.message());
      } else if (!fs::is_directory(status)) {
        found_.files.push_back(inside);
      } else if (leads_back(entry)) {
        report(inside, ErrorKind::bad_data, "a link back to a folder that it lies in");
      } else if (above_.size() + 1 >= kDeepest) {
        report(inside, ErrorKind::bad_data,
               "folders lie in folders more than " + std::to_string(kDeepest) + " deep");
      } else {
        found_.folders.push_back(inside);
        above_.push_back(folder);
        try {
          walk(inside);
        } catch (const Error& problem) {
          if (entries_ > kMostEntries) throw;
          found_.problems.push_back({entry, problem});
          found_.troubled.insert(inside);
        }
        above_.pop_back();
      }
    }
  }

 private:
  // In natural order. Throws Error(io).
  std::vector<std::string> names_in(const fs::path& folder) {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      if (++entries_ > kMostEntries) {
        throw Error(ErrorKind::io, source_.string() + ": more than the " +
                                       std::to_string(kMostEntries) +
                                       " files and folders that are accepted here");
      }
      std::string name = entry->path().filename().string();
      if (!is_hidden(name)) names.push_back(std::move(name));
    }
    if (error) {
      throw Error(ErrorKind::io, folder.string() + ": cannot be listed: " + error.message());
    }
    std::sort(names.begin(), names.end(), natural_less);
    return names;
  }

  bool leads_back(const fs::path& folder) const {
    std::error_code ignored;
    if (!fs::is_symlink(fs::symlink_status(folder, ignored))) return false;
    const auto same = [&](const fs::path& other) { return fs::equivalent(folder, other, ignored); };
    return std::any_of(above_.begin(), above_.end(), same) || same(folder.parent_path());
  }

  void report(const std::string& path, ErrorKind kind, const std::string& what) {
    const fs::path entry = source_ / path;
    found_.problems.push_back({entry, Error(kind, entry.string() + ": " + what)});
    found_.troubled.insert(path);
  }

  const fs::path& source_;
  Found& found_;
  std::vector<fs::path> above_;  // the folders around the one being walked
  size_t entries_ = 0;
};

bool has_hidden_part(std::string_view path) {
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (is_hidden(path.substr(start, end - start))) return true;
    start = end + 1;
  }
  return false;
}

// Throws Error(bad_data) for a damaged archive.
Found list_archive(const fs::path& source) {
  Found found;
  ZipReader reader(source);
  std::unordered_set<std::string> names;
  size_t entries = 0;
  while (const ZipEntry* entry = reader.next()) {
    if (++entries > kMostEntries || found.problems.size() > kMostFlaws) {
      throw Error(ErrorKind::bad_data,
                  source.string() + ": more than the " +
                      (entries > kMostEntries
                           ? std::to_string(kMostEntries) + " files and folders"
                           : std::to_string(kMostFlaws) + " entries that cannot be used") +
                      " that are accepted here");
    }
    const auto depth = std::count(entry->name.begin(), entry->name.end(), '/');
    const bool is_too_deep = static_cast<size_t>(depth) > kDeepest;
    const auto report = [&](const std::string& what) {
      const fs::path path = source / entry->name;
      found.problems.push_back({path, Error(ErrorKind::bad_data, path.string() + ": " + what)});
      if (!is_too_deep) found.troubled.insert(entry->name);
    };
    const bool leads_up = entry->name.find("..") != std::string::npos;  // ".." is nothing hidden
    const bool is_ignored = has_hidden_part(entry->name) && !leads_up;
    if (!entry->flaw.empty() && !is_ignored) {
      report(entry->flaw);
    } else if (is_too_deep) {
      report("lies in more than " + std::to_string(kDeepest) + " folders");
    } else if (has_hidden_part(entry->name)) {
      continue;
    } else if (entry->is_folder) {
      found.folders.push_back(entry->name);
    } else if (names.insert(entry->name).second) {
      found.files.push_back(entry->name);
    } else {
      report("there twice");
    }
  }
  const auto by_name = [](const SourceProblem& a, const SourceProblem& b) {
    return natural_less(a.file.string(), b.file.string());
  };
  std::stable_sort(found.problems.begin(), found.problems.end(), by_name);
  return found;
}

using NaturalLess = decltype(&natural_less);

// The found folders with what they hold, by their paths; "" is the source.
struct Folder {
  std::vector<std::string> files;                            // last parts of names
  std::set<std::string, NaturalLess> folders{natural_less};  // paths of those with content
};

class Arrangement {
 public:
  Arrangement(const fs::path& source, const std::string& kind, Found found)
      : source_(source), kind_(kind), found_(std::move(found)) {}

  Listing arrange() {
    listing_.problems = std::move(found_.problems);
    for (const std::string& file : found_.files) {
      put(folder_of(file)).files.emplace_back(last_part(file));
    }
    for (const std::string& path : found_.troubled) put(folder_of(path));
    const std::string top = common_top();
    listing_.top = top.empty() ? "" : top + "/";
    sort_out(top);
    check_depths();
    note_empty_folders();
    check_whole();
    return std::move(listing_);
  }

 private:
  // The folder at `path`, made known to all around it.
  Folder& put(std::string_view path) {
    const auto [place, is_new] = folders_.try_emplace(std::string(path));
    if (is_new && !path.empty()) put(folder_of(path)).folders.insert(std::string(path));
    return place->second;
  }

  // The innermost folder that all identities' folders lie in.
  std::string common_top() {
    std::string top;
    while (true) {
      const Folder& folder = put(top);
      if (folder.folders.size() != 1 || put(*folder.folders.begin()).folders.empty()) return top;
      top = *folder.folders.begin();
    }
  }

  void sort_out(const std::string& top) {
    size_t loose_images = 0;
    for (auto& [path, folder] : folders_) {
      std::sort(folder.files.begin(), folder.files.end(), natural_less);
      const bool is_around = path.size() <= top.size();  // all others lie inside the top
      if (!is_around && folder.folders.empty()) {
        if (folder.files.empty()) continue;
        listing_.files += folder.files.size();
        listing_.identities.push_back({path.substr(listing_.top.size()), std::move(folder.files)});
        continue;
      }
      const auto images = static_cast<size_t>(
          std::count_if(folder.files.begin(), folder.files.end(), is_image_name));
      if (is_around) {
        loose_images += images;
      } else if (images > 0) {
        problem(*folder.folders.begin(),
                "a folder inside an identity's folder, where images alone were expected");
      }
    }
    if (loose_images > 0) {
      listing_.notes.push_back(plural(loose_images, "image") +
                               " beside the identities' folders: ignored");
    }
  }

  void check_depths() {
    if (!listing_.problems.empty()) return;
    std::map<std::ptrdiff_t, size_t> counts;
    const auto depth = [](const IdentityFiles& identity) {
      return std::count(identity.name.begin(), identity.name.end(), '/') + 1;
    };
    for (const IdentityFiles& identity : listing_.identities) ++counts[depth(identity)];
    if (counts.size() < 2) return;
    const auto usual =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const IdentityFiles& identity : listing_.identities) {
      if (depth(identity) == usual->first) continue;
      problem(listing_.top + identity.name,
              "images at depth " + std::to_string(depth(identity)) + ", where those of " +
                  std::to_string(usual->second) + " of " +
                  plural(listing_.identities.size(), "folder") + " of images lie at depth " +
                  std::to_string(usual->first) + "; one depth for all was expected");
      return;
    }
  }

  void note_empty_folders() {
    std::vector<std::string> empty;
    for (const std::string& path : found_.folders) {
      const std::string_view parent = folder_of(path);
      const bool is_outermost = parent.empty() || folders_.contains(std::string(parent));
      if (is_outermost && !found_.troubled.contains(path) && !folders_.contains(path)) {
        empty.push_back(path);
      }
    }
    std::sort(empty.begin(), empty.end(), natural_less);
    empty.erase(std::unique(empty.begin(), empty.end()), empty.end());
    if (!empty.empty()) {
      listing_.notes.push_back("left out, having no images: " + enumerated(empty));
    }
  }

  void check_whole() {
    const size_t identities = listing_.identities.size();
    if (folders_[""].folders.empty() && found_.folders.empty() && listing_.problems.empty()) {
      const size_t loose = folders_[""].files.size();
      problem("", (loose == 0 ? "the " + kind_ + " is empty; "
                              : "the " + kind_ + " holds " + plural(loose, "file") +
                                    " but no sub-folder; ") +
                      kExpected);
    } else if (identities < 2 && listing_.problems.empty()) {
      problem("", "images of at least two identities are needed, those of " +
                      (identities == 0 ? "none" : "one (" + listing_.identities[0].name + ")") +
                      " were found; " + kExpected);
    }
    if (listing_.files > kMostDatasetImages) {
      problem("", plural(listing_.files, "image") + ", more than the " +
                      std::to_string(kMostDatasetImages) + " that are accepted here");
    }
  }

  void problem(const std::string& path, const std::string& what) {
    const fs::path file = path.empty() ? source_ : source_ / path;
    listing_.problems.push_back({file, Error(ErrorKind::bad_data, file.string() + ": " + what)});
  }

  const fs::path& source_;
  const std::string kind_;
  Found found_;
  std::map<std::string, Folder, NaturalLess> folders_{natural_less};
  Listing listing_;
};

Error no_longer_there(const fs::path& file) {
  return {ErrorKind::io, file.string() + ": is no longer there"};
}

// See read_each().
void read_archive(const fs::path& source, const std::vector<std::string>& paths, ThreadPool& pool,
                  const std::function<void(size_t, std::string_view)>& use,
                  std::vector<std::optional<Error>>& failures) {
  constexpr size_t kBlockBytes = size_t{32} << 20, kBlockFiles = 4096;
  std::unordered_map<std::string_view, size_t> unread;
  for (size_t i = 0; i < paths.size(); ++i) unread.emplace(paths[i], i);
  std::vector<std::pair<size_t, std::string>> block;
  size_t in_block = 0, in_all = 0;
  const auto use_block = [&] {
    pool.parallel_for(block.size(), [&](size_t i, size_t) {
      try {
        use(block[i].first, block[i].second);
      } catch (const Error& error) {
        failures[block[i].first] = error;
      }
    });
    block.clear();
    in_block = 0;
  };
  std::optional<Error> end;  // why the archive was not read to its end
  bool is_damaged = false;
  try {
    ZipReader reader(source);
    while (const ZipEntry* entry = unread.empty() ? nullptr : reader.next()) {
      const auto wanted = unread.find(entry->name);
      if (wanted == unread.end()) continue;
      const size_t i = wanted->second;
      unread.erase(wanted);
      try {
        block.emplace_back(i, reader.read(kMostImageBytes));
      } catch (const Error& error) {
        failures[i] = error;
        is_damaged = true;
        continue;
      }
      in_block += block.back().second.size();
      in_all += block.back().second.size();
      if (in_all > kMostUnpackedBytes) {
        throw Error(ErrorKind::bad_data, source.string() + ": unpacks to more than the " +
                                             std::to_string(kMostUnpackedBytes) +
                                             " bytes that are accepted here");
      }
      if (in_block >= kBlockBytes || block.size() >= kBlockFiles) use_block();
    }
  } catch (const Error& error) {
    end = error;
  }
  use_block();
  // Damage within a file may hide all behind it: that has been told then.
  if (unread.empty() || (is_damaged && end)) return;
  const auto first =
      std::min_element(unread.begin(), unread.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  failures[first->second] = end ? *end : no_longer_there(source / paths[first->second]);
}

}  // namespace

bool is_image_name(std::string_view file) {
  std::string ending(file.substr(std::min(file.rfind('.'), file.size())));
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view kEndings[] = {".pgm", ".ppm",  ".pnm", ".png",
                                           ".jpg", ".jpeg", ".webp"};
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

std::vector<std::string> Listing::paths() const {
  std::vector<std::string> all;
  all.reserve(files);
  for (const IdentityFiles& identity : identities) {
    for (const std::string& file : identity.files) {
      all.push_back(top + identity.name + "/" + file);
    }
  }
  return all;
}

Listing list_source(const fs::path& source) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (!fs::exists(status)) {
    throw Error(ErrorKind::io, source.string() + ": there is no such folder or archive" +
                                   (status.type() == fs::file_type::not_found
                                        ? ""
                                        : " that can be reached (" + error.message() + ")") +
                                   "; " + kExpected);
  }
  if (fs::is_directory(status)) {
    Found found;
    FolderWalk(source, found).walk("");
    return Arrangement(source, "folder", std::move(found)).arrange();
  }
  if (!fs::is_regular_file(status) || !is_zip(source)) {
    throw Error(ErrorKind::io,
                source.string() + ": this is a file, but no zip archive; " + kExpected);
  }
  return Arrangement(source, "archive", list_archive(source)).arrange();
}

std::vector<std::optional<Error>> read_each(
    const fs::path& source, const std::vector<std::string>& paths, ThreadPool& pool,
    const std::function<void(size_t index, std::string_view bytes)>& use) {
  std::vector<std::optional<Error>> failures(paths.size());
  std::error_code ignored;
  if (!fs::is_directory(source, ignored)) {
    read_archive(source, paths, pool, use, failures);
    return failures;
  }
  pool.parallel_for(paths.size(), [&](size_t i, size_t) {
    try {
      use(i, read_file(source / paths[i], kMostImageBytes));
    } catch (const Error& error) {
      failures[i] = error;
    }
  });
  return failures;
}

}  // namespace doppel::internal
