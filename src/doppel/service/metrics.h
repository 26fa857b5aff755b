// Counts and times of what the service does, in the text format of Prometheus: no names, no images.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "doppel/service/route.h"
#include "doppel/service/served_gallery.h"

namespace doppel::internal {

// What is true at the moment, beside what was counted.
struct ServiceGauges {
  size_t people = 0, templates = 0;
  size_t left_out = 0;  // templates that cannot be compared
  // Of the graph that is being made, and whether searches go along one.
  std::optional<ServedGallery::GraphProgress> graph = {};
  bool has_graph = false;
  size_t waiting = 0, connections = 0;  // of requests for a worker; of clients
  bool full = false;                    // ServedGallery::full()
  bool ready = true;
};

// Several threads may use it at once.
class Metrics {
 public:
  void count(const RequestRecord& record);
  // A request that was refused before it came to a route.
  void count_refused(int status);

  // The exposition format 0.0.4: doppel_requests_total, doppel_request_seconds (a histogram),
  // doppel_faces_total by outcome, and the gauges.
  std::string text(const ServiceGauges& gauges) const;

  static constexpr std::array<double, 12> kBuckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,   0.25,   0.5,   1,    2.5,   10};

 private:
  struct Times {
    std::array<uint64_t, kBuckets.size() + 1> counts{};
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;  // by "PUT /v1/people/{name}", status
  std::map<std::string, Times> times_;
  uint64_t known_ = 0, unknown_ = 0;
};

}  // namespace doppel::internal
