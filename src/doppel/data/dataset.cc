// First the folder is listed, then every file decoded; load_dataset stops at the first problem of
// either step, inspect_dataset collects them.
#include "doppel/data/dataset.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "doppel/base/digest.h"
#include "doppel/base/error.h"
#include "doppel/base/natural_order.h"
#include "doppel/image/decode.h"
#include "doppel/image/resize.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "a folder with one sub-folder of images per identity was expected";

struct Problem {
  fs::path file;
  Error error;
};

struct IdentityFolder {
  std::string name;
  std::vector<std::string> files;  // natural order
};

// A data set's files before any of them is opened.
struct Listing {
  std::vector<IdentityFolder> identities;  // natural order, each with at least one file
  std::vector<Problem> problems;
  std::vector<std::string> notes;
  size_t files = 0;
};

std::string plural(size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

// "s1, s2, s3 and 4 more"
std::string enumerate(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 5;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

std::string size_text(std::pair<int, int> size) {
  return std::to_string(size.first) + " x " + std::to_string(size.second);
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini";
}

bool is_named_like_an_image(const fs::path& file) {
  std::string ending = file.extension().string();
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view kEndings[] = {".pgm", ".ppm", ".pnm", ".png", ".jpg", ".jpeg"};
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

// The names in a folder, without the hidden ones, in natural order. Throws Error(io).
std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!is_hidden(name)) names.push_back(std::move(name));
    if (names.size() > kMostDatasetImages) {
      throw Error(ErrorKind::io, folder.string() + ": more than the " +
                                     std::to_string(kMostDatasetImages) +
                                     " files that are accepted here");
    }
  }
  if (error) throw Error(ErrorKind::io, folder.string() + ": cannot be listed: " + error.message());
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

// Lists one identity's files, with a problem for each entry that cannot be an image.
IdentityFolder list_identity(const fs::path& folder, const std::string& name, Listing& listing) {
  IdentityFolder identity{name, {}};
  try {
    for (std::string& file : names_in(folder / name)) {
      const fs::path path = folder / name / file;
      std::error_code error;
      const fs::file_status status = fs::status(path, error);
      if (fs::is_directory(status)) {
        listing.problems.push_back(
            {path,
             Error(ErrorKind::bad_data,
                   path.string() +
                       ": a folder inside an identity's folder, where images alone were expected; "
                       "give the folder that directly holds the identities' folders")});
      } else if (error) {
        listing.problems.push_back(
            {path, Error(ErrorKind::io, path.string() + ": cannot be opened: " + error.message())});
      } else {
        identity.files.push_back(std::move(file));
      }
    }
  } catch (const Error& error) {
    listing.problems.push_back({folder / name, error});
  }
  return identity;
}

// Throws where the folder itself cannot be listed; all else becomes a problem.
Listing list_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    throw Error(ErrorKind::io, folder.string() + ": there is no such folder" +
                                   (status.type() == fs::file_type::not_found
                                        ? ""
                                        : " that can be reached (" + error.message() + ")") +
                                   "; " + kExpected);
  }
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::io, folder.string() + ": this is a file; " + kExpected);
  }

  Listing listing;
  size_t folders = 0, loose = 0, loose_images = 0;
  std::vector<std::string> empty;
  for (const std::string& name : names_in(folder)) {
    const fs::path path = folder / name;
    std::error_code reaching;
    if (!fs::is_directory(path, reaching)) {
      ++loose;
      loose_images += is_named_like_an_image(path);
      if (reaching) {
        listing.problems.push_back(
            {path,
             Error(ErrorKind::io, path.string() + ": cannot be read: " + reaching.message())});
      }
      continue;
    }
    ++folders;
    const size_t problems = listing.problems.size();
    IdentityFolder identity = list_identity(folder, name, listing);
    listing.files += identity.files.size();
    if (!identity.files.empty()) {
      listing.identities.push_back(std::move(identity));
    } else if (listing.problems.size() == problems) {
      empty.push_back(name);
    }
  }
  if (loose_images > 0) {
    listing.notes.push_back(plural(loose_images, "image") +
                            " beside the identities' folders: ignored");
  }
  if (!empty.empty()) {
    listing.notes.push_back("left out, having no images: " + enumerate(empty));
  }
  const auto whole = [&](const std::string& what) {
    listing.problems.push_back({folder, Error(ErrorKind::bad_data, folder.string() + ": " + what)});
  };
  if (folders == 0) {
    whole((loose == 0 ? "the folder is empty; "
                      : "the folder holds " + plural(loose, "file") + " but no sub-folder; ") +
          std::string(kExpected));
  } else if (listing.identities.size() < 2 && listing.problems.empty()) {
    whole("images of at least two identities are needed, those of " +
          (listing.identities.empty() ? "none" : "one (" + listing.identities[0].name + ")") +
          " were found; " + kExpected);
  }
  if (listing.files > kMostDatasetImages) {
    whole(plural(listing.files, "image") + ", more than the " + std::to_string(kMostDatasetImages) +
          " that are accepted here");
  }
  return listing;
}

using SizeCounts = std::map<std::pair<int, int>, size_t>;  // by width and height

std::vector<SizeCount> most_frequent_first(const SizeCounts& counts) {
  std::vector<SizeCount> sizes;
  for (const auto& [size, images] : counts) sizes.push_back({size.first, size.second, images});
  std::sort(sizes.begin(), sizes.end(), [](const SizeCount& a, const SizeCount& b) {
    const auto key = [](const SizeCount& s) {
      return std::tuple(s.images, int64_t{s.width} * s.height, s.width);
    };
    return key(a) > key(b);
  });
  return sizes;
}

void note_sizes(const std::vector<SizeCount>& sizes, size_t images,
                std::vector<std::string>& notes) {
  if (sizes.size() < 2) return;
  const size_t other = images - sizes.front().images;
  notes.push_back(std::to_string(other) + " of " + plural(images, "image") + " resized to " +
                  size_text({sizes.front().width, sizes.front().height}) +
                  " (width x height), the most frequent size");
}

void note_lone_images(const std::vector<std::string>& lone, std::vector<std::string>& notes) {
  if (lone.empty()) return;
  notes.push_back("one image only, so no genuine pairs: " + enumerate(lone));
}

void throw_first(const std::vector<Problem>& problems) {
  if (problems.empty()) return;
  const Error& first = problems.front().error;
  if (problems.size() == 1) throw first;
  throw Error(first.kind(), std::string(first.what()) + " (and " +
                                plural(problems.size() - 1, "more problem") + ")");
}

// Names and numbers go into the digest behind their length, so that no two contents look alike.
void add_number(Sha256& digest, uint64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 255);
  digest.add({bytes, 8});
}

void add_text(Sha256& digest, const std::string& text) {
  add_number(digest, text.size());
  digest.add(text);
}

}  // namespace

Dataset load_dataset(const fs::path& folder, ThreadPool& pool, size_t most_pixels) {
  Listing listing = list_folder(folder);
  throw_first(listing.problems);

  Dataset dataset;
  dataset.source = folder.string();
  dataset.notes = std::move(listing.notes);
  for (const IdentityFolder& identity : listing.identities) {
    for (const std::string& file : identity.files) {
      dataset.image_names.push_back(identity.name + "/" + file);
      dataset.identity_of.push_back(static_cast<uint32_t>(dataset.identities.size()));
    }
    dataset.identities.push_back(
        {identity.name, dataset.image_names.size() - identity.files.size(), identity.files.size()});
  }

  dataset.images.resize(listing.files);
  std::vector<std::optional<Error>> failures(listing.files);
  std::atomic<size_t> pixels{0};
  pool.parallel_for(listing.files, [&](size_t i, size_t) {
    if (pixels.load(std::memory_order_relaxed) > most_pixels) return;
    try {
      dataset.images[i] = load_image(folder / dataset.image_names[i]);
      pixels += dataset.images[i].pixels.size();
    } catch (const Error& error) {
      failures[i] = error;
    }
  });
  const auto too_large = [&] {
    return Error(ErrorKind::bad_data,
                 folder.string() + ": more than the " + std::to_string(most_pixels) +
                     " pixels that are accepted here; use fewer or smaller images");
  };
  if (pixels > most_pixels) throw too_large();
  std::vector<Problem> problems;
  for (size_t i = 0; i < failures.size(); ++i) {
    if (failures[i]) problems.push_back({folder / dataset.image_names[i], *failures[i]});
  }
  throw_first(problems);

  SizeCounts counts;
  for (const Image& image : dataset.images) ++counts[{image.width, image.height}];
  const std::vector<SizeCount> sizes = most_frequent_first(counts);
  const int width = sizes.front().width, height = sizes.front().height;
  const size_t area = static_cast<size_t>(width) * static_cast<size_t>(height);
  if (sizes.size() > 1 && listing.files > most_pixels / area) throw too_large();
  pool.parallel_for(listing.files, [&](size_t i, size_t) {
    Image& image = dataset.images[i];
    if (image.width != width || image.height != height) image = resize(image, width, height);
  });
  note_sizes(sizes, listing.files, dataset.notes);
  seal(dataset);
  return dataset;
}

Dataset select_identities(const Dataset& dataset, std::span<const size_t> identities) {
  Dataset selected;
  selected.source = dataset.source;
  std::vector<bool> taken(dataset.identities.size(), false);
  for (const size_t index : identities) {
    if (index >= dataset.identities.size() || taken[index]) {
      throw Error(ErrorKind::bad_argument,
                  "identities: distinct numbers below " +
                      std::to_string(dataset.identities.size()) + " were expected, " +
                      std::to_string(index) + " is " +
                      (index >= dataset.identities.size() ? "out of range" : "there twice"));
    }
    taken[index] = true;
    const Identity& identity = dataset.identities[index];
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      selected.images.push_back(dataset.images[i]);
      selected.image_names.push_back(dataset.image_names[i]);
      selected.identity_of.push_back(static_cast<uint32_t>(selected.identities.size()));
    }
    selected.identities.push_back(
        {identity.name, selected.images.size() - identity.count, identity.count});
  }
  seal(selected);
  return selected;
}

void seal(Dataset& dataset) {
  std::vector<std::string> lone;
  for (const Identity& identity : dataset.identities) {
    if (identity.count == 1) lone.push_back(identity.name);
  }
  note_lone_images(lone, dataset.notes);

  static_assert(std::endian::native == std::endian::little,
                "the digest is over little-endian floats");
  Sha256 digest;
  for (const Identity& identity : dataset.identities) {
    add_text(digest, identity.name);
    add_number(digest, identity.count);
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      const Image& image = dataset.images[i];
      add_text(digest, dataset.image_names[i]);
      add_number(digest, static_cast<uint64_t>(image.width));
      add_number(digest, static_cast<uint64_t>(image.height));
      digest.add({reinterpret_cast<const char*>(image.pixels.data()),
                  image.pixels.size() * sizeof(float)});
    }
  }
  dataset.digest = digest.hex();
}

DatasetReport inspect_dataset(const fs::path& folder) {
  Listing listing = list_folder(folder);
  DatasetReport report;
  report.source = folder.string();
  report.notes = std::move(listing.notes);
  report.identities = listing.identities.size();
  SizeCounts counts;
  std::vector<size_t> per_identity;
  std::vector<std::string> lone;
  for (const IdentityFolder& identity : listing.identities) {
    size_t images = 0;
    for (const std::string& file : identity.files) {
      const fs::path path = folder / identity.name / file;
      try {
        const Image image = load_image(path);
        ++counts[{image.width, image.height}];
        ++images;
      } catch (const Error& error) {
        listing.problems.push_back({path, error});
      }
    }
    if (images == 1) lone.push_back(identity.name);
    report.images += images;
    per_identity.push_back(images);
  }
  if (!per_identity.empty()) {
    std::sort(per_identity.begin(), per_identity.end());
    const size_t n = per_identity.size();
    report.least = per_identity.front();
    report.most = per_identity.back();
    report.median = static_cast<double>(per_identity[(n - 1) / 2] + per_identity[n / 2]) / 2;
  }
  report.sizes = most_frequent_first(counts);
  note_sizes(report.sizes, report.images, report.notes);
  note_lone_images(lone, report.notes);
  for (const Problem& problem : listing.problems) {
    report.problems.push_back({problem.file, problem.error.what()});
  }
  return report;
}

}  // namespace doppel
