// doppel cluster: who is who in photos that nobody labelled; a folder for each person it finds.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/gallery/clusters.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/image/sheet.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"
#include "exit_code.h"
#include "measures.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

namespace fs = std::filesystem;

// A sheet is for looking at: of more there is no end.
constexpr size_t kSheetRows = 40, kSheetColumns = 10;

struct ClusterOptions {
  std::string model, folder, out;
  std::optional<double> threshold;
  uint64_t seed = 0;
  int threads = 0;
  bool compare = false, as_json = false;
};

// A folder that is made beside its place and takes it when it is whole; what is not, goes away.
class NewFolder {
 public:
  explicit NewFolder(fs::path place) : place_(std::move(place)) {
    if (!place_.has_filename()) place_ = place_.parent_path();  // "out/"
    std::error_code error;
    const fs::file_status status = fs::status(place_, error);
    if (fs::exists(status) && (!fs::is_directory(status) || !fs::is_empty(place_, error))) {
      throw Error(ErrorKind::bad_argument,
                  "--out " + place_.string() + ": a new or an empty folder was expected");
    }
    const fs::path parent = place_.has_parent_path() ? place_.parent_path() : fs::path(".");
    fs::create_directories(parent, error);
    std::string name = place_.string() + ".XXXXXX";
    if (error || ::mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorKind::io,
                  "--out " + place_.string() + ": cannot be made in " + parent.string());
    }
    path_ = name;
    fs::permissions(path_,
                    fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                        fs::perms::others_read | fs::perms::others_exec,
                    error);
  }
  ~NewFolder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const fs::path& path() const { return path_; }
  void keep() {
    std::error_code error;
    fs::rename(path_, place_, error);
    if (error) {
      throw Error(ErrorKind::io,
                  "--out " + place_.string() + ": cannot take its place: " + error.message());
    }
    path_.clear();
  }

 private:
  fs::path place_, path_;
};

// "cluster-01", as many digits as the last one has; nothing for a lone image.
std::vector<std::string> cluster_names(const Clusters& clusters) {
  size_t groups = 0;
  for (const size_t size : clusters.sizes) groups += size > 1 ? 1 : 0;
  const size_t digits = std::max<size_t>(2, std::to_string(groups).size());
  std::vector<std::string> names;
  for (size_t i = 0; i < clusters.sizes.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    names.push_back(i < groups
                        ? "cluster-" + std::string(digits - std::min(digits, number.size()), '0') +
                              number
                        : "unclustered");
  }
  return names;
}

// The files' names without the folders that lead to `folder`, "s1/3.pgm"; and one name for each
// that no other has: "s1_3.pgm".
std::vector<std::string> names_within(const std::string& folder,
                                      const std::vector<fs::path>& files) {
  std::vector<std::string> names;
  for (const fs::path& file : files)
    names.push_back(file.lexically_relative(folder).generic_string());
  return names;
}
std::vector<std::string> flat_names(std::vector<std::string> names) {
  std::set<std::string> taken;
  for (std::string& name : names) {
    std::ranges::replace(name, '/', '_');
    while (!taken.insert(name).second) name.insert(0, "_");
  }
  return names;
}

// The sub-folder that each photo lies in, as numbers.
std::vector<uint32_t> folders_of(const std::string& folder, const std::vector<std::string>& names) {
  std::vector<std::string> seen;
  std::vector<uint32_t> result;
  for (const std::string& name : names) {
    const std::string parent = fs::path(name).parent_path().string();
    if (parent.empty()) {
      throw Error(ErrorKind::bad_argument,
                  "--compare: a sub-folder for each person was expected in " + folder + ", but " +
                      name + " lies in none");
    }
    auto found = std::ranges::find(seen, parent);
    if (found == seen.end()) found = seen.insert(seen.end(), parent);
    result.push_back(static_cast<uint32_t>(found - seen.begin()));
  }
  return result;
}

// The photos that can be compared, and how far apart they are.
struct Compared {
  std::vector<fs::path> files;
  Distances distances;
  std::vector<std::string> left_out;  // a sentence for each other one
};

Compared compare(const Model& model, const std::vector<fs::path>& files, ThreadPool& pool,
                 Progress& progress) {
  const PhotoEmbedder embedder(model);
  std::vector<PhotoSource> sources;
  for (const fs::path& file : files) sources.push_back(PhotoSource::of_file(file.string()));
  const std::vector<EmbeddedPhoto> photos =
      embedder.embed(sources, {.choice = FaceChoice::largest}, pool, [&](size_t done) {
        check_stop();
        progress.show("Embedding", done, files.size(), "",
                      static_cast<double>(done) / static_cast<double>(files.size()));
      });
  Compared result;
  Matrix embeddings(0, embedder.embedder().size());
  for (size_t i = 0; i < files.size(); ++i) {
    if (const std::optional<Error>& problem = photos[i].problem) {
      // What shows nobody can be left out; what cannot be read is a mistake.
      const bool nobody =
          problem->kind() == ErrorKind::no_face || problem->kind() == ErrorKind::numeric;
      if (!nobody) throw Error(*problem);
      result.left_out.emplace_back(problem->what());
      continue;
    }
    result.files.push_back(files[i]);
    embeddings.append(photos[i].faces.front().embedding);
  }
  result.distances = all_distances(embeddings, pool, model.energy);
  return result;
}

// Of each photo the nearest other one: what a threshold has to part, where there is none yet.
void print_nearest(const Compared& compared, const std::vector<std::string>& names, bool as_json) {
  nlohmann::json listed = nlohmann::json::array();
  if (!as_json) std::printf("file,nearest,distance\n");
  for (size_t i = 0; i < names.size(); ++i) {
    size_t nearest = names.size();
    for (size_t j = 0; j < names.size(); ++j) {
      if (j == i) continue;
      if (nearest == names.size() || compared.distances(i, j) < compared.distances(i, nearest)) {
        nearest = j;
      }
    }
    if (nearest == names.size()) continue;  // a lone photo
    const auto distance = static_cast<double>(compared.distances(i, nearest));
    if (as_json) {
      listed.push_back({{"file", names[i]}, {"nearest", names[nearest]}, {"distance", distance}});
    } else {
      std::printf("%s,%s,%.4f\n", csv_field(names[i]).c_str(), csv_field(names[nearest]).c_str(),
                  distance);
    }
  }
  if (as_json) {
    print_json({{"images", names.size()},
                {"threshold", nullptr},
                {"nearest", listed},
                {"left_out", compared.left_out}});
  }
}

void copy_photos(const std::vector<fs::path>& files, const std::vector<fs::path>& places,
                 const fs::path& folder, Progress& progress) {
  for (size_t i = 0; i < files.size(); ++i) {
    check_stop();
    std::error_code error;
    fs::create_directories((folder / places[i]).parent_path(), error);
    if (!error) fs::copy_file(files[i], folder / places[i], error);
    if (error) {
      throw Error(ErrorKind::io, files[i].string() + ": cannot be copied: " + error.message());
    }
    progress.show("Copying", i + 1, files.size(), "",
                  static_cast<double>(i + 1) / static_cast<double>(files.size()));
  }
}

// A row for each of the first clusters, its first images, those that are most.
std::string draw_clusters(const Clusters& clusters, const std::vector<std::string>& cluster_name,
                          const std::vector<fs::path>& files) {
  std::vector<std::vector<size_t>> members(clusters.sizes.size());
  for (size_t i = 0; i < files.size(); ++i) members[clusters.of[i]].push_back(i);
  std::vector<Image> images;
  images.reserve(kSheetRows * kSheetColumns);  // the sheet points at them
  Sheet sheet;
  for (size_t c = 0; c < members.size() && sheet.rows.size() < kSheetRows; ++c) {
    if (members[c].size() < 2) break;
    SheetRow row;
    row.label = cluster_name[c] + " (" + std::to_string(members[c].size()) + ")";
    for (size_t k = 0; k < std::min(kSheetColumns, members[c].size()); ++k) {
      const fs::path& file = files[members[c][k]];
      images.push_back(load_image(file));
      row.cells.push_back({{&images.back()}, {file.filename().string()}, Tone::neutral});
    }
    sheet.rows.push_back(std::move(row));
  }
  return sheet.rows.empty() ? std::string() : encode_png(draw_sheet(sheet));
}

nlohmann::json agreement_json(const ClusterAgreement& agreement) {
  return {{"pairs_together", agreement.together}, {"pairs_of_one_person", agreement.genuine},
          {"pairs_both", agreement.both},         {"precision", agreement.precision},
          {"recall", agreement.recall},           {"f", agreement.f}};
}

void run(const ClusterOptions& options) {
  if (!fs::is_directory(options.folder)) {
    throw Error(ErrorKind::io, options.folder + ": a folder of photos was expected");
  }
  const Model model = load_model(options.model);
  const std::optional<double> threshold = decision_threshold(model, options.threshold);
  const std::vector<fs::path> found = image_files({options.folder});
  if (options.compare) folders_of(options.folder, names_within(options.folder, found));
  watch_for_stop();
  std::optional<NewFolder> out;
  if (threshold) out.emplace(options.out);
  ThreadPool pool(options.threads);
  Progress progress;
  const Compared compared = compare(model, found, pool, progress);
  const std::vector<fs::path>& files = compared.files;
  const std::vector<std::string> names = names_within(options.folder, files);
  progress.clear();
  for (const std::string& problem : compared.left_out) {
    std::fprintf(stderr, "Note: left out: %s\n", problem.c_str());
  }
  if (!threshold) {
    print_nearest(compared, names, options.as_json);
    throw Exit{kUndecided, options.model + ": " + kNoThreshold};
  }
  if (files.empty()) {
    throw Exit{kUndecided, options.folder + ": there is no face on any of its photos"};
  }
  const std::vector<uint32_t> people =
      options.compare ? folders_of(options.folder, names) : std::vector<uint32_t>();
  const Clusters clusters = cluster_images(compared.distances, *threshold, options.seed);

  const std::vector<std::string> cluster_name = cluster_names(clusters), flat = flat_names(names);
  std::vector<fs::path> places;
  std::string csv = "file,cluster,copy\n";
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string& cluster = cluster_name[clusters.of[i]];
    places.push_back(fs::path(cluster) / flat[i]);
    csv += csv_field(names[i]) + "," + cluster + "," + csv_field(places[i].generic_string()) + "\n";
  }
  copy_photos(files, places, out->path(), progress);
  write_file_atomically(out->path() / "clusters.csv", csv);
  const std::string sheet = draw_clusters(clusters, cluster_name, files);
  if (!sheet.empty()) write_file_atomically(out->path() / "clusters.png", sheet);
  check_stop();
  out->keep();
  progress.clear();

  const auto lone = static_cast<size_t>(std::ranges::count(clusters.sizes, size_t{1}));
  const size_t groups = clusters.sizes.size() - lone;
  if (options.as_json) {
    nlohmann::json document = {{"images", files.size()},  {"clusters", groups},
                               {"unclustered", lone},     {"sizes", clusters.sizes},
                               {"threshold", *threshold}, {"seed", options.seed},
                               {"out", options.out},      {"left_out", compared.left_out}};
    if (options.compare) {
      document["agreement"] = agreement_json(cluster_agreement(clusters, people));
      document["people"] = *std::ranges::max_element(people) + 1;
    }
    print_json(document);
    return;
  }
  std::printf("%s in %s, %zu by themselves, at distance %.4g: %s\n",
              plural(files.size(), "photo").c_str(), plural(groups, "cluster").c_str(), lone,
              *threshold, options.out.c_str());
  if (options.compare) {
    const ClusterAgreement agreement = cluster_agreement(clusters, people);
    std::printf(
        "Compared with the folders of %s: of the pairs in one cluster %s show one person,\n"
        "of the pairs of one person %s are in one cluster, F %.3f\n",
        plural(*std::ranges::max_element(people) + 1, "person").c_str(),
        percent(agreement.precision).c_str(), percent(agreement.recall).c_str(), agreement.f);
  }
}

}  // namespace

void add_cluster(CLI::App& program) {
  auto options = std::make_shared<ClusterOptions>();
  CLI::App* command = program.add_subcommand("cluster", "Sort unlabelled photos by who they show");
  command->footer(
      "Links photos whose distance is below the threshold and groups them along these links, by\n"
      "Chinese whispers (Biemann, 2006). DIR gets a folder of copies for each cluster of two or "
      "more, the rest in\n"
      "unclustered/, clusters.csv, and clusters.png to look at. Sub-folders of FOLDER are read, "
      "but do\n"
      "not decide who is who. Photos without a face are left out and named.\n"
      "Without a threshold, of the model or given, nothing is sorted: a line for each photo says "
      "which\n"
      "other one is nearest and how near, file,nearest,distance, and the exit code is 3.\n"
      "Example: doppel cluster model.safetensors photos/ --out sorted/");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("FOLDER", options->folder, "A folder of photos, one face each")->required();
  command->add_option("--out", options->out, "A new or empty folder")->required();
  command->add_option("--threshold", options->threshold, "Link photos below this distance")
      ->default_str("the model's");
  command->add_option("--seed", options->seed, "Equal seeds give equal clusters")
      ->capture_default_str();
  command->add_flag("--compare", options->compare,
                    "Say how the clusters agree with FOLDER's sub-folders, one a person");
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
