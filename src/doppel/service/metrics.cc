#include "doppel/service/metrics.h"

#include <algorithm>
#include <cstdio>

namespace doppel::internal {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void head(std::string& text, const char* name, const char* type, const char* help) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

// Routes are ours, so that there is nothing to escape in them.
std::string labels(const std::string& method_and_route) {
  const size_t space = method_and_route.find(' ');
  return "method=\"" + method_and_route.substr(0, space) + "\",route=\"" +
         method_and_route.substr(space + 1) + "\"";
}

}  // namespace

void Metrics::count(const RequestRecord& record) {
  // What clients call a method may be anything.
  const std::string key =
      record.route.empty() ? std::string("- none") : record.method + " " + record.route;
  const std::lock_guard lock(mutex_);
  ++requests_[{key, record.status}];
  known_ += record.known;
  unknown_ += record.faces - record.known;
  if (record.route.empty()) return;
  Times& times = times_[key];
  times.sum += record.seconds;
  const auto bucket = std::ranges::lower_bound(kBuckets, record.seconds);
  ++times.counts[static_cast<size_t>(bucket - kBuckets.begin())];
}

void Metrics::count_refused(int status) {
  const std::lock_guard lock(mutex_);
  ++requests_[{"- none", status}];
}

std::string Metrics::text(const ServiceGauges& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string text;
  head(text, "doppel_requests_total", "counter", "Requests, by route and status.");
  for (const auto& [key, count] : requests_) {
    text += "doppel_requests_total{" + labels(key.first) + ",status=\"" +
            std::to_string(key.second) + "\"} " + std::to_string(count) + "\n";
  }
  head(text, "doppel_request_seconds", "histogram", "Time from a whole request to its answer.");
  for (const auto& [key, times] : times_) {
    uint64_t sum = 0;
    for (size_t i = 0; i < times.counts.size(); ++i) {
      sum += times.counts[i];
      const std::string edge = i < kBuckets.size() ? number(kBuckets[i]) : "+Inf";
      text += "doppel_request_seconds_bucket{" + labels(key) + ",le=\"" + edge + "\"} " +
              std::to_string(sum) + "\n";
    }
    text += "doppel_request_seconds_sum{" + labels(key) + "} " + number(times.sum) + "\n";
    text += "doppel_request_seconds_count{" + labels(key) + "} " + std::to_string(sum) + "\n";
  }
  head(text, "doppel_faces_total", "counter", "Faces that were looked for, by outcome.");
  text += "doppel_faces_total{outcome=\"known\"} " + std::to_string(known_) + "\n";
  text += "doppel_faces_total{outcome=\"unknown\"} " + std::to_string(unknown_) + "\n";
  const auto gauge = [&](const char* name, const char* help, size_t value) {
    head(text, name, "gauge", help);
    text += std::string(name) + " " + std::to_string(value) + "\n";
  };
  gauge("doppel_gallery_people", "People who can be found.", gauges.people);
  gauge("doppel_gallery_templates", "Their templates.", gauges.templates);
  gauge("doppel_gallery_templates_left_out",
        "Templates that cannot be compared; doppel gallery check lists them.", gauges.left_out);
  gauge("doppel_search_graph", "1 where searches go along a graph, 0 where all are compared.",
        gauges.has_graph ? 1 : 0);
  gauge("doppel_search_graph_linked", "Templates linked of a graph that is being made, else 0.",
        gauges.graph ? gauges.graph->done : 0);
  gauge("doppel_search_graph_to_link", "Templates of a graph that is being made, else 0.",
        gauges.graph ? gauges.graph->total : 0);
  gauge("doppel_waiting_requests", "Requests that wait for a worker.", gauges.waiting);
  gauge("doppel_connections", "Clients that are connected.", gauges.connections);
  gauge("doppel_disk_full", "1 where changes are refused because a disk is full, else 0.",
        gauges.full ? 1 : 0);
  gauge("doppel_ready", "1 where the gallery can be read and changed, as far as is known, else 0.",
        gauges.ready ? 1 : 0);
  return text;
}

}  // namespace doppel::internal
