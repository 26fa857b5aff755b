// Whether a training aligns its faces where nobody said so.
#pragma once

#include <string>

#include "doppel/base/thread_pool.h"

namespace doppel::internal::app {

// Whether the faces in some pictures of `source`, a folder or an archive, are framed so loosely
// that aligning them helps; says on standard error which it is, why, and how to have it otherwise.
// Of synthetic faces, or without a source, there is nothing to tell: these are drawn alike. Never
// throws for what loading the whole of it will say, nor where faces cannot be found: then nothing
// is aligned.
bool aligning_helps(const std::string& source, ThreadPool& pool);

}  // namespace doppel::internal::app
