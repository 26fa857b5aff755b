// For tests: what a user may do who is not the files' owner.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace doppel::internal {

inline constexpr uid_t kNobody = 65534;

// Runs `work` in a process of that user, which takes root; gives what that gives, 0 .. 199, and
// more where it cannot be run or throws.
template <typename Work>
int as_nobody(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(200);
    try {
      _exit(work());
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(201);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 202;
}

}  // namespace doppel::internal
