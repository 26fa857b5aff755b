// The energy of a pair: how far apart its two embeddings are. A verifier accepts a pair whose
// energy lies below its threshold, whichever kind of energy it is.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace doppel::internal {

// All of these take embeddings of equal length and add in double precision, in order.

// E(a, b)^2 = sum over i of (a_i - b_i)^2.
double squared_euclidean(std::span<const float> a, std::span<const float> b);

// E(a, b) = |a - b|, the tutorial's energy.
double euclidean(std::span<const float> a, std::span<const float> b);

// 1 - a.b / (|a| |b|), from 0 (one direction) to 2 (opposite ones). A zero vector has no direction:
// its energy is 1, as of a right angle.
double cosine(std::span<const float> a, std::span<const float> b);

// sum over i of |a_i - b_i|.
double manhattan(std::span<const float> a, std::span<const float> b);

enum class EnergyKind { euclidean, squared_euclidean, cosine, manhattan, weighted_l1 };

// An energy as a model carries it. Only weighted_l1 has weights and a bias, which are learned
// (logistic.h).
struct Energy {
  EnergyKind kind = EnergyKind::euclidean;
  std::vector<float> weights;  // one per value of an embedding
  float bias = 0;
};

// The energy of a pair. weighted_l1 is 1 - p(same) of Koch, Zemel and Salakhutdinov (Siamese neural
// networks for one-shot image recognition, ICML workshop 2015):
//   p(same) = sigmoid(z),   z = sum over i of w_i |a_i - b_i| + bias;
// learned weights are mostly negative, so that differences speak against one person. It lies in
// [0, 1] and orders pairs as -z does. Throws Error(mismatch) unless it has a weight for each value.
double energy_of(const Energy& energy, std::span<const float> a, std::span<const float> b);

// The sum z above, before the sigmoid. `weights` is as long as the embeddings.
double weighted_l1(std::span<const float> weights, float bias, std::span<const float> a,
                   std::span<const float> b);

// "euclidean", "squared_euclidean", "cosine", "manhattan", "weighted_l1"; energy_named throws
// Error(bad_argument) that lists these.
std::string to_string(EnergyKind kind);
EnergyKind energy_named(const std::string& name);

// {"kind"}, of weighted_l1 also "weights" and "bias".
nlohmann::json to_json(const Energy& energy);
// A text stands for an energy of that kind. Throws Error(bad_data) that begins with `where` for
// anything else.
Energy energy_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal
