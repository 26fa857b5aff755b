// For tests of `doppel serve`: a model, some faces and a gallery of Ada, asked with curl as anybody
// would.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "doppel/data/synthetic.h"
#include "program.h"

namespace doppel::internal {

inline constexpr std::chrono::seconds kPatience{60};

class ServingTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 26, 2, 7);
    train_briefly("26_people_2_photos");
    ASSERT_EQ(enroll("Ada", 1).code, 0);
  }
  std::string photo(int person) const {
    return (folder_ / "faces" / std::string("s").append(std::to_string(person)) / "1.pgm").string();
  }
  Finished enroll(const std::string& name, int person) const {
    return run({"enroll", "g", "--model", "m.safetensors", "--name", name, photo(person)});
  }
  // What standard error says behind "://127.0.0.1:".
  int port_of(const Running& serving) const {
    EXPECT_TRUE(serving.complained("Ctrl-C ends it", kPatience));
    const std::string said = serving.errors_so_far();
    const std::string before = "://127.0.0.1:";
    const size_t at = said.find(before);
    return at == std::string::npos ? 0 : std::stoi(said.substr(at + before.size()));
  }
  static std::string curl(int port, const std::string& target, const std::string& options = "",
                          const std::string& scheme = "http") {
    const std::string command = "curl -s --max-time 30 " + options + " '" + scheme +
                                "://127.0.0.1:" + std::to_string(port) + target + "'";
    FILE* pipe = popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> part;
    while (const size_t n = fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), n);
    pclose(pipe);
    return out;
  }
};

}  // namespace doppel::internal
