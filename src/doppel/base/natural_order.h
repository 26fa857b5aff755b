// The order in which people read numbered names: s2 before s10, 9.pgm before 10.pgm.
#pragma once

#include <string_view>

namespace doppel::internal {

// True where `a` comes before `b`: runs of digits compare by their value (of any length), all
// other bytes by their code. A strict weak order; names of equal value (a1, a01) order by bytes.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace doppel::internal
