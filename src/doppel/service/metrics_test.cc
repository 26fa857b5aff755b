#include "doppel/service/metrics.h"

#include <gmock/gmock.h>

namespace doppel::internal {
namespace {

using testing::HasSubstr;

TEST(Metrics, AddsTimesUpInBuckets) {
  Metrics metrics;
  for (const double seconds : {0.0005, 0.001, 0.003, 0.02, 99.0}) {
    RequestRecord record;
    record.method = "GET";
    record.route = "/x/{name}";
    record.status = seconds > 1 ? 500 : 200;
    record.seconds = seconds;
    metrics.count(record);
  }
  const std::string text = metrics.text({});
  const std::string labels = "{method=\"GET\",route=\"/x/{name}\",";
  for (const char* line : {"le=\"0.001\"} 2\n", "le=\"0.0025\"} 2\n", "le=\"0.005\"} 3\n",
                           "le=\"0.025\"} 4\n", "le=\"10\"} 4\n", "le=\"+Inf\"} 5\n"}) {
    EXPECT_THAT(text, HasSubstr("doppel_request_seconds_bucket" + labels + line));
  }
  EXPECT_THAT(
      text, HasSubstr("doppel_request_seconds_sum{method=\"GET\",route=\"/x/{name}\"} 99.0245\n"));
  EXPECT_THAT(text, HasSubstr("doppel_requests_total" + labels + "status=\"200\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("doppel_requests_total" + labels + "status=\"500\"} 1\n"));
}

TEST(Metrics, MethodsThatClientsInventAreNoLabels) {
  Metrics metrics;
  RequestRecord record;
  record.method = "GET\"} 1\nfoo{x=\"";
  record.status = 404;
  metrics.count(record);
  EXPECT_THAT(metrics.text({}), testing::Not(HasSubstr("foo")));
}

TEST(Metrics, EveryFamilySaysWhatItIs) {
  const std::string text = Metrics().text({.people = 3, .ready = false});
  for (const char* name :
       {"doppel_requests_total counter", "doppel_request_seconds histogram",
        "doppel_faces_total counter", "doppel_gallery_people gauge", "doppel_ready gauge"}) {
    EXPECT_THAT(text, HasSubstr(std::string("# TYPE ") + name + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("doppel_gallery_people 3\n"));
  EXPECT_THAT(text, HasSubstr("doppel_ready 0\n"));
}

}  // namespace
}  // namespace doppel::internal
