#include "doppel/optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/nn/simd.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

OptimizerSettings of(OptimizerKind kind) { return OptimizerSettings::defaults(kind); }

// Each kind with and without what can be switched on.
std::vector<OptimizerSettings> many_settings() {
  std::vector<OptimizerSettings> all;
  for (double decay : {0.0, 0.1}) {
    for (OptimizerKind kind : {OptimizerKind::rmsprop, OptimizerKind::adam, OptimizerKind::adamw}) {
      all.push_back(of(kind));
      all.back().rate = 0.01;
      all.back().weight_decay = decay;
    }
    for (double momentum : {0.0, 0.9}) {
      for (bool nesterov : {false, true}) {
        if (nesterov && momentum == 0) continue;
        all.push_back(of(OptimizerKind::sgd));
        all.back().rate = 0.1;
        all.back().momentum = momentum;
        all.back().nesterov = nesterov;
        all.back().weight_decay = decay;
      }
    }
  }
  return all;
}

// One parameter in double precision, from the papers.
struct Reference {
  double w = 0, m = 0, v = 0;

  void step(const OptimizerSettings& s, double g, double rate, int t, bool decays) {
    const double decay = decays ? s.weight_decay : 0;
    if (s.kind == OptimizerKind::adamw) {
      w -= rate * decay * w;
    } else {
      g += decay * w;
    }
    switch (s.kind) {
      case OptimizerKind::rmsprop:
        v = s.rho * v + (1 - s.rho) * g * g;
        w -= rate * g / (std::sqrt(v) + s.epsilon);
        break;
      case OptimizerKind::adam:
      case OptimizerKind::adamw: {
        m = s.beta1 * m + (1 - s.beta1) * g;
        v = s.beta2 * v + (1 - s.beta2) * g * g;
        const double mean = m / (1 - std::pow(s.beta1, t));
        const double square = v / (1 - std::pow(s.beta2, t));
        w -= rate * mean / (std::sqrt(square) + s.epsilon);
        break;
      }
      case OptimizerKind::sgd:
        m = s.momentum * m + g;
        w -= rate * (s.nesterov ? g + s.momentum * m : m);
        break;
    }
  }
};

std::vector<float> random_values(size_t size, uint32_t stream) {
  Random random(1, Purpose::sample, stream);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

TEST(Optimizer, EqualsItsFormulasInDoublePrecision) {
  for (const OptimizerSettings& settings : many_settings()) {
    const std::string what = optimizer_to_json(settings).dump();
    for (size_t size : {1u, 7u, 15u, 16u, 17u, 33u, 40001u}) {
      std::vector<Reference> expected(size);
      const std::vector<float> start = random_values(size, 0);
      for (size_t i = 0; i < size; ++i) expected[i].w = start[i];
      const std::vector<ParameterRange> decayed = {{0, size / 3}, {size / 2, size}};
      const auto decays = [&](size_t i) { return i < size / 3 || i >= size / 2; };
      const double factors[] = {1, 0.5, 0.25, 0.8};
      std::vector<std::vector<float>> gradients;
      for (int t = 1; t <= 4; ++t) {
        gradients.push_back(random_values(size, static_cast<uint32_t>(t)));
        if (size > 3) gradients.back()[3] = 0;
        for (size_t i = 0; i < size; ++i) {
          expected[i].step(settings, gradients.back()[i], settings.rate * factors[t - 1], t,
                           decays(i));
        }
      }
      std::vector<float> first;  // what the first instruction set on one thread gave
      for (const std::string& simd : simd_names()) {
        use_simd(simd);
        for (int threads : {1, 3}) {
          ThreadPool pool(threads);
          Optimizer optimizer(size, settings);
          optimizer.set_decayed(decayed);
          std::vector<float> w = start;
          for (size_t t = 0; t < 4; ++t) {
            EXPECT_TRUE(optimizer.step(w, gradients[t], factors[t], pool));
          }
          for (size_t i = 0; i < size; ++i) {
            ASSERT_NEAR(w[i], expected[i].w, 1e-6) << what << " " << simd << " " << i;
          }
          if (first.empty()) first = w;
          ASSERT_EQ(w, first) << what << " " << simd << " " << threads << " threads";
        }
      }
    }
  }
  use_simd(simd_names().front());
}

// The first step of Adam goes by the rate against the gradient's sign, whatever its size.
TEST(Optimizer, AdamsFirstStepIsTheRate) {
  ThreadPool pool(1);
  for (OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::adamw}) {
    Optimizer optimizer(3, of(kind));
    std::vector<float> w(3, 0);
    optimizer.step(w, std::vector<float>{100, -0.01f, 0}, 0.5, pool);
    EXPECT_NEAR(w[0], -0.0005, 1e-8);
    EXPECT_NEAR(w[1], 0.0005, 1e-8);
    EXPECT_EQ(w[2], 0);
  }
}

TEST(Optimizer, WithoutAGradientOnlyTheDecayMovesTheGivenRanges) {
  ThreadPool pool(1);
  OptimizerSettings settings = of(OptimizerKind::adamw);
  settings.rate = 0.5;
  settings.weight_decay = 0.25;
  Optimizer optimizer(5, settings);
  const std::vector<float> none(5, 0);
  std::vector<float> w(5, 8);
  optimizer.step(w, none, 1, pool);
  EXPECT_THAT(w, testing::Each(7));  // 8 (1 - 0.5 0.25)
  const ParameterRange ranges[] = {{1, 2}, {2, 2}, {3, 5}};
  optimizer.set_decayed(ranges);
  w.assign(5, 8);
  optimizer.step(w, none, 0.5, pool);
  EXPECT_THAT(w, testing::ElementsAre(8, 7.5, 8, 7.5, 7.5));
  optimizer.set_decayed({});
  optimizer.step(w, none, 1, pool);
  EXPECT_THAT(w, testing::ElementsAre(8, 7.5, 8, 7.5, 7.5));
}

TEST(Optimizer, GoesOnFromASavedState) {
  ThreadPool pool(2);
  const size_t size = 100;
  for (const OptimizerSettings& settings : many_settings()) {
    Optimizer whole(size, settings);
    std::vector<float> w = random_values(size, 0);
    for (uint32_t t = 1; t <= 3; ++t) whole.step(w, random_values(size, t), 1, pool);
    Optimizer resumed(size, settings);
    resumed.restore(std::vector<float>(whole.state().begin(), whole.state().end()), whole.steps());
    std::vector<float> again = w;
    for (uint32_t t = 4; t <= 6; ++t) {
      whole.step(w, random_values(size, t), 1, pool);
      resumed.step(again, random_values(size, t), 1, pool);
    }
    EXPECT_EQ(w, again) << optimizer_to_json(settings);
    EXPECT_EQ(resumed.steps(), 6u);
  }
}

TEST(Optimizer, ReportsParametersThatAreNotFinite) {
  ThreadPool pool(2);
  for (const OptimizerSettings& settings : many_settings()) {
    for (size_t size : {1u, 100u}) {
      for (float bad :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        Optimizer optimizer(size, settings);
        std::vector<float> w(size, 0), g(size, 1);
        EXPECT_TRUE(optimizer.step(w, g, 1, pool));
        g[size / 2] = bad;
        EXPECT_FALSE(optimizer.step(w, g, 1, pool)) << optimizer_to_json(settings) << size;
      }
    }
  }
}

TEST(Optimizer, AcceptsNoParameters) {
  ThreadPool pool(1);
  Optimizer optimizer(0, of(OptimizerKind::adamw));
  EXPECT_TRUE(optimizer.step({}, {}, 1, pool));
}

TEST(Optimizer, RefusesWhatMakesNoSense) {
  const auto refused = [](OptimizerKind kind, auto change, const char* name) {
    OptimizerSettings settings = of(kind);
    change(settings);
    try {
      Optimizer optimizer(1, settings);
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  using S = OptimizerSettings;
  refused(
      OptimizerKind::adam, [](S& s) { s.rate = 0; }, "learning rate");
  refused(
      OptimizerKind::adam, [](S& s) { s.rate = std::nan(""); }, "learning rate");
  refused(
      OptimizerKind::rmsprop, [](S& s) { s.rho = 1; }, "rho");
  refused(
      OptimizerKind::adam, [](S& s) { s.beta1 = 1; }, "beta1");
  refused(
      OptimizerKind::adamw, [](S& s) { s.beta2 = -0.1; }, "beta2");
  refused(
      OptimizerKind::adamw, [](S& s) { s.epsilon = 0; }, "epsilon");
  refused(
      OptimizerKind::adamw, [](S& s) { s.weight_decay = -1; }, "weight decay");
  refused(
      OptimizerKind::sgd, [](S& s) { s.momentum = 1; }, "momentum");
  refused(
      OptimizerKind::sgd, [](S& s) { s.nesterov = true; }, "nesterov");

  ThreadPool pool(1);
  Optimizer optimizer(2, {});
  std::vector<float> two(2), three(3);
  EXPECT_THROW(optimizer.step(two, three, 1, pool), Error);
  EXPECT_THROW(optimizer.step(three, two, 1, pool), Error);
  EXPECT_THROW(optimizer.step(two, two, -1, pool), Error);
  EXPECT_THROW(optimizer.step(two, two, std::nan(""), pool), Error);
  EXPECT_THROW(optimizer.restore(three, 1), Error);
  for (const std::vector<ParameterRange>& ranges : std::vector<std::vector<ParameterRange>>{
           {{0, 3}}, {{1, 0}}, {{1, 2}, {0, 1}}, {{0, 2}, {1, 2}}}) {
    EXPECT_THROW(optimizer.set_decayed(ranges), Error);
  }
}

TEST(Optimizer, JsonHoldsTheSettingsOfItsKind) {
  for (const OptimizerSettings& settings : many_settings()) {
    EXPECT_EQ(optimizer_from_json(optimizer_to_json(settings)), settings);
  }
  EXPECT_EQ(optimizer_from_json({{"type", "rmsprop"}}), OptimizerSettings());
  EXPECT_EQ(optimizer_to_json(of(OptimizerKind::adamw)), json({{"type", "adamw"},
                                                               {"rate", 0.001},
                                                               {"beta1", 0.9},
                                                               {"beta2", 0.999},
                                                               {"epsilon", 1e-8},
                                                               {"weight_decay", 0.01}}));
  const OptimizerSettings read =
      optimizer_from_json({{"type", "adamw"}, {"rate", 0.003}, {"weight_decay", 1}});
  EXPECT_EQ(read.kind, OptimizerKind::adamw);
  EXPECT_EQ(read.rate, 0.003);
  EXPECT_EQ(read.weight_decay, 1);
  EXPECT_EQ(read.epsilon, 1e-8);
}

TEST(Optimizer, JsonThatIsWrongIsNamed) {
  const auto message = [](const json& json) -> std::string {
    try {
      optimizer_from_json(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message(3), HasSubstr("a JSON object was expected, not 3"));
  EXPECT_THAT(message(json::object()), HasSubstr("\"type\""));
  EXPECT_THAT(message({{"type", 1}}), HasSubstr("\"type\""));
  EXPECT_THAT(message({{"type", "lion"}}), HasSubstr("\"lion\""));
  EXPECT_THAT(message({{"type", "adam"}, {"lr", 1}}), HasSubstr("\"lr\""));
  EXPECT_THAT(message({{"type", "adam"}, {"momentum", 0.5}}), HasSubstr("\"momentum\""));
  EXPECT_THAT(message({{"type", "adam"}, {"nesterov", true}}), HasSubstr("\"nesterov\""));
  EXPECT_THAT(message({{"type", "sgd"}, {"nesterov", 1}}), HasSubstr("\"nesterov\""));
  EXPECT_THAT(message({{"type", "adam"}, {"rate", "fast"}}), HasSubstr("\"fast\""));
  EXPECT_THAT(message({{"type", "adam"}, {"rate", -1}}), HasSubstr("learning rate"));
}

}  // namespace
}  // namespace doppel::internal
