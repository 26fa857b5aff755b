// doppel eval: what a trained model, or somebody else's embeddings, do on a folder of people, or on
// a list of pairs of them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>

#include "commands.h"
#include "data_source.h"
#include "decision_text.h"
#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/eval/crossval.h"
#include "doppel/eval/evaluation.h"
#include "doppel/eval/npy.h"
#include "doppel/eval/pair_list.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/model/threshold_fault.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/pipeline/strangers.h"
#include "measures.h"
#include "notices.h"
#include "open_set.h"
#include "progress.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

using nlohmann::json;

struct EvalOptions {
  std::string model;  // with --embeddings the data
  DataSource data;
  std::string embeddings, energy = "euclidean";
  std::string pairs, write_pairs, distances;
  int threads = 0;
  bool allow_seen = false, open_set = false, as_json = false;
  OpenSetPlan plan;
  std::optional<double> fpir;
  std::string searched;
};

// Who is to be judged, on whom.
struct Subject {
  std::string file;            // of the model or of the embeddings
  std::string digest;          // of that file
  std::optional<Model> model;  // none of embeddings
  Dataset people;
  Matrix embeddings;
  Energy energy;
  SeenOverlap seen;
  std::optional<double> threshold;
  // Of --searched; their embeddings stand behind those of `people`.
  std::optional<SearchedPhotos> searched;
};

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

Subject subject_of_embeddings(const EvalOptions& options, ThreadPool& pool) {
  Subject subject;
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

Subject subject_of_model(const EvalOptions& options, const std::optional<PairList>& list,
                         ThreadPool& pool) {
  if (options.model.empty()) {
    throw Error(ErrorKind::bad_argument, "MODEL: a model file was expected, or --embeddings");
  }
  Subject subject;
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

// What was asked to be written of the pairs that are scored.
void write_files(const EvalOptions& options, const Subject& subject,
                 std::span<const std::vector<Pair>> folds, std::span<const float> distances) {
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

json subject_json(const Subject& subject) {
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

void print_marks(const Subject& subject) { std::printf("%s", mark_text(subject.seen).c_str()); }

void evaluate_pairs(const EvalOptions& options, const Subject& subject, const PairList& list,
                    ThreadPool& pool) {
  const std::vector<std::vector<Pair>> folds = resolve(list, subject.people);
  std::vector<ScoredPairs> scored;
  ScoredPairs all;
  for (const std::vector<Pair>& fold : folds) {
    scored.push_back(score_pairs(subject.embeddings, fold, subject.energy, pool));
    all.distance.insert(all.distance.end(), scored.back().distance.begin(),
                        scored.back().distance.end());
    all.genuine.insert(all.genuine.end(), scored.back().genuine.begin(),
                       scored.back().genuine.end());
  }
  const Verification v = measure_verification(all);
  std::optional<FoldedAccuracy> folded;
  if (folds.size() > 1) folded = folded_accuracy(scored);
  std::optional<double> calibrated;
  if (subject.threshold) calibrated = at_threshold(all, *subject.threshold).accuracy();
  write_files(options, subject, folds, all.distance);
  const double accuracy = folded ? folded->mean : v.best_accuracy.accuracy;
  if (options.as_json) {
    json document = subject_json(subject);
    document["pair_list"] = options.pairs;
    document["pairs"] = v.genuine + v.impostor;
    document["accuracy"] = accuracy;
    document["best_accuracy"] = {{"accuracy", v.best_accuracy.accuracy},
                                 {"threshold", v.best_accuracy.threshold}};
    document["calibrated_accuracy"] = to_json(calibrated);
    document["auc"] = v.auc;
    document["eer"] = v.eer;
    if (folded) {
      document["folds"] = folded->folds;
      document["standard_error"] = folded->standard_error;
    }
    print_json(document);
    return;
  }
  std::printf("%s of %s: %zu genuine and %zu impostor pairs\n", options.pairs.c_str(),
              subject.people.source.c_str(), v.genuine, v.impostor);
  if (folded) {
    std::printf(
        "  accuracy             %8s  +- %.2f %% standard error over %zu folds, each at the\n"
        "                                 threshold that is best on the others\n",
        percent(accuracy).c_str(), 100 * folded->standard_error, folded->folds.size());
  } else {
    std::printf("  accuracy             %8s  at the threshold that is best on these pairs, %.4f\n",
                percent(accuracy).c_str(), v.best_accuracy.threshold);
  }
  if (calibrated) {
    std::printf("  calibrated accuracy  %8s  at the model's threshold, %.4f\n",
                percent(*calibrated).c_str(), *subject.threshold);
  }
  std::printf("  EER                  %8s\n  ROC AUC              %8.4f\n", percent(v.eer).c_str(),
              v.auc);
  print_marks(subject);
}

void print_evaluation(const Subject& subject, const Evaluation& e,
                      const std::optional<PeopleMeasures>& pixels) {
  const Verification& v = e.verification;
  std::printf("Data: %s: %zu identities, %zu images; %zu genuine and %zu impostor pairs\n\n",
              subject.people.source.c_str(), subject.people.identities.size(),
              subject.people.images.size(), v.genuine, v.impostor);
  const auto row = [](const std::string& name, const std::string& value, const Interval* interval,
                      const std::string& remark = "") {
    char text[200];
    std::snprintf(text, sizeof text, "  %-24s %9s   %-18s  %s", name.c_str(), value.c_str(),
                  interval != nullptr ? percent(*interval).c_str() : "", remark.c_str());
    std::string line = text;
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  };
  const auto number = [](const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return std::string(text);
  };
  std::printf("Verification                             95 %% interval\n");
  row("EER", percent(v.eer), &e.intervals.eer, "at distance " + number("%.4f", v.eer_threshold));
  row("ROC AUC", number("%.4f", v.auc), nullptr,
      number("%.4f to ", e.intervals.auc.lower) + number("%.4f", e.intervals.auc.upper));
  for (size_t i = 0; i < kFarLevels.size(); ++i) {
    row("TAR @ " + number("%g", 100 * kFarLevels[i]) + " % FAR", percent(v.tar_at_far[i].tar),
        &e.intervals.tar_at_far[i],
        v.tar_at_far[i].resolved ? "" : "not resolved: too few impostor pairs");
  }
  row("d-prime", v.d_prime ? number("%.2f", *v.d_prime) : "none", nullptr);
  row("best accuracy", percent(v.best_accuracy.accuracy), nullptr,
      "at distance " + number("%.4f", v.best_accuracy.threshold) + ", chosen on these pairs");
  if (e.calibrated) {
    row("calibrated accuracy", percent(e.counts.accuracy()), nullptr,
        "at the model's threshold, " + number("%.4f", e.threshold));
    row("  FAR there",
        percent(static_cast<double>(e.counts.false_accepts) / static_cast<double>(v.impostor)),
        nullptr, "chosen for " + number("%g %%", 100 * subject.model->threshold->far));
    row("  TAR there", percent(e.counts.recall()), nullptr);
  } else {
    row("calibrated accuracy", "none", nullptr, "there is no threshold that others chose");
  }
  std::printf("\nIdentification among %zu people, one image known of each\n",
              e.identification.ways);
  row("rank 1 (one-shot)", percent(e.identification.rate_at_rank.front()), &e.one_shot);
  for (size_t rank = 2; rank <= std::min<size_t>(5, e.identification.rate_at_rank.size()); ++rank) {
    row("rank " + std::to_string(rank), percent(e.identification.rate_at_rank[rank - 1]), nullptr);
  }
  for (const ShotRate& rate : e.k_shot) {
    if (rate.shots > 1) {
      row(std::to_string(rate.shots) + " images known", percent(rate.accuracy), nullptr);
    }
  }
  std::printf("\nOpen set: half of the people known, the others are strangers\n");
  row("FNIR @ 1 % FPIR", percent(e.open_set_at_fpir_1pct.fnir), nullptr,
      e.open_set_at_fpir_1pct.resolved ? "" : "not resolved: too few strangers");
  row("FPIR at the threshold", percent(e.open_set_at_threshold.fpir), nullptr,
      "FNIR " + percent(e.open_set_at_threshold.fnir));
  if (pixels) {
    std::printf("\nNearest pixels: EER %s, TAR @ 1 %% FAR %s, one-shot %s\n",
                percent(pixels->verification.eer).c_str(),
                percent(pixels->verification.tar_at_far_1pct).c_str(),
                percent(pixels->one_shot.accuracy).c_str());
  }
  if (v.collapsed) std::printf("The embedding collapsed: all distances are alike.\n");
  print_marks(subject);
}

void evaluate_people(const EvalOptions& options, const Subject& subject, ThreadPool& pool) {
  std::vector<std::string> names;
  for (const Identity& identity : subject.people.identities) names.push_back(identity.name);
  const Distances distances = all_distances(subject.embeddings, pool, subject.energy);
  EvaluationSettings settings;
  settings.threshold = subject.threshold;
  const Evaluation evaluation =
      evaluate(distances, subject.people.identity_of, names, settings, pool);
  if (!options.write_pairs.empty() || !options.distances.empty()) {
    const std::vector<std::vector<Pair>> folds = {all_pairs(subject.people)};
    write_files(options, subject, folds, distances.values);
  }
  std::optional<PeopleMeasures> pixels;
  if (subject.model) {
    pixels = measure_people(preprocess(subject.people.images, subject.model->preprocessing, pool),
                            subject.people, {}, pool);
  }
  if (!options.as_json) {
    print_evaluation(subject, evaluation, pixels);
    return;
  }
  json document = to_json(evaluation);
  document.update(subject_json(subject));
  if (pixels) {
    document["baselines"] = {{"pixels",
                              {{"eer", pixels->verification.eer},
                               {"auc", pixels->verification.auc},
                               {"tar_at_far_1pct", pixels->verification.tar_at_far_1pct},
                               {"one_shot", pixels->one_shot.accuracy}}}};
  }
  print_json(document);
}

void evaluate_open_set(const EvalOptions& options, const Subject& subject, ThreadPool& pool) {
  GallerySettings settings;
  settings.energy = subject.energy;
  if (subject.model) settings.threshold = subject.model->threshold;
  settings.fpir = options.fpir.value_or(settings.threshold ? settings.threshold->far : 0.01);
  OpenSetPlan plan = options.plan;
  std::vector<uint32_t> identity_of = subject.people.identity_of;
  if (subject.searched) {
    const std::vector<uint32_t>& searched = subject.searched->identity_of;
    plan.searched_from = identity_of.size();
    identity_of.insert(identity_of.end(), searched.begin(), searched.end());
  }
  Progress progress;
  const std::vector<OpenSetTrial> trials = measure_open_set(
      subject.embeddings, identity_of, settings, plan, pool,
      [&](const Enrolment& enrolment, size_t draw) {
        progress.show("Searching, " + plural(enrolment.shots, "photo") + " each", draw,
                      options.plan.draws, "draw",
                      static_cast<double>(draw) / static_cast<double>(options.plan.draws));
      });
  progress.clear();
  if (options.as_json) {
    json document = subject_json(subject);
    document["open_set"] = to_json(trials);
    if (subject.searched) {
      document["searched"] = {{"source", subject.searched->source},
                              {"images", subject.searched->identity_of.size()}};
    }
    print_json(document);
    return;
  }
  std::printf("%s: of %s some are enrolled, the others are strangers, mean of %s\n",
              subject.people.source.c_str(),
              plural(subject.people.identities.size(), "person").c_str(),
              plural(options.plan.draws, "draw").c_str());
  if (subject.searched) std::printf("%s\n", searched_text(*subject.searched).c_str());
  if (options.plan.visit > 1) {
    std::printf("A search is a visit of %s, decided once by their mean embedding\n",
                plural(options.plan.visit, "photo").c_str());
  }
  std::printf("Deciding, of the first: %s.\n\n%s",
              decision_text(trials.front().draws.front().rule).c_str(),
              open_set_table(trials, settings.fpir).c_str());
  print_marks(subject);
}

void run(const EvalOptions& options) {
  if (options.open_set && !options.pairs.empty()) {
    throw Error(ErrorKind::bad_argument, "--open-set and --pairs: one of them was expected");
  }
  if (options.fpir) {
    if (const auto fault = rate_fault(*options.fpir)) {
      throw Error(ErrorKind::bad_argument, "--fpir " + *fault);
    }
  }
  ThreadPool pool(options.threads > 0 ? options.threads : ThreadPool::available_threads());
  std::optional<PairList> list;
  if (!options.pairs.empty()) {
    list = parse_pair_list(read_file(options.pairs, kMostPairListBytes), options.pairs);
  }
  const Subject subject = options.embeddings.empty() ? subject_of_model(options, list, pool)
                                                     : subject_of_embeddings(options, pool);
  print_notes(subject.people);
  if (list) {
    evaluate_pairs(options, subject, *list, pool);
  } else if (options.open_set) {
    evaluate_open_set(options, subject, pool);
  } else {
    evaluate_people(options, subject, pool);
  }
}

}  // namespace

void add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = program.add_subcommand("eval", "Measure a model on a folder of people");
  command->footer(
      "Verification, identification and open-set identification over all pairs of the people's\n"
      "images, with 95 % intervals from a bootstrap over people. Nobody whom the model was made "
      "from\n"
      "is measured, unless --allow-seen says so: it knows names, pictures, and copies of pictures\n"
      "that were encoded anew, resized or cropped by up to a fortieth on each side.\n"
      "Examples:\n"
      "  doppel eval model.safetensors other_people/\n"
      "  doppel eval model.safetensors lfw/ --pairs pairsDevTest.txt\n"
      "  doppel eval model.safetensors other_people/ --open-set\n"
      "  doppel eval model.safetensors badges/ --open-set --searched door/\n"
      "  doppel eval other_people/ --embeddings theirs.npy --energy cosine");
  command->add_option("MODEL", options->model, "A model file; left out with --embeddings");
  options->data.add_to(*command);
  command->add_option("--pairs", options->pairs,
                      "Only the pairs of this list, in LFW's format (View 1, or View 2's folds)");
  command->add_option("--write-pairs", options->write_pairs,
                      "Write the pairs that are scored as such a list");
  command->add_option("--distances", options->distances,
                      "Write the distance of every pair that is scored, as CSV");
  CLI::Option* embeddings =
      command->add_option("--embeddings", options->embeddings,
                          "Score these instead of a model's: a .npy file, a row for each image in "
                          "the data set's order");
  command->add_option("--energy", options->energy, "Their distance: euclidean, cosine, manhattan")
      ->needs(embeddings)
      ->capture_default_str();
  CLI::Option* open_set = command->add_flag(
      "--open-set", options->open_set,
      "As a gallery: people enrolled with 1, 2 and 5 photos, by the nearest of them and by their "
      "mean, and strangers, decided as doppel identify does");
  command->add_option("--draws", options->plan.draws, "How often people and photos are drawn")
      ->needs(open_set)
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--enrolled", options->plan.people, "How many people are enrolled in a draw")
      ->needs(open_set)
      ->check(CLI::Range(1, 1000000))
      ->default_str("half of those who have the photos");
  command
      ->add_option("--visit", options->plan.visit,
                   "Photos of a visit, which is decided once, by their mean embedding")
      ->needs(open_set)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--searched", options->searched,
                   "Another folder or archive of these people, and perhaps of others: its photos "
                   "are searched for, as those of the camera at the door, and DATA's are enrolled. "
                   "With --embeddings their rows stand behind DATA's")
      ->needs(open_set);
  command
      ->add_option("--fpir", options->fpir,
                   "The wanted rate of strangers who are taken for "
                   "somebody")
      ->needs(open_set)
      ->default_str("the model's FAR, else 0.01");
  command->add_option("--seed", options->plan.seed, "Of the draws")
      ->needs(open_set)
      ->capture_default_str();
  command->add_flag("--allow-seen", options->allow_seen,
                    "Also people whom the model knows, by name or picture; the result is marked");
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
