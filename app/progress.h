// A live line on the terminal for long work; silent where standard error is no terminal.
#pragma once

#include <chrono>
#include <string>

namespace doppel::internal::app {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }

  // Shows "text [=====>    ] 45/88 tail ETA 0:12"; `done` of `total` is for the bar, `fraction` of
  // the whole work (0 .. 1) for the ETA. Drawn ten times a second at most.
  void show(const std::string& text, size_t done, size_t total, const std::string& tail,
            double fraction);
  // Takes the line away, so that others can be printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now(), drawn_;
};

// "0:07", "12:30", "3:05:00"
std::string duration(double seconds);

}  // namespace doppel::internal::app
