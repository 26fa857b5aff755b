// For tests: a row of a gallery's settings as no program of ours would write it.
#pragma once

#include <string>
#include <string_view>

#include "doppel/gallery/gallery.h"

namespace doppel::internal {

// Counts as a change of the gallery, so that those who follow it read it again.
inline void write_settings_row(const std::string& location, std::string_view key,
                               std::string_view text) {
  {
    const auto database = open_database(location, Access::read_write);
    WriteTransaction transaction(*database);
    database->run("DELETE FROM gallery WHERE key = $1", {key});
    database->run("INSERT INTO gallery VALUES ($1, $2)", {key, text});
    transaction.commit();
  }
  if (key == "settings") {
    Gallery::open(location, Access::read_write).change_access_keys([](std::vector<AccessKey>&) {});
  }
}

}  // namespace doppel::internal
