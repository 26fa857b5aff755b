// First the source is listed, then every file decoded; load_dataset stops at the first problem of
// either step, inspect_dataset collects them.
#include "doppel/data/dataset.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "doppel/base/digest.h"
#include "doppel/base/words.h"
#include "doppel/data/listing.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/content.h"
#include "doppel/image/decode.h"
#include "doppel/image/image_digest.h"
#include "doppel/image/resize.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

std::string size_text(ImageSize size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height);
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
                const std::optional<ImageSize>& wanted, std::vector<std::string>& notes) {
  if (sizes.size() < 2) return;
  if (wanted) {
    notes.push_back("images of " + std::to_string(sizes.size()) + " sizes, all resized to " +
                    size_text(*wanted) + " (width x height)");
    return;
  }
  const size_t other = images - sizes.front().images;
  notes.push_back(std::to_string(other) + " of " + plural(images, "image") + " resized to " +
                  size_text({sizes.front().width, sizes.front().height}) +
                  " (width x height), the most frequent size");
}

void note_lone_images(const std::vector<std::string>& lone, std::vector<std::string>& notes) {
  if (!lone.empty()) {
    notes.push_back("one image only, so no genuine pairs: " + enumerated(lone));
  }
}

void add_note(const ImagePreparation& preparation, std::vector<std::string>& notes) {
  if (!preparation.note) return;
  if (const std::optional<std::string> note = preparation.note()) notes.push_back(*note);
}

void throw_first(const std::vector<SourceProblem>& problems) {
  if (problems.empty()) return;
  const Error& first = problems.front().error;
  if (problems.size() == 1) throw first;
  throw Error(first.kind(), std::string(first.what()) + " (and " +
                                plural(problems.size() - 1, "more problem") + ")");
}

// A name goes into the digest behind its length, so that no two contents look alike.
void add_text(Sha256& digest, const std::string& text) {
  digest.add_number(text.size());
  digest.add(text);
}

// Takes the images out that `blank` says, and identities that have no others. Throws
// Error(bad_data) where fewer than two are left.
void leave_out(const std::vector<char>& blank, Dataset& dataset) {
  std::vector<std::string> images, identities;
  Dataset kept;
  for (const Identity& identity : dataset.identities) {
    const size_t first = kept.images.size();
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      if (blank[i]) {
        images.push_back(dataset.image_names[i]);
        continue;
      }
      kept.images.push_back(std::move(dataset.images[i]));
      kept.image_names.push_back(std::move(dataset.image_names[i]));
      kept.image_digests.push_back(std::move(dataset.image_digests[i]));
      kept.image_hashes.push_back(std::move(dataset.image_hashes[i]));
      kept.synthetic.push_back(dataset.synthetic[i]);
      kept.identity_of.push_back(static_cast<uint32_t>(kept.identities.size()));
    }
    if (kept.images.size() == first) {
      identities.push_back(identity.name);
    } else {
      kept.identities.push_back({identity.name, first, kept.images.size() - first});
    }
  }
  const std::string what = "left out " + plural(images.size(), "image") +
                           " of one grey, a gradient or noise: " + enumerated(images);
  if (kept.identities.size() < 2) {
    throw Error(ErrorKind::bad_data,
                dataset.source + ": images of at least two identities are needed; " + what);
  }
  kept.source = std::move(dataset.source);
  kept.notes = std::move(dataset.notes);
  kept.notes.push_back(what);
  if (!identities.empty()) {
    kept.notes.push_back("left out, having no other images: " + enumerated(identities));
  }
  dataset = std::move(kept);
}

}  // namespace

Dataset load_dataset(const fs::path& source, ThreadPool& pool, const LoadOptions& options) {
  if (options.size) {
    check_size(ErrorKind::bad_argument, options.size->width, options.size->height,
               "the size to load images at");
  }
  Listing listing = list_source(source);
  throw_first(listing.problems);

  Dataset dataset;
  dataset.source = source.string();
  dataset.notes = std::move(listing.notes);
  for (const IdentityFiles& identity : listing.identities) {
    for (const std::string& file : identity.files) {
      dataset.image_names.push_back(identity.name + "/" + file);
      dataset.identity_of.push_back(static_cast<uint32_t>(dataset.identities.size()));
    }
    dataset.identities.push_back(
        {identity.name, dataset.image_names.size() - identity.files.size(), identity.files.size()});
  }

  const std::vector<std::string> paths = listing.paths();
  dataset.images.resize(listing.files);
  dataset.image_digests.resize(listing.files);
  dataset.image_hashes.resize(listing.files);
  dataset.synthetic.resize(listing.files);
  std::vector<ImageSize> decoded(listing.files);
  std::vector<char> waits(listing.files, false);  // for the second part of the preparation
  std::vector<char> blank(listing.files, false);
  std::atomic<size_t> pixels{0};
  const size_t samples = options.color ? 4 : 1;  // grey, and three of colour
  const auto failures = read_each(source, paths, pool, [&](size_t i, std::string_view bytes) {
    if (pixels.load(std::memory_order_relaxed) > options.most_pixels) return;
    Image image = decode_image(bytes, (source / paths[i]).string(), {.color = options.color});
    if (options.leave_out_blank && is_blank(image)) {
      blank[i] = true;
      return;
    }
    dataset.synthetic[i] = is_synthetic_file(bytes);
    dataset.image_digests[i] = image_digest(image);
    dataset.image_hashes[i] = perceptual_hashes(image, options.framings);
    if (options.preparation.first) {
      std::optional<Image> prepared =
          options.preparation.first(image, (source / paths[i]).string());
      waits[i] = !prepared;
      if (prepared) image = std::move(*prepared);
    }
    decoded[i] = {image.width, image.height};
    if (options.size && !waits[i]) image = resize(image, options.size->width, options.size->height);
    pixels += samples * image.pixels.size();
    dataset.images[i] = std::move(image);
  });
  const auto too_large = [&] {
    return Error(ErrorKind::bad_data,
                 source.string() + ": more than the " + std::to_string(options.most_pixels) +
                     " pixels that are accepted here; use fewer or smaller images");
  };
  if (pixels > options.most_pixels) throw too_large();
  std::vector<SourceProblem> problems;
  for (size_t i = 0; i < failures.size(); ++i) {
    if (failures[i]) problems.push_back({source / paths[i], *failures[i]});
  }
  throw_first(problems);
  pool.parallel_for(listing.files, [&](size_t i, size_t) {
    if (!waits[i]) return;
    Image& image = dataset.images[i];
    image = options.preparation.rest(image, (source / paths[i]).string());
    decoded[i] = {image.width, image.height};
  });

  if (std::ranges::find(blank, true) != blank.end()) leave_out(blank, dataset);
  const size_t images = dataset.images.size();

  SizeCounts counts;
  for (size_t i = 0; i < decoded.size(); ++i) {
    if (!blank[i]) ++counts[{decoded[i].width, decoded[i].height}];
  }
  const std::vector<SizeCount> sizes = most_frequent_first(counts);
  const ImageSize one = options.size.value_or(ImageSize{sizes.front().width, sizes.front().height});
  const size_t area = static_cast<size_t>(one.width) * static_cast<size_t>(one.height);
  if (images > options.most_pixels / (samples * area)) throw too_large();
  pool.parallel_for(images, [&](size_t i, size_t) {
    Image& image = dataset.images[i];
    if (image.width != one.width || image.height != one.height) {
      image = resize(image, one.width, one.height);
    }
  });
  note_sizes(sizes, images, options.size, dataset.notes);
  add_note(options.preparation, dataset.notes);
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
      if (!dataset.image_digests.empty()) {
        selected.image_digests.push_back(dataset.image_digests[i]);
      }
      if (!dataset.image_hashes.empty()) selected.image_hashes.push_back(dataset.image_hashes[i]);
      if (!dataset.synthetic.empty()) selected.synthetic.push_back(dataset.synthetic[i]);
      selected.image_names.push_back(dataset.image_names[i]);
      selected.identity_of.push_back(static_cast<uint32_t>(selected.identities.size()));
    }
    selected.identities.push_back(
        {identity.name, selected.images.size() - identity.count, identity.count});
  }
  seal(selected);
  return selected;
}

Dataset select_identities(const Dataset& dataset, std::span<const std::string> names) {
  std::unordered_map<std::string_view, size_t> index;
  for (size_t i = 0; i < dataset.identities.size(); ++i) index[dataset.identities[i].name] = i;
  std::vector<size_t> identities;
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    const auto found = index.find(name);
    if (found == index.end()) {
      missing.push_back(name);
    } else {
      identities.push_back(found->second);
    }
  }
  if (!missing.empty()) {
    throw Error(ErrorKind::mismatch, dataset.source + ": of " + plural(names.size(), "name") +
                                         " asked for, " + std::to_string(missing.size()) +
                                         " are no identity's here: " + enumerated(missing));
  }
  return select_identities(dataset, identities);
}

void prepare_images(Dataset& dataset, const ImagePreparation& preparation, ThreadPool& pool) {
  if (!preparation.first) return;
  std::vector<char> waits(dataset.images.size(), false);
  pool.parallel_for(dataset.images.size(), [&](size_t i, size_t) {
    std::optional<Image> prepared = preparation.first(dataset.images[i], dataset.image_names[i]);
    waits[i] = !prepared;
    if (prepared) dataset.images[i] = std::move(*prepared);
  });
  pool.parallel_for(dataset.images.size(), [&](size_t i, size_t) {
    if (waits[i]) dataset.images[i] = preparation.rest(dataset.images[i], dataset.image_names[i]);
  });
  add_note(preparation, dataset.notes);
}

void seal(Dataset& dataset) {
  if (dataset.image_digests.empty()) {
    for (const Image& image : dataset.images) dataset.image_digests.push_back(image_digest(image));
  }
  if (dataset.image_hashes.empty()) {
    for (const Image& image : dataset.images) {
      dataset.image_hashes.push_back(perceptual_hashes(image, /*framings=*/false));
    }
  }
  std::vector<std::string> lone;
  for (const Identity& identity : dataset.identities) {
    if (identity.count == 1) lone.push_back(identity.name);
  }
  note_lone_images(lone, dataset.notes);

  Sha256 digest;
  for (const Identity& identity : dataset.identities) {
    add_text(digest, identity.name);
    digest.add_number(identity.count);
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      add_text(digest, dataset.image_names[i]);
      add_text(digest, dataset.image_digests[i]);
    }
  }
  dataset.digest = digest.hex();
}

DatasetReport inspect_dataset(const fs::path& source, ThreadPool& pool) {
  Listing listing = list_source(source);
  DatasetReport report;
  report.source = source.string();
  report.notes = std::move(listing.notes);
  report.identities = listing.identities.size();
  const std::vector<std::string> paths = listing.paths();
  std::vector<ImageSize> decoded(paths.size());  // 0 x 0 where it could not be
  const auto failures = read_each(source, paths, pool, [&](size_t i, std::string_view bytes) {
    const Image image = decode_image(bytes, (source / paths[i]).string());
    decoded[i] = {image.width, image.height};
  });
  SizeCounts counts;
  std::vector<size_t> per_identity;
  std::vector<std::string> lone;
  size_t i = 0;
  for (const IdentityFiles& identity : listing.identities) {
    size_t images = 0;
    for (const size_t end = i + identity.files.size(); i < end; ++i) {
      if (failures[i]) listing.problems.push_back({source / paths[i], *failures[i]});
      if (decoded[i].width == 0) continue;
      ++counts[{decoded[i].width, decoded[i].height}];
      ++images;
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
  note_sizes(report.sizes, report.images, std::nullopt, report.notes);
  note_lone_images(lone, report.notes);
  for (const SourceProblem& problem : listing.problems) {
    report.problems.push_back({problem.file, problem.error.what()});
  }
  return report;
}

}  // namespace doppel::internal
