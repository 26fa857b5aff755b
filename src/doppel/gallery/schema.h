// The tables of a gallery, the same in every database.
#pragma once

#include <string>
#include <vector>

namespace doppel {

// For Database::create(). Numbers are never used twice, so that a removed template's or person's
// stays that.
const std::vector<std::string>& gallery_tables();

// Those that hold what must be gone from the disk when a person is removed.
const std::vector<std::string>& personal_tables();

}  // namespace doppel
