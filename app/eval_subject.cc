#include "eval.h"

#include <algorithm>
#include <cstdio>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/eval/crossval.h"
#include "doppel/eval/npy.h"
#include "doppel/model/embedding.h"
#include "doppel/pipeline/dataset_loading.h"
#include "measures.h"
#include "notices.h"

namespace doppel::internal::app {

using nlohmann::json;

namespace {

// The identities that a pair list names: nobody else need be known or embedded. Those that are not
// there are named when the list's pairs are looked up.
Dataset named_people(const Dataset& all, const PairList& list) {
  std::vector<std::string> names;
  for (const std::vector<NamedPair>& fold : list.folds) {
    for (const NamedPair& pair : fold) {
      names.push_back(pair.a.person);
      names.push_back(pair.b.person);
    }
  }
  std::ranges::sort(names);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < all.identities.size(); ++i) {
    if (std::ranges::binary_search(names, all.identities[i].name)) chosen.push_back(i);
  }
  return chosen.empty() ? all : select_identities(all, chosen);
}

EvalSubject subject_of_embeddings(const EvalOptions& options, ThreadPool& pool) {
  EvalSubject subject;
  DataSource source = options.data;
  if (!source.data.empty()) {
    throw Error(ErrorKind::bad_argument,
                "--embeddings stands for the model: doppel eval DATA --embeddings FILE was "
                "expected, not \"" +
                    options.model + "\" and \"" + source.data + "\"");
  }
  source.data = options.model;
  subject.file = options.embeddings;
  const std::string bytes = read_file(options.embeddings, kMostNpyBytes);
  subject.digest = sha256_hex(bytes);
  subject.embeddings = decode_npy(bytes, options.embeddings);
  subject.people = source.load(pool);
  size_t images = subject.people.images.size();
  std::string source_name = subject.people.source;
  if (!options.searched.empty()) {
    const Dataset searched = DataSource{options.searched, "", ""}.load(pool);
    images += searched.images.size();
    subject.searched = searched_photos(subject.people, searched);
    source_name += " and then of " + searched.source;
  }
  if (subject.embeddings.rows != images) {
    throw Error(ErrorKind::mismatch, options.embeddings + ": a row for each of the " +
                                         std::to_string(images) + " images of " + source_name +
                                         " was expected, in the data set's order, not " +
                                         std::to_string(subject.embeddings.rows));
  }
  subject.energy.kind = energy_named(options.energy);
  if (subject.energy.kind == EnergyKind::weighted_l1) {
    throw Error(ErrorKind::bad_argument,
                "--energy weighted_l1: only a model has weights for it; euclidean, cosine or "
                "manhattan was expected");
  }
  return subject;
}

EvalSubject subject_of_model(const EvalOptions& options, const std::optional<PairList>& list,
                             ThreadPool& pool) {
  if (options.model.empty()) {
    throw Error(ErrorKind::bad_argument, "MODEL: a model file was expected, or --embeddings");
  }
  EvalSubject subject;
  subject.file = options.model;
  subject.model = load_model(options.model);
  const Model& model = *subject.model;
  subject.digest = sha256_hex(read_file(options.model, kMostModelBytes));
  const LoadOptions loading = loaded_for(model);
  subject.people = options.data.load(pool, loading);
  if (list) {
    subject.people = named_people(subject.people, *list);
    keep_preparation_note(loading, subject.people);
  }
  say_notice(unhashed_note(model));
  subject.seen = check_strangers(model, subject.people, options.allow_seen, kAllowSeen);
  std::optional<Dataset> searched;
  if (!options.searched.empty()) {
    searched = DataSource{options.searched, "", ""}.load(pool, loading);
    SeenOverlap seen = check_strangers(model, *searched, options.allow_seen, kAllowSeen);
    if (subject.seen.empty()) subject.seen = std::move(seen);
    subject.searched = searched_photos(subject.people, *searched);
  }
  subject.embeddings = embed_images(model, subject.people.images, pool);
  if (searched) {
    const Matrix embeddings = embed_images(model, searched->images, pool);
    for (size_t i = 0; i < embeddings.rows; ++i) subject.embeddings.append(embeddings.row(i));
  }
  subject.energy = model.energy;
  if (model.threshold) subject.threshold = model.threshold->value;
  return subject;
}

std::string csv_of(const Dataset& people, std::span<const Pair> pairs,
                   std::span<const float> distances) {
  std::string text = "a,b,genuine,distance\n";
  for (size_t i = 0; i < pairs.size(); ++i) {
    text += csv_field(people.image_names[pairs[i].a]) + "," +
            csv_field(people.image_names[pairs[i].b]) + (pairs[i].genuine ? ",1" : ",0");
    char number[32];
    std::snprintf(number, sizeof number, ",%.9g\n", static_cast<double>(distances[i]));
    text += number;
  }
  return text;
}

}  // namespace

EvalSubject eval_subject(const EvalOptions& options, const std::optional<PairList>& list,
                         ThreadPool& pool) {
  return options.embeddings.empty() ? subject_of_model(options, list, pool)
                                    : subject_of_embeddings(options, pool);
}

nlohmann::json to_json(const EvalSubject& subject) {
  json document = {{"data",
                    {{"source", subject.people.source},
                     {"digest", subject.people.digest},
                     {"identities", subject.people.identities.size()},
                     {"images", subject.people.images.size()}}},
                   {"seen_in_training", !subject.seen.empty()},
                   {"seen", to_json(subject.seen)}};
  document[subject.model ? "model" : "embeddings"] = {{"file", subject.file},
                                                      {"digest", subject.digest}};
  if (subject.model && subject.model->threshold) {
    document["calibration"] = to_json(*subject.model->threshold);
  }
  return document;
}

void print_marks(const EvalSubject& subject) { std::printf("%s", mark_text(subject.seen).c_str()); }

void write_scored_pairs(const EvalOptions& options, const EvalSubject& subject,
                        std::span<const std::vector<Pair>> folds,
                        std::span<const float> distances) {
  if (!options.write_pairs.empty()) {
    write_file_atomically(options.write_pairs, encode_pair_list(folds, subject.people));
  }
  if (options.distances.empty()) return;
  constexpr size_t kMostRows = 20'000'000;
  std::vector<Pair> pairs;
  for (const std::vector<Pair>& fold : folds) pairs.insert(pairs.end(), fold.begin(), fold.end());
  if (pairs.size() > kMostRows) {
    throw Error(ErrorKind::bad_argument, "--distances: at most " + std::to_string(kMostRows) +
                                             " pairs can be written, not " +
                                             std::to_string(pairs.size()) +
                                             "; --pairs chooses some");
  }
  write_file_atomically(options.distances, csv_of(subject.people, pairs, distances));
}

}  // namespace doppel::internal::app
