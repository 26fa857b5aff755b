// How the program ends: one table for all commands.
#pragma once

#include <string>

#include "doppel/error.h"

namespace doppel::internal::app {

using ExitCode = int;
inline constexpr ExitCode kDone = 0;           // of verify --exit-code: the same person
inline constexpr ExitCode kFailed = 1;         // of verify --exit-code: different people
inline constexpr ExitCode kWrongUsage = 2;     // an option or argument that cannot be meant
inline constexpr ExitCode kUndecided = 3;      // nothing failed, and nothing follows
inline constexpr ExitCode kInterrupted = 130;  // as shells say it of Ctrl-C

// For --help.
inline constexpr const char* kExitCodes =
    "Exit codes of all commands:\n"
    "  0    done; of verify --exit-code: the same person\n"
    "  1    it failed; of verify --exit-code: different people\n"
    "  2    wrong usage: a command, option or argument that cannot be meant\n"
    "  3    nothing can be decided: there is no threshold, or no face to compare\n"
    "  130  ended by Ctrl-C or SIGTERM; serve, which is always ended so, gives 0\n";

// Of an Error that ends a command.
ExitCode code_of(ErrorKind kind);

// Ends the program with a code of that table.
struct Exit {
  ExitCode code;
  std::string problem;  // for standard error; empty where there is none
};

}  // namespace doppel::internal::app
