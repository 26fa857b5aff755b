#include "doppel/service/micro_batches.h"

#include <gmock/gmock.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace doppel::internal {
namespace {

using testing::ElementsAre;

// Doubles numbers, of which one batch may hold a sum of ten; notes the batches. The first one is
// held up until others wait.
class MicroBatchesTest : public testing::Test {
 protected:
  using Batches = MicroBatches<int, int>;

  Batches::Work work() {
    return {[this](std::span<const int> asked) {
              std::vector<int> inputs(asked.begin(), asked.end());
              if (batches_.empty()) started_.set_value();
              if (batches_.empty()) go_on_.get_future().wait();
              batches_.push_back(inputs);
              for (int& input : inputs) {
                if (input == 7) throw std::runtime_error("seven");
                input *= 2;
              }
              return inputs;
            },
            [](int input) { return static_cast<size_t>(input); }, 10};
  }
  // Asks for each of `inputs` while the first is under way; the outputs, or -1 for an error.
  std::vector<int> ask(Batches& batches, const std::vector<int>& inputs) {
    std::vector<std::thread> threads;
    std::vector<int> outputs(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          outputs[i] = batches.run(inputs[i]);
        } catch (const std::runtime_error&) {
          outputs[i] = -1;
        }
      });
      if (i == 0) started_.get_future().wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // they come in this order
    }
    go_on_.set_value();
    for (std::thread& thread : threads) thread.join();
    return outputs;
  }

  std::promise<void> started_, go_on_;
  std::vector<std::vector<int>> batches_;
};

TEST_F(MicroBatchesTest, DoesTogetherWhatHasArrived) {
  Batches batches(work());
  EXPECT_THAT(ask(batches, {1, 2, 3, 4, 5, 30, 6}), ElementsAre(2, 4, 6, 8, 10, 60, 12));
  EXPECT_THAT(batches_, ElementsAre(ElementsAre(1), ElementsAre(2, 3, 4), ElementsAre(5),
                                    ElementsAre(30), ElementsAre(6)));
}

TEST_F(MicroBatchesTest, AFailureIsItsRequestsAlone) {
  Batches batches(work());
  EXPECT_THAT(ask(batches, {1, 2, 7, 8}), ElementsAre(2, 4, -1, 16));
  EXPECT_THAT(batches_, ElementsAre(ElementsAre(1), ElementsAre(2, 7), ElementsAre(2),
                                    ElementsAre(7), ElementsAre(8)));
}

TEST_F(MicroBatchesTest, KeepsApartWhatDoesNotFit) {
  Batches::Work even_and_odd = work();
  even_and_odd.fits = [](int first, int other) { return first % 2 == other % 2; };
  Batches batches(even_and_odd);
  EXPECT_THAT(ask(batches, {1, 2, 4, 3, 5}), ElementsAre(2, 4, 8, 6, 10));
  EXPECT_THAT(batches_, ElementsAre(ElementsAre(1), ElementsAre(2, 4), ElementsAre(3, 5)));
}

}  // namespace
}  // namespace doppel::internal
