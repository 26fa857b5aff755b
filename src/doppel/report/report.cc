#include "doppel/report/report.h"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "doppel/error.h"
#include "doppel/eval/baselines.h"
#include "doppel/image/encode.h"
#include "doppel/image/preprocessing.h"
#include "doppel/image/resize.h"
#include "doppel/model/embedding.h"
#include "doppel/report/page_parts.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMapPoints = 1000, kThumbnailColumns = 40, kPicturedPersons = 50;
constexpr int kThumbnailHeight = 48, kPictureHeight = 112;

std::string data_uri(const std::string& png) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(png.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(png.data()),
                    png.size(), kVariant);
  text.pop_back();  // the zero that ends a C string
  return "data:image/png;base64," + text;
}

// At most `height` high, its proportions kept.
Image no_higher(const Image& image, int height) {
  if (image.height <= height) return image;
  const double scale = static_cast<double>(height) / image.height;
  return resize(image, std::max(1, static_cast<int>(std::lround(image.width * scale))), height);
}

UnseenMeasures figures_of(const Evaluation& e) {
  return {e.verification.eer, e.verification.auc, e.verification.tar_at_far_1pct,
          e.identification.rate_at_rank.front()};
}

json figures_json(const UnseenMeasures& figures) {
  return {{"eer", figures.eer},
          {"auc", figures.auc},
          {"tar_at_far_1pct", figures.tar_at_far_1pct},
          {"one_shot", figures.one_shot}};
}

json systems_json(const std::vector<ReportedSystem>& systems) {
  json list = json::array();
  for (const ReportedSystem& system : systems) {
    list.push_back(figures_json(system.figures));
    list.back()["name"] = system.name;
  }
  return list;
}

// The shown images: all, or kMapPoints of them at equal steps.
std::vector<size_t> images_of_map(size_t images) {
  std::vector<size_t> shown(std::min(images, kMapPoints));
  for (size_t i = 0; i < shown.size(); ++i) shown[i] = i * images / shown.size();
  return shown;
}

// Small pictures side by side in rows, as one picture.
json thumbnails_json(const std::vector<Image>& images, const std::vector<size_t>& shown) {
  const Image first = no_higher(images[shown.front()], kThumbnailHeight);
  const size_t columns = std::min(shown.size(), kThumbnailColumns);
  const size_t rows = (shown.size() + columns - 1) / columns;
  Image sheet{first.width * static_cast<int>(columns), first.height * static_cast<int>(rows), {}};
  sheet.pixels.resize(static_cast<size_t>(sheet.width) * static_cast<size_t>(sheet.height));
  for (size_t i = 0; i < shown.size(); ++i) {
    const Image thumbnail = no_higher(images[shown[i]], kThumbnailHeight);
    const int left = static_cast<int>(i % columns) * first.width;
    const int top = static_cast<int>(i / columns) * first.height;
    for (int row = 0; row < first.height; ++row) {
      for (int column = 0; column < first.width; ++column) {
        sheet.at(top + row, left + column) = thumbnail.at(row, column);
      }
    }
  }
  return {{"picture", data_uri(encode_png(sheet))},
          {"width", first.width},
          {"height", first.height},
          {"columns", columns}};
}

// The first two principal components; fewer where the embeddings span less, zero where they are
// all alike.
Matrix plane_of(const Matrix& embeddings) {
  try {
    return project(fit_pca(embeddings, 2), embeddings);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    return {embeddings.rows, 0};
  }
}

double variance_of(const Matrix& matrix, size_t column) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < matrix.rows; ++i) sum += double{matrix.row(i)[column]};
  const double mean = sum / static_cast<double>(matrix.rows);
  for (size_t i = 0; i < matrix.rows; ++i) {
    squares += std::pow(double{matrix.row(i)[column]} - mean, 2);
  }
  return squares;
}

json map_json(const ReportGroup& group) {
  const std::vector<size_t> shown = images_of_map(group.people.images.size());
  const Matrix plane = plane_of(group.embeddings);
  const auto coordinate = [&](size_t image, size_t axis) {
    return axis < plane.columns ? double{plane.row(image)[axis]} : 0.0;
  };
  json points = json::array();
  for (const size_t image : shown) {
    points.push_back({{"image", image}, {"x", coordinate(image, 0)}, {"y", coordinate(image, 1)}});
  }
  double all = 0;
  for (size_t i = 0; i < group.embeddings.columns; ++i) all += variance_of(group.embeddings, i);
  json shares = json::array();
  for (size_t axis = 0; axis < 2; ++axis) {
    shares.push_back(axis < plane.columns && all > 0 ? variance_of(plane, axis) / all : 0.0);
  }
  return {{"points", std::move(points)},
          {"variance", std::move(shares)},
          {"thumbnails", thumbnails_json(group.people.images, shown)}};
}

// By image: those of the hardest pairs, and the farthest pairs of the persons who fail most.
json pictures_json(const ReportGroup& group) {
  std::set<size_t> wanted;
  const auto want = [&](const HardPair& pair) { wanted.insert({pair.a, pair.b}); };
  std::ranges::for_each(group.evaluation.hardest_genuine, want);
  std::ranges::for_each(group.evaluation.hardest_impostor, want);
  std::vector<const PersonFigures*> persons;
  for (const PersonFigures& person : group.evaluation.persons) {
    if (person.worst) persons.push_back(&person);
  }
  std::ranges::stable_sort(persons, [](const PersonFigures* p, const PersonFigures* q) {
    return std::pair(*p->fnmr, p->worst->distance) > std::pair(*q->fnmr, q->worst->distance);
  });
  persons.resize(std::min(persons.size(), kPicturedPersons));
  for (const PersonFigures* person : persons) want(*person->worst);
  json pictures = json::object();
  for (const size_t image : wanted) {
    pictures[std::to_string(image)] =
        data_uri(encode_png(no_higher(group.people.images[image], kPictureHeight)));
  }
  return pictures;
}

json group_json(const ReportGroup& group) {
  const Dataset& people = group.people;
  json images = json::array();
  for (size_t i = 0; i < people.images.size(); ++i) {
    images.push_back({{"name", people.image_names[i]}, {"person", people.identity_of[i]}});
  }
  json history = json::array();
  for (const EpochLosses& epoch : group.history) history.push_back(losses_to_json(epoch));
  return {{"name", group.name},
          {"evaluation", to_json(group.evaluation)},
          {"figures", figures_json(figures_of(group.evaluation))},
          {"threshold", group.threshold ? to_json(*group.threshold) : json()},
          {"baselines", systems_json(group.baselines)},
          {"history", std::move(history)},
          {"members", group.members},
          {"seen", to_json(group.seen)},
          {"images", std::move(images)},
          {"pictures", pictures_json(group)},
          {"map", map_json(group)}};
}

void check(const ReportContent& content) {
  if (content.groups.empty()) {
    throw Error(ErrorKind::bad_argument, "report: a group of people was expected, there is none");
  }
  const auto names = [](const ReportGroup& group) {
    std::vector<std::string> list;
    for (const ReportedSystem& system : group.baselines) list.push_back(system.name);
    return list;
  };
  for (const ReportGroup& group : content.groups) {
    if (group.embeddings.rows != group.people.images.size()) {
      throw Error(ErrorKind::mismatch,
                  "report: " + std::to_string(group.embeddings.rows) + " embeddings of " +
                      std::to_string(group.people.images.size()) + " images, one each expected");
    }
    if (names(group) != names(content.groups.front())) {
      throw Error(ErrorKind::mismatch, "report: \"" + group.name +
                                           "\" has other baselines than \"" +
                                           content.groups.front().name + "\"");
    }
  }
}

// The figures of all groups, taken out by `figures`, as mean and spread.
template <typename Figures>
MeasureSummary summary_of(const std::vector<ReportGroup>& groups, const Figures& figures) {
  std::vector<UnseenMeasures> all;
  for (const ReportGroup& group : groups) all.push_back(figures(group));
  return summarise(all);
}

// JSON inside a script element: the element ends at the first "</script", and "<!--" would change
// how it is read. A '<' stands only in JSON's strings, and there it may be written as an escape.
std::string embeddable(const json& document) {
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

ReportGroup measure_group(std::string name, const Model& model, Dataset people, ThreadPool& pool) {
  ReportGroup group;
  group.name = std::move(name);
  group.seen = seen_overlap(model.training.seen, people);
  group.embeddings = embed_images(model, people.images, pool);
  std::vector<std::string> names;
  for (const Identity& identity : people.identities) names.push_back(identity.name);
  EvaluationSettings settings;
  if (model.threshold) settings.threshold = model.threshold->value;
  group.evaluation = evaluate(all_distances(group.embeddings, pool, model.energy),
                              people.identity_of, names, settings, pool);
  group.threshold = model.threshold;
  const Matrix pixels = preprocess(people.images, model.preprocessing, pool);
  group.baselines = {{"nearest pixels", measure_people(pixels, people, Energy{}, pool).rates()}};
  group.history = model.training.history;
  group.members = model.embedder->networks();
  group.people = std::move(people);
  return group;
}

json report_json(const ReportContent& content) {
  check(content);
  json document = {{"title", content.title},
                   {"version", DOPPEL_VERSION},
                   {"setting", content.setting},
                   {"recipe", content.recipe},
                   {"groups", json::array()}};
  for (const ReportGroup& group : content.groups) document["groups"].push_back(group_json(group));
  if (content.groups.size() == 1) return document;

  const MeasureSummary own = summary_of(
      content.groups, [](const ReportGroup& group) { return figures_of(group.evaluation); });
  document["mean"] = figures_json(own.mean);
  document["spread"] = figures_json(own.spread);
  std::vector<ReportedSystem> systems = content.groups.front().baselines;
  for (size_t i = 0; i < systems.size(); ++i) {
    const auto figures = [i](const ReportGroup& group) { return group.baselines[i].figures; };
    systems[i].figures = summary_of(content.groups, figures).mean;
  }
  document["baselines"] = systems_json(systems);
  return document;
}

std::string report_html(const ReportContent& content) {
  const std::string data = embeddable(report_json(content));
  const std::pair<std::string_view, std::string_view> parts[] = {{"@STYLE@", kReportStyle},
                                                                 {"@DATA@", data},
                                                                 {"@CHART@", kChartScript},
                                                                 {"@SCRIPT@", kReportScript}};
  std::string page;
  page.reserve(kReportPage.size() + kChartScript.size() + kReportScript.size() + data.size());
  std::string_view rest = kReportPage;
  for (const auto& [place, part] : parts) {  // in the order in which they stand in the template
    const size_t found = rest.find(place);
    page += rest.substr(0, found);
    page += part;
    rest.remove_prefix(found + place.size());
  }
  page += rest;
  return page;
}

}  // namespace doppel::internal
