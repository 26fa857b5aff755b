#include "request_log.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>

#include "doppel/base/utc_time.h"

namespace doppel::internal::app {
namespace {

constexpr int kPatience = 500;  // milliseconds

std::string line_of(const RequestRecord& record, bool names) {
  nlohmann::json line = {{"time", utc_time()},
                         {"method", record.method},
                         {"route", record.route},
                         {"status", record.status},
                         {"ms", std::round(record.seconds * 1e4) / 10}};
  if (!record.key.empty()) line["key"] = record.key;
  if (record.faces > 0) {
    line["known"] = record.known;
    line["unknown"] = record.faces - record.known;
    if (names) line["names"] = record.names;
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Gives up where `give_up` says so while nothing can be written, or nobody can read any more.
template <typename GiveUp>
void write_all(const std::string& text, const GiveUp& give_up) {
  for (size_t at = 0; at < text.size();) {
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&out, 1, kPatience) == 0) {
      if (give_up()) return;
      continue;
    }
    const ssize_t written = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return;
    at += static_cast<size_t>(written);
  }
}

}  // namespace

RequestLog::RequestLog(bool names) : names_(names), thread_([this] { write(); }) {}

RequestLog::~RequestLog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void RequestLog::add(const RequestRecord& record) {
  std::string line = line_of(record, names_);
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() < kMostWaiting) {
      lines_.push_back(std::move(line));
    } else {
      ++dropped_;
    }
  }
  changed_.notify_one();
}

void RequestLog::write() {
  for (;;) {
    std::string text;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) return;
      for (; !lines_.empty() && text.size() < 4096; lines_.pop_front()) text += lines_.front();
      if (dropped_ > 0) text += nlohmann::json{{"dropped", dropped_}}.dump() + "\n";
      dropped_ = 0;
    }
    // Whoever stalls for good is waited for in short pieces, so that the program can end.
    write_all(text, [this] {
      const std::lock_guard lock(mutex_);
      return ending_;
    });
  }
}

}  // namespace doppel::internal::app
