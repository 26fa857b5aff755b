#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace doppel::internal::app {

std::string duration(double seconds) {
  const long whole = std::lround(std::clamp(seconds, 0.0, 1e8));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  }
  return text;
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::show(const std::string& text, size_t done, size_t total, const std::string& tail,
                    double fraction) {
  const Clock::time_point now = Clock::now();
  if (!terminal_ || (shown_ && now - drawn_ < std::chrono::milliseconds(100))) return;
  drawn_ = now;
  shown_ = true;
  constexpr size_t kBar = 24;
  const size_t filled = total == 0 ? 0 : done * kBar / total;
  std::string bar(filled, '=');
  if (filled < kBar) bar += '>';
  bar.resize(kBar, ' ');
  std::string line =
      text + " [" + bar + "] " + std::to_string(done) + "/" + std::to_string(total) + " " + tail;
  if (fraction > 0) {
    const double passed = std::chrono::duration<double>(now - start_).count();
    line += " - ETA " + duration(passed / fraction * (1 - fraction));
  }
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
    line.resize(std::min<size_t>(line.size(), size.ws_col - 1u));
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void Progress::clear() {
  if (!shown_) return;
  shown_ = false;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace doppel::internal::app
