// Whether a training aligns its faces where nobody said so: a few pictures are looked at.
#pragma once

#include <filesystem>
#include <string>

#include "doppel/base/thread_pool.h"

namespace doppel::internal {

struct AlignmentDecision {
  bool align = false;
  bool judged = false;  // whether faces were looked at; else the detail says what was in the way
  // "the faces are framed alike, so they are not aligned" and "in 30 pictures eyes lie 0.19 ..";
  // both empty where there was nothing to tell, the latter where the former says all.
  std::string finding = {}, detail = {};
};

// Whether the faces in some pictures of `source`, a folder or an archive, are framed so loosely
// that aligning them helps (face/framing.h). Of synthetic faces there is nothing to tell: these are
// drawn alike. Never throws for what loading the whole of it will say, nor where faces cannot be
// found: then nothing is aligned.
AlignmentDecision decide_alignment(const std::filesystem::path& source, ThreadPool& pool);

}  // namespace doppel::internal
