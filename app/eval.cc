// doppel eval: what a trained model, or somebody else's embeddings, do on a folder of people, or on
// a list of pairs of them.
#include "eval.h"

#include <CLI/CLI.hpp>

#include "commands.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/model/threshold_fault.h"
#include "measures.h"
#include "notices.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

void run(const EvalOptions& options) {
  if (options.open_set && !options.pairs.empty()) {
    throw Error(ErrorKind::bad_argument, "--open-set and --pairs: one of them was expected");
  }
  if (options.fpir) {
    if (const auto fault = rate_fault(*options.fpir)) {
      throw Error(ErrorKind::bad_argument, "--fpir " + *fault);
    }
  }
  ThreadPool pool(options.threads);
  std::optional<PairList> list;
  if (!options.pairs.empty()) {
    list = parse_pair_list(read_file(options.pairs, kMostPairListBytes), options.pairs);
  }
  const EvalSubject subject = eval_subject(options, list, pool);
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
