// What many requests want done, done together: one thread takes all that has arrived while it was
// at work. Nobody waits for others who may not come.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace doppel::internal {

template <typename Input, typename Output>
class MicroBatches {
 public:
  struct Work {
    // One output for each input, in their order. Where it throws for several, it is called again
    // for each of them alone, so that nobody is told what is wrong with another's. Called by one
    // thread.
    std::function<std::vector<Output>(std::span<const Input>)> run;
    // How much an input is; a batch has at most `most`, or one input.
    std::function<size_t(const Input&)> size;
    size_t most = 64;
    // Whether an input may be in one batch with its first.
    std::function<bool(const Input& first, const Input& other)> fits =
        [](const Input&, const Input&) { return true; };
  };

  explicit MicroBatches(Work work) : work_(std::move(work)), thread_([this] { run_all(); }) {}
  // What was asked for is still done.
  ~MicroBatches() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  MicroBatches(const MicroBatches&) = delete;
  MicroBatches& operator=(const MicroBatches&) = delete;

  // Waits for the output. Several threads may call this at once. Throws what the work throws.
  Output run(Input input) {
    Waiting waiting{std::move(input), {}};
    std::future<Output> output = waiting.output.get_future();
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(waiting));
    }
    changed_.notify_one();
    return output.get();
  }

 private:
  struct Waiting {
    Input input;
    std::promise<Output> output;
  };

  void run_all() {
    for (;;) {
      std::vector<Input> inputs;
      std::vector<std::promise<Output>> outputs;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        for (size_t size = 0; !waiting_.empty(); waiting_.pop_front()) {
          Input& next = waiting_.front().input;
          size += work_.size(next);
          if (!inputs.empty() && (size > work_.most || !work_.fits(inputs.front(), next))) break;
          inputs.push_back(std::move(next));
          outputs.push_back(std::move(waiting_.front().output));
        }
      }
      answer(inputs, outputs);
    }
  }

  void answer(std::span<const Input> inputs, std::span<std::promise<Output>> outputs) {
    std::vector<Output> results;
    try {
      results = work_.run(inputs);
    } catch (...) {
      if (inputs.size() == 1) return outputs[0].set_exception(std::current_exception());
      for (size_t i = 0; i < inputs.size(); ++i)
        answer(inputs.subspan(i, 1), outputs.subspan(i, 1));
      return;
    }
    for (size_t i = 0; i < outputs.size(); ++i) outputs[i].set_value(std::move(results[i]));
  }

  const Work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace doppel::internal
