// What no option's value may be, of whichever command: one rule for all.
#pragma once

namespace CLI {
class App;
}

namespace doppel::internal::app {

// To be called when all commands and options are added. Wrong usage are from then on
// * an empty value: it would count as none given, so that --threshold "$NONE" decides by another
//   threshold, and --cert "$NONE" serves without encryption;
// * numbers that are read as another one: -1, 010 and 99999999999999999999 of whole numbers, nan
//   and infinities;
// * a URL where a file or folder is expected: it would be read, and made, as a path.
void check_option_values(CLI::App& program);

}  // namespace doppel::internal::app
