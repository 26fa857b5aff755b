// The service's log: a line of JSON on standard output for each request, written by a thread of its
// own, so that nobody waits for whoever reads it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "doppel/service/route.h"

namespace doppel::internal::app {

class RequestLog {
 public:
  // With `names` it says whom faces were taken for, too.
  explicit RequestLog(bool names);
  // Writes what waits, unless nobody reads it.
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  // Several threads may call this at once.
  void add(const RequestRecord& record);

  // Lines that may wait. Of further ones only the number is told, in a line {"dropped": 7}.
  static constexpr size_t kMostWaiting = 10'000;

 private:
  void write();

  const bool names_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  size_t dropped_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace doppel::internal::app
