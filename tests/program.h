// Runs the program `doppel` in a folder of its own and gives back what it printed.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace doppel::internal {

struct Finished {
  int code = -1;  // exit code; 128 + n where signal n ended it
  std::string out, err;

  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

// A program that runs; it is killed where nobody waits for it.
class Running {
 public:
  Running(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
          const std::string& environment);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  Finished wait();
  // Waits until standard output holds `text`; false after `patience` or the program's end.
  bool printed(const std::string& text, std::chrono::seconds patience) const {
    return holds(out_, text, patience);
  }
  // The same of standard error.
  bool complained(const std::string& text, std::chrono::seconds patience) const {
    return holds(err_, text, patience);
  }
  // All of it until now.
  std::string errors_so_far() const;

 private:
  bool holds(const std::filesystem::path& file, const std::string& text,
             std::chrono::seconds patience) const;

  std::filesystem::path out_, err_;
  pid_t pid_;
};

// Each test has an empty folder, gone afterwards.
class ProgramTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // `environment`: one "NAME=value", or none.
  Finished run(const std::vector<std::string>& arguments,
               const std::string& environment = "") const;
  // Makes m.safetensors, trained on faces/ by the default recipe cut short. These faces are
  // `which`: of equal ones a build makes equal models, so its tests share the first one's, which
  // stays beside the program.
  void train_briefly(const std::string& which) const;
  // The AT&T faces, or an empty path where they are not there.
  static std::filesystem::path att_faces();

  std::filesystem::path folder_;
};

}  // namespace doppel::internal
