// The manual page and the completion, which are made from the commands and options.
#include <gmock/gmock.h>

#include <cstdio>
#include <memory>
#include <sstream>

#include "doppel/base/file.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
using testing::Not;

class Manual : public ProgramTest {
 protected:
  // What bash completes the last word of "doppel .." to, a line each.
  std::string completed(const std::string& words) const {
    const std::string script = folder_ / "doppel.bash";
    write_file_atomically(script, run({"manual", "--bash-completion"}).out);
    const std::string command = "bash -c 'source " + script + "; COMP_WORDS=(doppel " + words +
                                "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _doppel; "
                                "printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string text;
    for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) {
      text += static_cast<char>(c);
    }
    return text;
  }
};

TEST_F(Manual, HasEveryCommandWithItsOptions) {
  const Finished page = run({"manual"});
  ASSERT_EQ(page.code, 0);
  EXPECT_THAT(page.out, testing::StartsWith(".TH DOPPEL 1 "));
  for (const char* part :
       {".SS doppel train [DATA]\n", ".SS doppel gallery rename GALLERY NAME NEW\n",
        ".B \\-\\-far FLOAT in [", ".B \\-\\-align, \\-\\-no\\-align\n",
        ".SS doppel enroll GALLERY [IMAGES]\n", ".SH EXIT STATUS\n", "130  ended by Ctrl\\-C"}) {
    EXPECT_THAT(page.out, HasSubstr(part));
  }
  // No text is taken for a request: lines that begin with a dot are ours.
  std::istringstream lines(page.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.')) continue;
    const std::string request = line.substr(0, line.find(' '));
    EXPECT_THAT(request,
                testing::AnyOf(".TH", ".SH", ".SS", ".TP", ".B", ".I", ".RI", ".PP", ".nf", ".fi"));
  }
}

TEST_F(Manual, BashCompletesCommandsAndTheirOptions) {
  EXPECT_EQ(completed("iden"), "identify\n");
  EXPECT_EQ(completed("gallery ren"), "rename\n");
  EXPECT_EQ(completed("train faces --hold"), "--holdout\n");
  EXPECT_EQ(completed("gallery list g --verb"), "--verbose\n");
  EXPECT_THAT(completed("gallery list g --"), Not(HasSubstr("--holdout")));
  EXPECT_THAT(completed("\"\""), HasSubstr("train\n"));
  EXPECT_EQ(completed("identify --no-such"), "\n");
}

}  // namespace
}  // namespace doppel::internal
