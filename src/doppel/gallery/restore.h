// A copy of a gallery's file, as backups are, in the gallery's place.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace doppel::internal {

struct Restored {
  size_t people = 0, templates = 0;
  std::vector<std::string> set_aside;  // files that were too damaged to be written into
  bool kept_keys = false;              // access keys are those that were there, not the backup's
};

// Makes the gallery at `location`, a file's path, hold what the file `backup` does: in one
// transaction, while other processes use it. The gallery is another one from then on, with an
// identity of its own, and of a later revision than both: whoever follows it starts anew. Its
// access keys stay, or a running service would be open to whom it was closed, or the other way
// round. A damaged one that nobody has open is set aside as location + ".damaged". Throws
// Error(bad_data) where the backup is damaged, Error(io) where the gallery cannot be replaced now;
// then it is as it was.
Restored restore_gallery(const std::string& backup, const std::string& location);

}  // namespace doppel::internal
