// doppel report: what a model does on a folder of people, as a page to look at.
#include "doppel/report/report.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "commands.h"
#include "data_source.h"
#include "doppel/base/file.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/nn/simd.h"
#include "doppel/pipeline/dataset_loading.h"
#include "doppel/pipeline/strangers.h"
#include "measures.h"
#include "notices.h"
#include "recipe_options.h"

namespace doppel::internal::app {
namespace {

using Clock = std::chrono::steady_clock;

struct ReportOptions {
  std::string model, out = "report.html";
  DataSource data;
  int threads = 0;
  bool allow_seen = false;
};

// As they are, pictures look best. Where they are too large for that, as the network sees them.
Dataset load_people(const DataSource& data, const Model& model, ThreadPool& pool) {
  if (model.preprocessing.align) return data.load(pool, loaded_for(model));
  try {
    LoadOptions options;
    options.color = model.embedder->takes_color();
    options.framings = true;
    options.leave_out_blank = true;
    return data.load(pool, options);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    return data.load(pool, loaded_for(model));  // or throws again, where it was something else
  }
}

// The recipe is what a file says: it may be without a name.
std::string recipe_name(const nlohmann::json& recipe) {
  const auto name = recipe.find("name");
  return name != recipe.end() && name->is_string() ? name->get<std::string>() : "unnamed";
}

std::vector<std::pair<std::string, std::string>> setting_of(const ReportOptions& options,
                                                            const Model& model,
                                                            const Dataset& people,
                                                            const ThreadPool& pool,
                                                            double seconds) {
  const TrainingRecord& training = model.training;
  const Preprocessing& input = model.preprocessing;
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", seconds);
  const std::string made = model.version.empty() ? "" : ", made by Doppel " + model.version;
  std::vector<std::pair<std::string, std::string>> setting = {
      {"Model", options.model + made},
      {"Network",
       model.embedder->summary() + ", embeddings of " + plural(embedding_size(model), "value")},
      {"Digest", embedding_digest(model)}};
  if (!training.recipe.is_null()) {
    const std::vector<std::pair<std::string, std::string>> trained = {
        {"Recipe", recipe_name(training.recipe)},
        {"Seed", std::to_string(training.seed)},
        {"Trained on",
         plural(training.identities, "person") + ", " + plural(training.images, "image")},
        {"Training data", training.data_digest}};
    setting.insert(setting.end(), trained.begin(), trained.end());
  }
  const std::vector<std::pair<std::string, std::string>> measuring = {
      {"Pictures",
       std::string(input.align ? "aligned faces of " : "") + std::to_string(input.width) + " x " +
           std::to_string(input.height) +
           (input.subsampling > 1 ? ", every row and column in " + std::to_string(input.subsampling)
                                  : "")},
      {"Distance", to_string(model.energy.kind)},
      {"Measured on", people.source + ": " + plural(people.identities.size(), "person") + ", " +
                          plural(people.images.size(), "image")},
      {"Data", people.digest},
      {"Machine", plural(static_cast<size_t>(pool.threads()), "thread") + ", " + simd_name()},
      {"Time", utc_now() + ", measured in " + time}};
  setting.insert(setting.end(), measuring.begin(), measuring.end());
  return setting;
}

void run(const ReportOptions& options) {
  const Model model = load_model(options.model);
  ThreadPool pool(options.threads);
  Dataset people = load_people(options.data, model, pool);
  print_notes(people);
  say_notice(unhashed_note(model));
  check_strangers(model, people, options.allow_seen, kAllowSeen);
  const Clock::time_point start = Clock::now();
  ReportGroup group = measure_group("", model, std::move(people), pool);
  const std::chrono::duration<double> taken = Clock::now() - start;
  ReportContent content;
  content.title =
      std::filesystem::path(options.model).filename().string() + " on " + group.people.source;
  content.setting = setting_of(options, model, group.people, pool, taken.count());
  content.recipe = model.training.recipe;
  const double eer = group.evaluation.verification.eer;
  content.groups.push_back(std::move(group));
  write_file_atomically(options.out, report_html(content));
  std::printf("%s: EER %s\n", options.out.c_str(), percent(eer).c_str());
}

}  // namespace

void add_report(CLI::App& program) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = program.add_subcommand(
      "report", "Measure a model on a folder of people, as a page to look at");
  command->footer(
      "One HTML file that needs no network: figures with 95 % intervals, curves, distances, a map\n"
      "of the embeddings, the hardest pairs, who fails.\n"
      "Example: doppel report model.safetensors other_people/ --out report.html");
  command->add_option("MODEL", options->model, "A model file")->required();
  options->data.add_to(*command);
  command->add_option("--out", options->out, "The page")->capture_default_str();
  command->add_flag(
      "--allow-seen", options->allow_seen,
      "Also for people whom the model knows, by name or picture; the page then says so");
  add_threads_option(*command, options->threads);
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app
