// A training that is not over, as a file: what is needed to go on to exactly the result of an
// uninterrupted run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "doppel/model/model.h"

namespace doppel::internal {

struct Checkpoint {
  std::string run;  // JSON of all that shapes the run: recipe, seed, network, digest of the data
  size_t step = 0;  // the next to be trained
  double loss_sum = 0;     // of this epoch's examples so far
  size_t examples = 0;     // how many these are
  bool collapsed = false;  // one of the networks before this one
  std::vector<EpochLosses> history;
  std::vector<float> parameters, optimizer, average;  // of the network that is trained
  std::vector<std::vector<float>> done;               // parameters of those before it
};

// All or nothing; throws Error(io).
void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

// Throws Error(bad_data) for a damaged file, Error(mismatch) where it belongs to another run than
// `run`, naming the settings that differ.
Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& run);

}  // namespace doppel::internal
