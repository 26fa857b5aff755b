// What the tests of the public interface share.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "doppel/error.h"

namespace doppel {

// Models of drawn faces, with a calibration and without.
inline constexpr const char* kCalibrated = "tests/earlier/0.1/batches.safetensors";
inline constexpr const char* kUncalibrated = "tests/earlier/0.1/pairs.safetensors";

// Each test has an empty folder of its own.
class InOwnFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("doppel_") +
       testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + "_" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
};

// What `act` throws.
template <typename Act>
Error error_of(const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::bad_argument, "nothing was thrown"};
}

}  // namespace doppel
