// The program's manual page and its completion in the shell, both made from its commands and
// options.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace doppel::internal::app {

// For man(1), in the macros of man(7).
std::string manual_page(const CLI::App& program);

// For bash: names of commands and options, and files.
std::string bash_completion(const CLI::App& program);

}  // namespace doppel::internal::app
